"""The workspace of artifacts: content keys, digests, manifests, atomic writes and locks.

An artifact is a folder `<stage>/<key>/` whose manifest is written last: the key hashes the inputs, the digests are of
the bytes that were made. A folder without a manifest, or whose bytes no longer match it, is not an artifact and is made
again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from toolkit.keys import keyed_fields
from toolkit.text_files import TextError, read_object

MANIFEST = ".artifact.json"  # a release folder has a manifest.json of its own
SETTLED = 2 * 10**9  # nanoseconds after which a file's times show whether it changed
KEY_LENGTH = 16  # hex digits; 64 bits, ample for the artifacts of one workspace


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A finished folder: its key, the sha256 of each file, and what its stage noted about it."""

    path: Path
    key: str
    files: Mapping[str, str]
    facts: Mapping[str, Any]
    seconds: float = 0.0
    made: bool = True  # False: only planned, by a dry run

    @property
    def digest(self) -> str:
        """Give the sha256 over the names and digests of all files; a planned artifact gets a stand-in of its own."""
        return hash_of(dict(self.files)) if self.made else hash_of({"planned": self.key})

    def file(self, name: str) -> str:
        """Give the digest of one file, for a stage that reads only that one."""
        return self.files[name] if self.made else hash_of({"planned": self.key, "file": name})


def canonical(value: Any) -> Any:
    """Give `value` as plain JSON data: dataclasses become dicts, tuples lists; a path is refused, as keys name none."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return canonical(keyed_fields(value))
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of a key: {value!r}")


def hash_of(value: Any) -> str:
    """Give the sha256 of the canonical JSON of `value`, 64 hex digits, equal on every machine."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Give the sha256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Digests:
    """Remembers sha256 by a file's inode, size and times, so that gigabytes are read once in a process.

    A file that has just changed is read again the next time: a second change within a tick of the clock would leave its
    times the same.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], str] = {}

    def __call__(self, path: Path) -> str:
        status, now = path.stat(), time.time_ns()
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        digest = self._known.get(stamp) or file_digest(path)
        if max(status.st_mtime_ns, status.st_ctime_ns) < now - SETTLED:
            self._known[stamp] = digest
        return digest


def folder_files(folder: Path, digest: Callable[[Path], str] = file_digest) -> dict[str, str]:
    """Give relative name -> sha256 for every file in `folder` except the manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    return {name: digest(path) for name, path in zip(names, paths, strict=True) if name != MANIFEST}


def model_files(folder: Path) -> dict[str, str]:
    """Name -> sha256 of what makes a model: its files but cards, hidden ones, and the manifest that a push adds."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    return {path.name: file_digest(path) for path in paths if path.name not in ("README.md", "manifest.json")}


def sync(path: Path) -> None:
    """Flush a file's or folder's data to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the new one, whatever is killed when."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def to_json(value: Any) -> str:
    """Write indented JSON with a closing newline, the form of every file that people may read."""
    return json.dumps(canonical(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


class Workspace:
    """A folder of artifacts.

    Args:
        root: the folder, which is made when something is written to it.
        notify: called with a sentence when another process locks an artifact, or an artifact is damaged.
    """

    def __init__(self, root: Path, notify: Callable[[str], None]) -> None:
        self.root = root.resolve()
        self.notify = notify
        self._threads: dict[str, threading.Lock] = {}
        self._digest = Digests()

    def place(self, stage: str, inputs: Any) -> Path:
        """Give the folder of the artifact that `stage` makes from `inputs`, made or not."""
        return self.root / stage / hash_of({"stage": stage, "inputs": inputs})[:KEY_LENGTH]

    def find(self, stage: str, inputs: Any) -> Artifact | None:
        """Give the artifact if its manifest exists and its files match it, by their bytes or what `Digests` knows."""
        path = self.place(stage, inputs)
        if not (path / MANIFEST).is_file():
            return None
        manifest = read_manifest(path)
        if manifest is None:
            self.notify(f"{stage} {path.name}: {MANIFEST} is damaged; making the artifact again")
            return None
        if folder_files(path, self._digest) != manifest["files"]:
            self.notify(f"{stage} {path.name}: its files have changed since they were made; making it again")
            return None
        return Artifact(path, path.name, manifest["files"], manifest["facts"], manifest["seconds"])

    def manifests(self, stage: str) -> Iterator[dict[str, Any]]:
        """Yield the manifests of everything that `stage` made, without reading its files."""
        for path in self.root.glob(f"{stage}/*/{MANIFEST}"):
            if manifest := read_manifest(path.parent):
                yield manifest

    def planned(self, stage: str, inputs: Any) -> Artifact:
        """Give the artifact if it is there, else one that only names its key, for a dry run to work with."""
        path = self.place(stage, inputs)
        return self.find(stage, inputs) or Artifact(path, path.name, {}, {}, made=False)

    def build(self, stage: str, inputs: Any, make: Callable[[Path], Mapping[str, Any]]) -> tuple[Artifact, bool]:
        """Build the artifact unless it is there; give it, and whether it was there already.

        `make` fills an empty folder and returns facts for the manifest. A process that is killed before the final
        rename leaves nothing but a temporary folder, which the next attempt clears.
        """
        path = self.place(stage, inputs)
        with self.lock(f"{stage}-{path.name}"):
            artifact = self.find(stage, inputs)
            if artifact:
                return artifact, True
            temporary = self.root / "tmp" / f"{stage}-{path.name}"
            remove(temporary)
            temporary.mkdir(parents=True)
            try:
                self._fill(temporary, stage, path.name, inputs, make)
            except BaseException:
                remove(temporary)
                raise
            remove(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.rename(path)
            sync(path.parent)
        built = self.find(stage, inputs)
        if built is None:
            raise OSError(f"{path}: changed by something else while it was being made")
        return built, False

    def install(self, stage: str, inputs: Any, files: Mapping[str, Path], facts: Mapping[str, Any]) -> Artifact:
        """Install the artifact that `stage` would make from `inputs`, with files that were made elsewhere.

        Raises:
            ValueError: where another one was made here from the same inputs.
        """

        def copy(out: Path) -> Mapping[str, Any]:
            for name, path in files.items():
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, out / name)
            return facts

        self.refuse_other(stage, inputs, files)
        return self.build(stage, inputs, copy)[0]

    def refuse_other(self, stage: str, inputs: Any, files: Mapping[str, Path]) -> None:
        """Refuse to go on where an artifact with other files than these was made here from `inputs`.

        Raises:
            ValueError: for such an artifact.
        """
        artifact = self.find(stage, inputs)
        if artifact and artifact.files != {name: file_digest(path) for name, path in files.items()}:
            raise ValueError(
                f"{artifact.path}: another {stage} was made here from the same settings; name another --workspace"
            )

    def _fill(self, folder: Path, stage: str, key: str, inputs: Any, make: Callable[[Path], Mapping[str, Any]]) -> None:
        start = time.monotonic()
        facts = canonical(make(folder))
        files = folder_files(folder, self._digest)
        manifest = {"stage": stage, "key": key, "inputs": inputs, "files": files, "facts": facts}
        for name in files:
            sync(folder / name)
        write_atomic(folder / MANIFEST, to_json(manifest | {"seconds": round(time.monotonic() - start, 3)}))

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Lock `name`; while another process has it, say so and wait. The lock is freed when its holder dies.

        A thread waits for another thread of this process silently: two equal students are one piece of work.
        """
        with self._threads.setdefault(name, threading.Lock()), self._lock_file(name):
            yield

    @contextlib.contextmanager
    def _lock_file(self, name: str) -> Iterator[None]:
        lock = FileLock(self.root / "locks" / f"{name}.lock", is_singleton=False)
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.notify(f"another run is working on {name}; waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def publish(self, source: Path, target: Path) -> None:
        """Make `target` a copy of the file or folder `source`, without its artifact manifest, by rename.

        It is a copy, not a link: people edit the files they get, and artifacts must keep the bytes of their digests.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        remove(temporary)
        if source.is_dir():
            shutil.copytree(source, temporary, ignore=shutil.ignore_patterns(MANIFEST))
        else:
            shutil.copy2(source, temporary)
        if target.is_dir():
            old = target.with_name(f".{target.name}.old")
            remove(old)
            target.rename(old)
            temporary.rename(target)
            remove(old)
        else:
            temporary.replace(target)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest in an artifact's folder; None for a damaged one."""
    try:
        manifest = read_object(folder / MANIFEST)
    except TextError:
        return None
    parts = {"files": dict, "facts": dict, "seconds": int | float}
    return manifest if all(isinstance(manifest.get(name), kind) for name, kind in parts.items()) else None


def shown(path: Path) -> Path:
    """Give a path as the user would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def remove(path: Path) -> None:
    """Delete a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
