"""Declare the arguments that several verbs take, and read their values."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare RUN and its options: profile, workspace, worker processes, a dry run."""
    add_run_argument(parser)
    add_profile_argument(parser)
    add_workspace_argument(parser)
    add_jobs_argument(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would happen and make nothing")


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """Declare RUN, a recipe or a part of it."""
    parser.add_argument(
        "run", metavar="RUN", help="<recipe>, <recipe>-r<budget>, <recipe>-r<budget>-s<replicate>, or a recipe file"
    )


def add_profile_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--profile`, a scale of the experiment."""
    parser.add_argument("--profile", default="nano", help="scale of the experiment (default: nano, embedded)")


def add_workspace_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--workspace`, a folder."""
    parser.add_argument(
        "--workspace",
        type=utf8_path,
        default=os.environ.get("FSS_WORKSPACE") or "workspace",
        help="where artifacts lie (default: $FSS_WORKSPACE or ./workspace)",
    )


def add_jobs_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--jobs`, a number of worker processes."""
    parser.add_argument(
        "--jobs", type=positive, default=cores(), help="worker processes, one core each (default: all cores)"
    )


def add_where_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--where`, which selects rows of a table; `named_values` reads it."""
    parser.add_argument("--where", nargs="+", default=[], metavar="COLUMN=VALUE", help="use only the rows with these")


def add_max_beta_argument(parser: argparse.ArgumentParser, default: float) -> None:
    """Declare `--max-beta`, the upper bound on the law's exponent."""
    text = f"upper bound on beta; a beta above 1 has no meaning as coverage (default: {default:g})"
    parser.add_argument("--max-beta", type=float, default=default, help=text)


def add_forecast_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--forecast`: over what forecasts are made."""
    text = "averaged over forms by the data (default), or by the law alone: its form's name, such as rectified"
    parser.add_argument("--forecast", default="averaged", metavar="HOW", help=text)


def add_report_arguments(parser: argparse.ArgumentParser, plot: str) -> None:
    """Declare `--json` and `--plot`, whose help says what the figure shows."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help=plot)


def positive(text: str) -> int:
    """Read a whole number from 1 on; argparse turns the errors raised for other texts into a message."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def utf8_path(text: str) -> Path:
    """Read a path that UTF-8 can encode; argparse turns the error raised for another path into a message."""
    path = Path(text)
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:  # Arrow and the tokenizers take UTF-8 only
        raise argparse.ArgumentTypeError(
            f"{os.fsencode(text)!r} is no UTF-8 here; set LC_ALL=C.UTF-8 or name another"
        ) from error
    return path


def named_values(texts: list[str], flag: str) -> dict[str, str]:
    """Read `NAME=VALUE` arguments into a dict; ValueError for one without the equals sign."""
    for text in texts:
        if "=" not in text:
            raise ValueError(f"{flag} takes NAME=VALUE, got {text!r}")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def read_number(name: str, value: Any, kind: Callable[[Any], float] = float) -> float:
    """Read a number by `kind`; ValueError, which calls it `name`, for anything else."""
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, got {value!r}") from error


def cores() -> int:
    """Count the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
