"""Run `fss run` and `fss sample`: all stages of a recipe, or its responses alone."""

import argparse
from typing import Any

from toolkit.commands.arguments import add_run_arguments

RUN_EXAMPLE = "fss run math-r16 --dry-run"
SAMPLE_EXAMPLE = """fss sample math --profile paper --dry-run      requests, tokens and price before anything is spent
  fss sample math --profile paper --retry-errors     asks again for what a server failed to answer"""


def add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss run` and `fss sample`."""
    add_run_arguments(parser)
    parser.add_argument(
        "--max-cost",
        type=_cost,
        metavar="COST",
        help="stop sampling before it costs more, by the recipe's prices; what was sampled is kept",
    )
    parser.add_argument(
        "--retry-errors", action="store_true", help="ask again for responses that an earlier run recorded as errors"
    )


def run_command(args: argparse.Namespace) -> int:
    """Run every stage of a recipe, print its summary, and return 0.

    Raises:
        Incomplete: after the summary, where something could not be published.
    """
    from toolkit.pipeline.run import run
    from toolkit.pipeline.stages.publish import Incomplete
    from toolkit.recipe.load import load_run

    selected = load_run(args.run, args.profile)
    try:
        print(run(selected, args.workspace, **_options(args)))
    except Incomplete as error:
        print(error.summary)
        raise
    return 0


def sample_command(args: argparse.Namespace) -> int:
    """Sample a recipe's responses, print what there is, and return 0."""
    from toolkit.pipeline.run import sample
    from toolkit.recipe.load import load_run

    print(sample(load_run(args.run, args.profile), args.workspace, **_options(args)))
    return 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    return {"jobs": args.jobs, "dry": args.dry_run, "max_cost": args.max_cost, "retry_errors": args.retry_errors}


def _cost(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, not {text}")
    return value
