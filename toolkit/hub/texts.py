"""The texts in a file, whatever its form, a bounded piece at a time: what a search before a push has to read."""

import codecs
import io
import json
import lzma
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

PIECE = 1 << 20  # bytes read at once
OVERLAP = 4096  # characters of the piece before that are seen again: what is searched may lie across two
ROWS = 512  # of a table at once
LAYERS = 3  # of compression within one another
HEADER = 100 << 20  # bytes of a safetensors header at most
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\x04\x22\x4d\x18": "lz4"}
ESCAPE = re.compile(r"\\(?:/|u([0-9a-fA-F]{4}))")


class Unreadable(Exception):
    """A file that cannot be read as what it says it is."""


class Piece(NamedTuple):
    """Some of a file's text, and where in the file it stands: a column of a table, a member of an archive, or empty."""

    text: str
    where: str = ""


def pieces(path: Path) -> Iterator[Piece]:
    """All texts in a file: rows and metadata of a table, members of an archive, what is compressed, else its bytes.

    Raises:
        Unreadable: the file is damaged, or compressed again and again.
    """
    try:
        for piece in _of_file(path):
            yield piece
            if "\\" in piece.text:  # JSON may write a slash and any letter as an escape
                yield Piece(ESCAPE.sub(_unescaped, piece.text), piece.where)
    except (pa.ArrowException, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise Unreadable(str(error)) from error


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "/"


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
    """The metadata in the header of safetensors; the weights themselves are no text."""
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
    """A stream of which the first bytes were read already."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self.first, self.rest = first, rest

    def readable(self) -> bool:
        """It is read and no more."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of `buffer`; the number of bytes."""
        data = self.first[: len(buffer)] or self.rest.read(len(buffer))
        self.first = self.first[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _decoded(first: bytes, file: IO[bytes]) -> Iterator[Piece]:
    encoding = "utf-16" if first.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    kept, data = "", first
    while data:
        text = kept + decoder.decode(data)
        yield Piece(text)
        kept, data = text[-OVERLAP:], file.read(PIECE)


def _of_table(path: Path) -> Iterator[Piece]:
    with pq.ParquetFile(path) as table:
        schema = table.schema_arrow
        shown = schema.to_string(show_field_metadata=True, show_schema_metadata=True, truncate_metadata=False)
        held = table.metadata.metadata or {}
        yield Piece("\n".join([shown, *(text.decode(errors="replace") for text in held.values())]), ", its metadata")
        for field in schema:
            if _may_hold_text(field.type):
                for batch in table.iter_batches(ROWS, columns=[field.name]):
                    texts = (text for column in batch.columns for text in _texts(column))
                    yield Piece("\n".join(texts), f", column {field.name!r}")


def _may_hold_text(kind: pa.DataType) -> bool:
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    if isinstance(kind, pa.BaseExtensionType):
        inner = [kind.storage_type]
    if pa.types.is_dictionary(kind):
        inner = [kind.value_type]
    return _is_text(kind) or any(_may_hold_text(each) for each in inner)


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    views = types.is_string_view(kind) or types.is_binary_view(kind)
    large = types.is_large_string(kind) or types.is_large_binary(kind)
    return views or large or types.is_string(kind) or types.is_binary(kind) or types.is_fixed_size_binary(kind)


def _texts(array: pa.Array) -> Iterator[str]:
    """Every text in a column, also within lists, structs, maps and dictionaries."""
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
