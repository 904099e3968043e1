"""Lines of a text file, compressed or not, in any Unicode encoding; errors name the file and the line."""

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

OPENERS: dict[str, Callable[[Any], IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}  # type: ignore[dict-item]
LONGEST = 64 * 2**20  # characters that a line, and a field, may have
_HEAD = 4096
_REMEDY = "take a part of it, one row a line"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class RecordError(ValueError):
    """A file whose rows cannot be read; the message names the file, the line and the remedy."""


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file and give its unpacked bytes. Raises RecordError, also while reading, if it is absent or torn."""
    opened: IO[bytes] | None = None
    try:
        with OPENERS.get(path.suffix.lower(), lambda place: Path(place).open("rb"))(path) as opened:
            yield opened
    except FileNotFoundError as error:
        raise RecordError(f"no file at {path}: check the path") from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise RecordError(f"{path} cannot be read: {error}") from error


def lines_of(file: IO[bytes], name: str, most: int, longest: int = LONGEST) -> Iterator[str]:
    """Yield the lines of UTF-8, UTF-16 or UTF-32 text with their ends.

    Raises:
        RecordError: for other encodings, a line above `longest` characters, or more than `most` in all.
    """
    head = file.read(_HEAD)
    encoding = encoding_of(head)
    if encoding == "utf-8" and b"\0" in head:
        raise RecordError(f"{name} holds zero bytes (UTF-16 without its mark?), so it is not UTF-8: save it as UTF-8")
    # Escapes keep bytes that are not UTF-8 until their own line is checked, so that the error can name it.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    text = io.TextIOWrapper(io.BufferedReader(_Joined(head, file)), encoding, errors, newline="")
    number, size = 0, 0
    try:
        while line := text.readline(longest):
            number, size = number + 1, size + len(line)
            if size > most:
                raise RecordError(f"{name} holds more than {most:,} characters: {_REMEDY}")
            if len(line) >= longest and not line.endswith("\n"):
                raise RecordError(f"{name}, line {number} is longer than {longest:,} characters: {_REMEDY}")
            _check_encoding(line, f"{name}, line {number}")
            yield line
    except UnicodeDecodeError as error:
        raise RecordError(f"{name}, after line {number}: not {encoding} ({error.reason}): save it as UTF-8") from error


def encoding_of(head: bytes) -> str:
    """Return the encoding that the mark at the start of a text names; UTF-8 without one."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8")


class _Joined(io.RawIOBase):
    """The bytes at the head, which were already read, then those of the file."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head, self._file = head, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._head[: len(buffer)] or self._file.read(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        return len(part)


def _check_encoding(line: str, place: str) -> None:
    if line.isascii():
        return
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = ord(line[error.start]) & 0xFF
        raise RecordError(f"{place}: byte 0x{byte:02x} is not UTF-8: save the file as UTF-8") from error
