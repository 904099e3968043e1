"""Compares formulas (see `equality`) in worker processes that can be killed.

math-verify 0.5.2 limits its time by a signal, which works only in a main thread and not within one long operation
(`10^{10^{10}}`); in any other thread it says False for everything. So each comparison runs in the main thread of a
worker that a kernel timer ends, whatever the worker does, and whether or not its parent still lives.
"""

import logging
import multiprocessing
import os
import resource
import signal
import sys

from pebble import ProcessFuture, ProcessPool

from toolkit.verification.equality import same_formula
from toolkit.verification.mathematics import Pairs

_MEMORY = 4 << 30  # bytes; a hostile formula must not use up the machine's memory
_WALL_FACTOR = 12  # the limit is processor time, so that a busy machine changes no verdict; wall time is a last resort


def open_pool(workers: int) -> ProcessPool:
    """Open a pool of `workers` processes, which start with the first task."""
    context = multiprocessing.get_context("spawn")
    return ProcessPool(max_workers=workers, context=context, initializer=_start)


def schedule(pool: ProcessPool, pairs: Pairs, seconds: float) -> "ProcessFuture[bool]":
    """Schedule a comparison of all pairs; its result says whether all are equal, or raises if the worker was killed."""
    return pool.schedule(_same_formulas, args=(pairs, seconds), timeout=seconds * _WALL_FACTOR)


def _start() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # math-verify prints what it cannot parse
    logging.disable()
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    import math_verify  # noqa: F401  (before the first timer runs)


def _same_formulas(pairs: Pairs, seconds: float) -> bool:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return all(same_formula(gold, answer) for gold, answer in pairs)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
