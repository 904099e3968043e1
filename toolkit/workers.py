"""Worker processes for models: each has one torch thread, reports progress to its parent, and ends when that does.

Two torch threads on a busy machine are many times slower than one, so work is parallel by processes. On Linux they are
forked from a process that has imported what they need and does nothing else; elsewhere each imports that itself.
"""

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import Any

Tick = Callable[[int, int], None]
_reports: "Queue[tuple[str, int, int] | None]"
_ended: Event  # set when nothing is to be begun any more


class Workers:
    """A pool of processes that call functions with a progress callback as their last argument.

    Args:
        jobs: most processes; they start when first needed and keep their imports.
        imports: a module with what they need, imported once for all workers of this process, by the first pool.
    """

    def __init__(self, jobs: int, imports: str | None = None) -> None:
        context = _context(imports)
        self.jobs = jobs
        self._reports: Queue[tuple[str, int, int] | None] = context.Queue()
        self._ended: Event = context.Event()
        self._ticks: dict[str, Tick] = {}
        shared = self._reports, self._ended, dict(os.environ)
        self._pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=shared)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, name: str, tick: Tick, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function(*args, tick)` in a worker and wait for its result; meanwhile call `tick(done, total)` here."""
        self._ticks[name] = tick  # is kept: the last reports may come after the result
        future: Future[Any] = self._pool.submit(_run, name, function, args)
        return future.result()

    def close(self, *, now: bool = False) -> None:
        """Let the workers end; `now` stops them in the middle of their work."""
        if now:
            self._ended.set()  # for a worker that is only starting
        for process in multiprocessing.active_children() if now else ():
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._reports.put(None)
        self._reader.join()
        self._reports.close()
        self._reports.join_thread()

    def _read(self) -> None:
        while (report := self._reports.get()) is not None:
            name, done, total = report
            tick = self._ticks.get(name)
            if tick:
                tick(done, total)


class Counted:
    """An iterable of texts that reports its progress and keeps the `count`."""

    def __init__(self, texts: Iterator[str], tick: Tick) -> None:
        self.texts, self.tick, self.count = texts, tick, 0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            self.count += 1
            if self.count % 1000 == 0:
                self.tick(self.count, self.count)
            yield text


@contextlib.contextmanager
def open_workers(jobs: int, imports: str | None = None) -> Iterator[Workers]:
    """Open a pool of workers that are stopped at the end, however the body ends; see `Workers`."""
    workers = Workers(jobs, imports)
    try:
        yield workers
    except BaseException:
        workers.close(now=True)
        raise
    workers.close()


def _context(imports: str | None) -> Any:
    """Give what starts workers."""
    if sys.platform != "linux":  # libraries of other systems do not always survive a fork
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([imports or "toolkit.workers"])
    return context


def _start(reports: "Queue[tuple[str, int, int] | None]", ended: Event, environment: dict[str, str]) -> None:
    """Prepare a worker; `environment` is that of its parent now, not as it was when the first worker started."""
    global _reports, _ended
    _reports, _ended = reports, ended
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this worker when its parent is gone: a killed parent cannot tell it to, and it would train on for nobody."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _run(name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if _ended.is_set():
        raise RuntimeError(f"{name}: the run has ended")
    return function(*args, lambda done, total: _reports.put((name, done, total)))
