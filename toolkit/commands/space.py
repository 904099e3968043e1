"""Run `fss space`: write the Space of the law to a folder, or push it to a Hub."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.commands.arguments import add_workspace_argument

if TYPE_CHECKING:
    from toolkit.hub.space import Space

EXAMPLE = """fss space bundle build/space
  fss space push org/name --data org/fss-math-results@v1.0.0"""


def add_space_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss space`."""
    parser.add_argument("action", choices=("bundle", "push"))
    parser.add_argument("place", metavar="DIR|ORG/NAME", help="bundle: the folder to fill; push: the Space")
    data = "results that it offers besides its examples, each at a revision"
    parser.add_argument("--data", metavar="ORG/NAME-results@REVISION", nargs="+", default=[], help=data)
    parser.add_argument("--models", metavar="ORG/NAME", nargs="+", default=[], help="model repos that its card names")
    add_workspace_argument(parser)
    parser.add_argument("--private", action="store_true", help="push: make a new Space private")
    parser.add_argument("--dry-run", action="store_true", help="push: print what would happen and make nothing")


def space_command(args: argparse.Namespace) -> int:
    """Bundle or push the Space, print where it is, and return 0."""
    from toolkit.hub.space import Space, write_bundle

    space = Space(args.data, args.models)
    if args.action == "push":
        return _push(args, space)
    bundle = write_bundle(Path(args.place), space)
    print(f"{args.place}: {bundle.version}, {len(bundle.files)} files; `python app.py` in it starts the Space")
    return 0


def _push(args: argparse.Namespace, space: "Space") -> int:
    from toolkit.hub.endpoints import STORE, is_embedded, open_hub
    from toolkit.hub.faults import without_secrets
    from toolkit.hub.space import publish_space
    from toolkit.hub.upload import Target

    with open_hub(args.workspace, args.place) as api:
        push = publish_space(args.place, space, Target(api, print, args.private, args.dry_run, (args.workspace,)))
    hub = args.workspace / STORE if is_embedded(push.repo) else without_secrets(api.endpoint)
    print(f"{hub}/spaces/{push.repo}, commit {push.commit[:12] or 'none yet'}")
    return 0
