"""Handles standard streams that are closed, cannot be written, have no reader, or lack characters."""

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

READER_GONE = 141  # what a shell shows for a command whose reader went away


def open_streams() -> None:
    """Replace each closed standard stream, such as a service may have, by one that is empty and discards all text.

    The replacement takes the file number of the closed stream, so that no file opened later, here or in a child, gets
    the text that is printed there. Characters that a stream's encoding lacks are shown as escapes.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - as long as the process
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
        if mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def flushed() -> Iterator[None]:
    """Flush at the end of the block what was printed in it, and silence a stream that cannot be written to.

    Raises:
        SystemExit: with `READER_GONE` and without a message, where nobody reads any more.
        OSError: where the output could not be written, as on a full disk.
    """
    try:
        yield
    finally:
        faults = [fault for fault in map(_fault, (sys.stdout, sys.stderr)) if fault]
        if any(isinstance(fault, BrokenPipeError) for fault in faults):
            raise SystemExit(READER_GONE)
        if faults:
            raise faults[0]


def reader_gone(stream: TextIO) -> bool:
    """Say whether a stream is a pipe that nobody reads any more."""
    try:
        return any(event & select.POLLERR for _, event in _poll(stream.fileno()))
    except (OSError, ValueError):  # not a file, such as a test's own stream
        return False


def _poll(number: int) -> list[tuple[int, int]]:
    poll = select.poll()
    poll.register(number, 0)
    return poll.poll(0)


def _fault(stream: TextIO) -> OSError | None:
    """Say why a stream cannot be written to, and silence it, so that what waits in it is not tried again at exit."""
    try:
        stream.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
