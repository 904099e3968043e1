"""Apply what one commit changes: files added, copied and deleted, in the order in which they were sent."""

import re
import stat
from io import BytesIO
from typing import NamedTuple

from dulwich.attrs import GitAttributes, Pattern, parse_git_attributes
from dulwich.lfs import LFSPointer
from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from toolkit.hub_server import lfs, names
from toolkit.hub_server.bodies import Body, decoded, text
from toolkit.hub_server.errors import HubError, entry_missing
from toolkit.hub_server.objects import ObjectWriter, blob
from toolkit.hub_server.repos import RepoPlace
from toolkit.hub_server.trees import Entry

FILE = stat.S_IFREG | 0o644
REGULAR = 10 << 20  # bytes; anything longer is a large file
ATTRIBUTES = ".gitattributes"
LARGE = "filter=lfs diff=lfs merge=lfs -text"
ENDINGS = (
    "7z arrow avro bin bz2 ckpt flac gguf gz h5 jpeg jpg joblib mp3 mp4 msgpack npy npz onnx parquet pdf pickle pkl "
    "png pt pth rar safetensors tar tflite tgz wasm wav webp xz zip zst"
)


class Edit(NamedTuple):
    """One change: a file to write (with its blob), or a file or folder to delete (without)."""

    path: str
    oid: ObjectID | None = None
    large: bool = False
    folder: bool = False


def first_attributes() -> bytes:
    """Return the `.gitattributes` of a new repo, which say which files are large by their names."""
    return "".join(f"*.{ending} {LARGE}\n" for ending in ENDINGS.split()).encode()


def is_large(attributes: GitAttributes, path: str) -> bool:
    """Say whether the rules send a file to the large file store by its name."""
    return attributes.match_path(path.encode()).get(b"filter") == b"lfs"


def attributes_of(repo: Repo, files: dict[str, Entry]) -> GitAttributes:
    """Read the rules in the `.gitattributes` at the root."""
    entry = files.get(ATTRIBUTES)
    data = blob(repo, entry.oid) if entry else b""
    return GitAttributes([(Pattern(name), rules) for name, rules in parse_git_attributes(BytesIO(data))])


def read_edit(writer: ObjectWriter, place: RepoPlace, key: str, value: Body) -> Edit:
    """Read the change in one line of a commit call; a file's blob goes to `writer`.

    Raises:
        HubError: 400, for an unknown key, an invalid path, and a large file that is not in the store.
    """
    if key in ("deletedFile", "deletedFolder"):
        path = text(value, "path").rstrip("/")
        return Edit(names.file_path(path), folder=key == "deletedFolder")
    path = names.file_path(text(value, "path"))
    if key == "file":
        return Edit(path, writer.put(Blob.from_string(_decoded(place, value))))
    if key == "lfsFile":
        oid = text(value, "oid")
        data = LFSPointer(oid, _stored(place, oid, value.get("size"))).to_bytes()
        return Edit(path, writer.put(Blob.from_string(data)), large=True)
    raise HubError(400, f"Unknown operation {key!r} in a commit")


def _decoded(place: RepoPlace, value: Body) -> bytes:
    content = text(value, "content")
    data = decoded(content) if value.get("encoding") == "base64" else content.encode(errors="replace")
    if len(data) > REGULAR:
        raise HubError(400, f"{value['path']}: {len(data)} bytes; files beyond {REGULAR} go to the large file store")
    pointer = lfs.pointer(data)
    if pointer:  # from a clone without git-lfs; its object must exist
        _stored(place, pointer.oid, pointer.size)
    return data


def _stored(place: RepoPlace, oid: str, size: object) -> int:
    """Return the bytes of a large file in the store, which must be `size`, or any for None (a copy)."""
    actual = lfs.size_of(place, oid)
    if actual is None or size not in (None, actual):
        raise HubError(400, f"LFS object {oid} of {size} bytes was not uploaded: send it before its commit")
    return actual


def apply(repo: Repo, writer: ObjectWriter, files: dict[str, Entry], edits: list[Edit], head: str) -> dict[str, Entry]:
    """Return the files after `edits`, with a rule in `.gitattributes` for each large file that no rule covers.

    Raises:
        HubError: 404 for a file to delete that does not exist, 400 where a path is both file and folder.
    """
    files = dict(files)
    for edit in edits:
        if edit.oid:
            mode = files[edit.path].mode if edit.path in files else FILE
            files[edit.path] = Entry(edit.path, mode, edit.oid)
            continue
        deleted = [edit.path] if edit.path in files and not edit.folder else _inside(files, edit)
        if not deleted:
            raise entry_missing(edit.path, head)
        for path in deleted:
            del files[path]
    _check_folders(files)
    return files | _new_rules(repo, writer, files, [edit.path for edit in edits if edit.large])


def _inside(files: dict[str, Entry], edit: Edit) -> list[str]:
    return [path for path in files if edit.folder and path.startswith(f"{edit.path}/")]


def _check_folders(files: dict[str, Entry]) -> None:
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in files:
                raise HubError(400, f"{folder!r} cannot be a file and the folder of {path!r}: delete one of them")


def _new_rules(repo: Repo, writer: ObjectWriter, files: dict[str, Entry], large: list[str]) -> dict[str, Entry]:
    """Return `.gitattributes` with the missing rules, without which git-lfs would leave a pointer in a clone."""
    attributes = attributes_of(repo, files)
    old = blob(repo, files[ATTRIBUTES].oid).decode(errors="surrogateescape") if ATTRIBUTES in files else ""
    rules = [f"{_pattern(path)} {LARGE}" for path in large if path in files and not is_large(attributes, path)]
    absent = [rule for rule in rules if rule not in old.splitlines()]
    if not absent:
        return {}
    data = "\n".join([*old.splitlines(), *absent, ""]).encode(errors="surrogateescape")
    return {ATTRIBUTES: Entry(ATTRIBUTES, FILE, writer.put(Blob.from_string(data)))}


def _pattern(path: str) -> str:
    """Return a pattern that matches `path` and nothing else."""
    return re.sub(r"([*?\[\]\\#!])", r"\\\1", path).replace(" ", "[[:space:]]")
