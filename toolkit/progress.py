"""What a person sees while a run works: a bar with rate and ETA per stage, then a line with its result and time."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

from tqdm import tqdm


class Stage:
    """One stage on the screen; several tasks of it may report from several threads."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self.text = ""  # the result, set by the stage
        self.made = self.cached = self.planned = 0
        self.is_plan = False  # nothing ran, so that its time says nothing
        self._stream = stream
        self._tasks: dict[str, tuple[int, int]] = {}
        self._expected = 1
        self._bar: tqdm | None = None
        self._lock = threading.Lock()

    def expect(self, tasks: int, unit: str) -> None:
        """Announce how many tasks will report and in what unit."""
        self._expected = max(1, tasks)
        # disable=None: a bar on a terminal, none in a log file.
        self._bar = tqdm(
            desc=self.name, total=0, unit=unit, file=self._stream, disable=None, leave=False, smoothing=0.05
        )

    def tick(self, task: str, done: int, total: int, note: str = "") -> None:
        """Record that `task` has done `done` of `total` units; `note` stands behind the bar."""
        with self._lock:
            self._tasks[task] = (done, total)
            if self._bar is not None:
                totals = [entry[1] for entry in self._tasks.values()]
                # Tasks that have not reported yet count as the mean of those that have.
                self._bar.total = round(sum(totals) / len(totals) * max(self._expected, len(totals)))
                if note:
                    self._bar.set_postfix_str(note, refresh=False)
                self._bar.update(sum(entry[0] for entry in self._tasks.values()) - self._bar.n)

    def count(self, cached: bool) -> None:
        """Count one artifact of the stage that is ready: found (`cached`) or made now."""
        with self._lock:
            self.cached += cached
            self.made += not cached

    def plan(self, found: Iterable[bool]) -> None:
        """Count the artifacts of a stage that is only planned: whether each is there."""
        self.is_plan = True
        for is_there in found:
            self.cached += is_there
            self.planned += not is_there

    def close(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
            self._bar = None

    @property
    def state(self) -> str:
        """Say how many artifacts were made, found, or are still to be made; for a single one, without the number."""
        counts = {"made": self.made, "cached": self.cached, "to do": self.planned}
        parts = [(count, word) for word, count in counts.items() if count]
        return parts[0][1] if len(parts) == 1 else ", ".join(f"{count} {word}" for count, word in parts)


class Progress:
    """Stages on a text stream; `done` lists every stage that ended without an error, with the seconds it took."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.done: list[tuple[Stage, float]] = []

    def say(self, text: str) -> None:
        """Print one line, above any bar."""
        tqdm.write(text, file=self.stream)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage, and print its line when it ends without an error."""
        start = time.monotonic()
        stage = Stage(name, self.stream)
        try:
            yield stage
        finally:
            stage.close()
        seconds = time.monotonic() - start
        self.done.append((stage, seconds))
        state = f"[{stage.state}]" if stage.state else ""
        took = "" if stage.is_plan else f"{seconds:6.1f} s"
        self.say(f"{name:<11} {took:>8}  {stage.text} {state}".rstrip())
