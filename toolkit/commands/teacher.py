"""Run `fss teacher serve`: serve a recipe's teacher, until Ctrl-C or while a command runs."""

import argparse

from toolkit.commands.arguments import add_run_arguments

EXAMPLE = """fss teacher serve math --profile paper
  fss teacher serve math --profile paper -- fss sample math --profile paper      stops when the command ends"""


def add_teacher_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss teacher`."""
    parser.add_argument("action", choices=("serve",))
    add_run_arguments(parser)


def teacher_command(args: argparse.Namespace) -> int:
    """Serve the teacher; return the exit code of the command after `--`, 0 without one."""
    from toolkit.pipeline.run import serve_teacher
    from toolkit.recipe.load import load_run

    selected = load_run(args.run, args.profile)
    return serve_teacher(selected, args.workspace, args.command, jobs=args.jobs, dry=args.dry_run)
