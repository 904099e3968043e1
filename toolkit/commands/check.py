"""Run `fss check`: verify a release again, here or at a Hub."""

import argparse

from toolkit.commands.arguments import add_jobs_argument, add_workspace_argument

EXAMPLE = """fss check workspace/runs/math/release
  fss check org/name@v1.0.0"""


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss check`."""
    parser.add_argument("release", metavar="RELEASE", help="a folder, or org/name@v1.0.0")
    add_workspace_argument(parser)
    add_jobs_argument(parser)


def check_command(args: argparse.Namespace) -> int:
    """Check a release and print what was checked and what is wrong; return 1 where something is, else 0."""
    from toolkit.pipeline.verify import check_named

    name, checked = check_named(args.release, args.workspace, jobs=args.jobs)
    print("\n".join([f"{name}, looked at:", *(f"  {line}" for line in checked.looked_at)]))
    print("\n".join([f"wrong, {len(checked.problems)}:", *checked.problems]) if checked.problems else "all of it holds")
    return 1 if checked.problems else 0
