"""Refuse to publish files that reveal tokens, or folders and the name of this machine."""

import codecs
import io
import json
import lzma
import os
import re
import socket
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants, get_token

from toolkit.hub.version import Refused

VOCABULARY = {"tokenizer.json", "vocab.json", "merges.txt"}  # learnt from texts: `/root` may be a token in them
KINDS = {
    # A token has a digit or a capital, unlike a name such as `hf_hub_download_...`.
    "a Hub token": r"\b(?:hf|api_org)_(?=[\w-]*[0-9A-Z])[\w-]{30,}",
    "an API key": "|".join(
        [
            r"\bsk-(?:proj|svcacct|admin|ant-\w+|or-v\d)-(?=[\w-]*\d)[\w-]{20,}",
            r"\bsk-(?=[A-Za-z_]*\d)\w{20,}",
            r"\b(?:AKIA|ASIA)(?=[A-Z]*\d)[0-9A-Z]{16}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}|\bglpat-(?=[\w-]*[0-9A-Z])[\w-]{20,}",
            r"\bxox[abeoprs]-(?=[\w-]*\d)[\w-]{10,}|\bAIza[\w-]{35}(?![\w-])",
            r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",  # a signed web token
        ]
    ),
    "a login header": r"(?i:\bbearer|\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|token))\s+"
    r"(?=[\w.~+/-]*\d)[\w.~+/-]{20,}",
    "a password in an address": r"://[^\s/:@\"'<>]{1,100}:[^\s/@\"'<>{}$]{6,200}@[\w.-]",
    "a private key": r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----",
}
SECRET_NAMES = re.compile(r"(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD)$")  # of environment variables
SHORTEST = 16  # characters of a secret in the environment; placeholders such as `EMPTY` are shorter
ORDINARY = re.compile(r"[a-zA-Z]{1,7}|localhost")  # host names that are common words and reveal nothing
WEIGHTS_THAT_RUN = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".msgpack", ".h5"}


def refuse_secrets(files: Mapping[str, Path], folders: Iterable[Path] = ()) -> None:
    """Refuse files (name -> file) that hold a token or key, a folder of this machine, or its name.

    It reads all forms: texts, tables with their metadata, archives, compressed files, and the metadata of weights.

    Args:
        folders: more folders that must not be named, such as the workspace; the home folder never may.

    Raises:
        Refused: naming the file, the column or member, and the kind of secret, never the secret; or for a file that
            cannot be read.
    """
    secrets, places = dict(_secrets()), dict(_places(folders))
    for name, path in files.items():
        needles = secrets if path.name in VOCABULARY else secrets | places
        try:
            for piece in pieces(path):
                kinds = [what for what, pattern in needles.items() if pattern.search(piece.text)]
                if kinds:
                    holds = f"{name}{piece.where} holds {' and '.join(kinds)}"
                    raise Refused(f"{holds}; name things by repo, key or digest and make it again")
        except Unreadable as error:
            raise Refused(f"{name}: cannot be searched for secrets, it is damaged ({error}); make it again") from error


def refuse_pickles(names: Iterable[str]) -> None:
    """Refuse weights other than safetensors, as other forms may run code when they are loaded.

    Raises:
        Refused: naming the files.
    """
    bad = [name for name in names if Path(name).suffix in WEIGHTS_THAT_RUN]
    if bad:
        raise Refused(f"{', '.join(bad)}: only safetensors are published; save the weights with save_pretrained")


def refuse_paths(configs: Mapping[str, Path]) -> None:
    """Refuse model configurations that name a folder; PEFT and Transformers note where they loaded a base from.

    Raises:
        Refused: naming the file, the field and the remedy.
    """
    for name, path in configs.items():
        settings = json.loads(path.read_text(encoding="utf-8"))
        for field in ("base_model_name_or_path", "_name_or_path", "name_or_path"):
            value = settings.get(field) if isinstance(settings, dict) else None
            if isinstance(value, str) and (value.startswith(("/", ".", "~")) or "\\" in value or value.count("/") > 1):
                raise Refused(f"{name}: {field} is a folder of some machine; give the base's repo")


def _secrets() -> Iterator[tuple[str, re.Pattern[str]]]:
    tokens = {token for token in (get_token(), _stored()) if token}
    values = {value for name, value in os.environ.items() if SECRET_NAMES.search(name) and len(value) >= SHORTEST}
    literal = {"a Hub token": tokens, "an API key": values - tokens}
    for what, pattern in KINDS.items():
        yield what, re.compile("|".join([pattern, *map(re.escape, sorted(literal.get(what, ())))]))


def _places(folders: Iterable[Path]) -> Iterator[tuple[str, re.Pattern[str]]]:
    homes = [f"{home}/" for home in {Path.home(), Path.home().resolve()} if home != Path("/")]
    names = {str(path) for folder in folders for path in (folder.absolute(), folder.resolve())} - {"/"}
    paths = [*map(re.escape, homes), *(rf"{re.escape(path)}(?![\w-])" for path in sorted(names))]
    if paths:
        yield "a folder of this machine", re.compile(rf"(?<![\w.-])(?:{'|'.join(paths)})")
    host = socket.gethostname()
    if host and not ORDINARY.fullmatch(host):
        yield "this machine's name", re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")


def _stored() -> str | None:
    """Read the token in the file that `hf auth login` writes, also where the environment names another."""
    path = Path(constants.HF_TOKEN_PATH)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


PIECE = 1 << 20  # bytes read at once
OVERLAP = 4096  # characters of a piece that are searched again with the next: a secret may cross the border
ROWS = 512  # rows of a table read at once
KNOWN, SHORT = 10_000, 200  # texts of a column, and characters of each, that are remembered: names repeat in most rows
LAYERS = 3  # nested layers of compression
HEADER = 100 << 20  # largest header of safetensors, bytes
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\x04\x22\x4d\x18": "lz4"}
ESCAPE = re.compile(r"\\(?:/|u([0-9a-fA-F]{4}))")


class Unreadable(Exception):
    """A file that is not of the form that it claims."""


class Piece(NamedTuple):
    """Some of a file's text, and its place there: a column of a table, a member of an archive, or empty."""

    text: str
    where: str = ""


def pieces(path: Path) -> Iterator[Piece]:
    """Yield all texts in a file: rows and metadata of a table, members of an archive, unpacked text, else its bytes.

    Raises:
        Unreadable: for a damaged file, or one with too many layers of compression.
    """
    try:
        for piece in _of_file(path):
            yield piece
            if "\\" in piece.text:  # JSON may write a slash and any letter as an escape
                yield Piece(ESCAPE.sub(_unescaped, piece.text), piece.where)
    except (pa.ArrowException, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise Unreadable(str(error)) from error


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else "/"


def _of_file(path: Path) -> Iterator[Piece]:
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if path.suffix == ".safetensors":
            yield from _of_weights(file, int.from_bytes(start, "little"))
        elif start.startswith(b"PAR1"):
            yield from _of_table(path)
        elif zipfile.is_zipfile(file):
            yield from _of_archive(path)
        else:
            file.seek(0)
            yield from _of_stream(file, LAYERS)


def _of_weights(file: IO[bytes], size: int) -> Iterator[Piece]:
    """Yield the metadata in the header of safetensors; the weights themselves are not text."""
    file.seek(8)
    header = file.read(size) if size <= HEADER else b""
    if header.startswith(b"{"):
        yield Piece(json.dumps(json.loads(header).get("__metadata__", {}), ensure_ascii=False), ", its metadata")


def _of_archive(path: Path) -> Iterator[Piece]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                for piece in (Piece(member.filename), *_of_stream(file, LAYERS)):
                    yield Piece(piece.text, f", member {member.filename!r}")


def _of_stream(file: IO[bytes], layers: int) -> Iterator[Piece]:
    first = file.read(PIECE)
    kind = next((name for magic, name in COMPRESSED.items() if first.startswith(magic)), None)
    if not kind and not first.startswith(b"\xfd7zXZ\0"):
        yield from _decoded(first, file)
        return
    if not layers:
        raise Unreadable(f"compressed more than {LAYERS} times over")
    whole = io.BufferedReader(_Rejoined(first, file))
    with _opened(whole, kind) as inner:
        yield from _of_stream(inner, layers - 1)


def _opened(file: IO[bytes], kind: str | None) -> Any:
    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), kind) if kind else lzma.open(file)


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were already read."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self.first, self.rest = first, rest

    def readable(self) -> bool:
        """Say that the stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of `buffer` and return the number of bytes."""
        data = self.first[: len(buffer)] or self.rest.read(len(buffer))
        self.first = self.first[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _decoded(first: bytes, file: IO[bytes]) -> Iterator[Piece]:
    encoding = "utf-16" if first.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    overlap, data = "", first
    while data:
        text = overlap + decoder.decode(data)
        yield Piece(text)
        overlap, data = text[-OVERLAP:], file.read(PIECE)


def _of_table(path: Path) -> Iterator[Piece]:
    with pq.ParquetFile(path) as table:
        schema = table.schema_arrow
        description = schema.to_string(show_field_metadata=True, show_schema_metadata=True, truncate_metadata=False)
        metadata = table.metadata.metadata or {}
        yield Piece(
            "\n".join([description, *(text.decode(errors="replace") for text in metadata.values())]), ", its metadata"
        )
        for field in schema:
            if _may_hold_text(field.type):
                yield from (Piece(text, f", column {field.name!r}") for text in _of_column(table, field.name))


def _of_column(table: pq.ParquetFile, name: str) -> Iterator[str]:
    """Yield the texts of a column, rows at a time; what was read a while ago already is left out."""
    known: set[str] = set()
    for batch in table.iter_batches(ROWS, columns=[name]):
        new = dict.fromkeys(text for column in batch.columns for text in _texts(column) if text not in known)
        if new:
            yield "\n".join(new)
        if len(known) > KNOWN:
            known.clear()
        known.update(text for text in new if len(text) <= SHORT)


def _may_hold_text(kind: pa.DataType) -> bool:
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    if isinstance(kind, pa.BaseExtensionType):
        inner = [kind.storage_type]
    if pa.types.is_dictionary(kind):
        inner = [kind.value_type]
    return _is_text(kind) or any(_may_hold_text(part) for part in inner)


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    views = types.is_string_view(kind) or types.is_binary_view(kind)
    large = types.is_large_string(kind) or types.is_large_binary(kind)
    return views or large or types.is_string(kind) or types.is_binary(kind) or types.is_fixed_size_binary(kind)


def _texts(array: pa.Array) -> Iterator[str]:
    """Yield every text in a column, also within lists, structs, maps and dictionaries."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        yield from _texts(array.storage)
    elif pa.types.is_dictionary(kind):
        yield from _texts(array.dictionary)
    elif pa.types.is_struct(kind):
        for position in range(kind.num_fields):
            yield from _texts(array.field(position))
    elif pa.types.is_map(kind):
        yield from _texts(array.keys)
        yield from _texts(array.items)
    elif kind.num_fields:  # a list of any kind
        yield from _texts(array.flatten())
    elif _is_text(kind):
        for value in array.to_pylist():
            if value is not None:
                yield value if isinstance(value, str) else value.decode(errors="replace")
