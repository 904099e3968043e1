"""Run `fss release`: publish a recipe's corpora as a versioned dataset, and its students where asked to."""

import argparse

from toolkit.commands.arguments import add_run_arguments

EXAMPLE = """fss release math-r16 --dry-run                what would be pushed, and under which tag
  fss release math --repo org/name --private   at the Hub of your account; without one, at the embedded Hub
  fss release math --students                  also the base and every student that is scored"""


def add_release_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss release`."""
    add_run_arguments(parser)
    parser.add_argument("--repo", metavar="ORG/NAME", help="the dataset (default: the recipe's)")
    parser.add_argument("--version", metavar="vX.Y.Z", help="its tag (default: the recipe's, or the next free one)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--students", action="store_true", help="also publish the base and the students of the run")
    kind.add_argument("--merged", action="store_true", help="the same, with each adapter merged into the base")
    parser.add_argument("--private", action="store_true", help="make a new repo private")


def release_command(args: argparse.Namespace) -> int:
    """Publish a recipe's release, print where it is, and return 0."""
    from toolkit.pipeline.run import release
    from toolkit.recipe.load import load_run, with_release

    selected = with_release(load_run(args.run, args.profile), repo=args.repo, version=args.version)
    options = {"jobs": args.jobs, "dry": args.dry_run, "students": args.students or args.merged, "merged": args.merged}
    print(release(selected, args.workspace, version=args.version, private=args.private, **options))
    return 0
