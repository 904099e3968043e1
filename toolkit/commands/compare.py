"""Run `fss compare`: give a verdict on anybody's results by rules fixed beforehand, as text, JSON or a figure."""

import argparse
import sys
from pathlib import Path
from typing import Any

from toolkit.commands.arguments import add_report_arguments, add_where_argument, named_values, read_number
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.rules.verdict import CLAIMS

EXAMPLE = """fss compare curves.parquet --rule expansion --where experiment=se-math --plot se.png
  fss compare curves.parquet --rule law --fit-max 16 --held-out 32 --set law_miss=0.02"""
ITEMS = "items.parquet"


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss compare`."""
    rules = "; ".join(f"{rule}: {claim}" for rule, (_, claim) in CLAIMS.items())
    parser.add_argument("curves", type=Path, help="one row per model, as in curves.parquet; CSV and JSON are read, too")
    parser.add_argument("--rule", required=True, choices=list(CLAIMS), help=rules)
    parser.add_argument("--items", type=Path, help=f"one row per model and test item (default: {ITEMS} beside CURVES)")
    add_where_argument(parser)
    parser.add_argument("--fit-max", type=int, metavar="R", help="law: the largest budget that is fitted")
    parser.add_argument("--held-out", type=int, metavar="R", help="law: the budget that is forecast")
    parser.add_argument("--form", default="rectified", metavar="NAME", help="law: its form (default: rectified)")
    parser.add_argument("--release", type=Path, metavar="FOLDER", help="saturation: the corpus, as a release folder")
    settings = f"other settings of the rules: {', '.join(_settings())}"
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help=settings)
    add_report_arguments(parser, "draw the figure (PNG, SVG or PDF)")


def compare_command(args: argparse.Namespace) -> int:
    """Run `fss compare` on parsed arguments and return 0; ValueError says what is wrong with tables or arguments."""
    from toolkit.reports.results import read_results
    from toolkit.reports.rules.decide import DecisionRequest, as_markdown, decide, draw
    from toolkit.workspace import to_json

    rules = read_rules(args.set)
    neighbour = args.curves.with_name(ITEMS)
    items = args.items or (neighbour if neighbour.is_file() else None)
    experiment, series = read_results(args.curves, items, named_values(args.where, "--where"))
    request = DecisionRequest(
        args.rule,
        fit_max=args.fit_max,
        held_out=args.held_out,
        form=args.form,
        labels=_labels(args, series[0].cells[0][0]),
    )
    decision = decide(request, experiment, series, rules)
    sys.stdout.write(to_json(decision) if args.json else as_markdown(decision) + "\n")
    if args.plot:
        draw(args.plot, decision, series, title=f"{experiment}, {args.rule}: {decision.verdict}")
    return 0


def read_rules(arguments: list[str]) -> DecisionRules:
    """Build the rules from `NAME=VALUE` settings; ValueError for an unknown name or a value that is not a number."""
    texts = named_values(arguments, "--set")
    for name in texts.keys() - set(_settings()):
        raise ValueError(f"--set: the rules have no {name!r}; they have {', '.join(_settings())}")
    settings: dict[str, Any] = {
        name: text if name == "control" else read_number(name, text) for name, text in texts.items()
    }
    return DecisionRules(**settings)


def _settings() -> list[str]:
    return [name for name, default in vars(DecisionRules()).items() if isinstance(default, float | str)]


def _labels(args: argparse.Namespace, questions: int) -> list[Any]:
    from toolkit.reports.solutions import release_paths

    if args.rule != "saturation":
        return []
    if args.release is None:
        raise ValueError("the rule 'saturation' reads a corpus: name it with --release FOLDER")
    return list(release_paths(args.release, questions))
