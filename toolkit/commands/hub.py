"""Run `fss hub serve`: serve the embedded Hub of a workspace, until Ctrl-C or while a command runs."""

import argparse

from toolkit.commands.arguments import add_workspace_argument

EXAMPLE = """fss hub serve --port 5577
  fss hub serve -- python train.py     with an environment that points to it; stops when the command ends"""


def add_hub_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss hub`."""
    parser.add_argument("action", choices=("serve",))
    add_workspace_argument(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=5577, help="0 takes any free one (default: 5577)")


def hub_command(args: argparse.Namespace) -> int:
    """Serve the embedded Hub; return the exit code of the command after `--`, 0 without one."""
    from toolkit.hub.endpoints import STORE, run_with_hub
    from toolkit.hub_server import serve

    if args.command:
        return run_with_hub(args.workspace, args.command)
    serve(args.workspace / STORE, args.host, args.port, say=lambda line: print(line, flush=True))
    return 0
