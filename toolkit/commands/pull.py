"""Run `fss pull`: restore a workspace from a release, to continue its source."""

import argparse

from toolkit.commands.arguments import add_workspace_argument

EXAMPLE = """fss pull org/fss-math@v1.0.0 --dry-run      what would be fetched and written
  fss pull org/fss-math@v1.0.0                then add a budget to recipes/fss-math.yaml
  fss run fss-math-r32                        samples only what is new, with the same teacher"""


def add_pull_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss pull`."""
    parser.add_argument("release", metavar="RELEASE", help="org/name@v1.0.0, or org/name for its last version")
    parser.add_argument("--as", dest="name", metavar="NAME", help="name of the restored recipe (default: the repo's)")
    add_workspace_argument(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be fetched and written, and write nothing"
    )


def pull_command(args: argparse.Namespace) -> int:
    """Restore a release, print how to go on, and return 0."""
    from toolkit.pipeline.resume import pull

    print(pull(args.release, args.workspace, name=args.name, dry=args.dry_run))
    return 0
