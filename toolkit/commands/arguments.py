"""Kinds of arguments that several verbs take."""

import argparse
import os


def positive(text: str) -> int:
    """A whole number from 1 on. Raises what argparse turns into a message."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
