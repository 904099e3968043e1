"""Run `fss claims`: print the paper's claims beside what the runs of a workspace decided, as a table."""

import argparse
import json

from toolkit.commands.arguments import add_workspace_argument

EXAMPLE = "fss claims"


def add_claims_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss claims`."""
    add_workspace_argument(parser)


def claims_command(args: argparse.Namespace) -> int:
    """Print the table of claims and return 0; ValueError where no run has decided anything."""
    from toolkit.reports.rules.markdown import claims_table
    from toolkit.reports.rules.verdict import CLAIMS

    files = [file for rule in CLAIMS for file in sorted(args.workspace.glob(f"runs/*/decisions/{rule}.json"))]
    if not files:
        raise ValueError(f"{args.workspace}: no run has decided anything yet; `fss run math` decides at its end")
    print(claims_table([json.loads(file.read_text(encoding="utf-8")) for file in files]))
    return 0
