"""Keep a server's memory from growing, by letting its threads share what they free."""

import ctypes

ARENAS = 2
M_ARENA_MAX = -8  # of glibc's malloc.h


def share_arenas() -> bool:
    """Keep glibc to `ARENAS` heaps, as MALLOC_ARENA_MAX does, which a Space has no shell to set.

    By default glibc gives each thread a heap, up to eight per core, and freed memory stays in it: a server of 16
    threads grows for hours. Call this before threads start. It returns False where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
