"""A server whose memory stays where it is: what its threads free goes back to one another."""

import ctypes

ARENAS = 2
M_ARENA_MAX = -8  # of glibc's malloc.h


def share_arenas() -> bool:
    """Keep glibc to `ARENAS` heaps, as MALLOC_ARENA_MAX does, but from within: a Space starts no shell of its own.

    By itself glibc gives each thread a heap, up to eight per core, and what is freed stays in it: a server of 16
    threads grows for hours. Call it before threads start. False where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
