"""`fss status`: what of a run is there, and what is ahead."""

import argparse

from toolkit.commands.arguments import add_jobs_argument, add_profile_argument, add_run_argument, add_workspace_argument

EXAMPLE = "fss status math"


def add_status_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss status`."""
    add_run_argument(parser)
    add_profile_argument(parser)
    add_workspace_argument(parser)
    add_jobs_argument(parser)


def status_command(args: argparse.Namespace) -> int:
    """Print every stage of a run with what is made and what is to be done; 0."""
    from toolkit.pipeline.run import status
    from toolkit.recipe.load import load_run

    print(status(load_run(args.run, args.profile), args.workspace, jobs=args.jobs))
    return 0
