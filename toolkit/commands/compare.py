"""Run `fss compare`: give a verdict on anybody's results by rules fixed beforehand, as text, JSON or a figure."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.commands.arguments import (
    add_forecast_argument,
    add_report_arguments,
    add_where_argument,
    named_values,
    read_number,
)
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.rules.verdict import CLAIMS, OF_ARMS, Decision

if TYPE_CHECKING:
    from toolkit.reports.results import Series
    from toolkit.reports.rules.decide import DecisionRequest

EXAMPLE = """fss compare curves.parquet --rule expansion --where experiment=se-math --plot se.png
  fss compare curves.parquet --rule law --fit-max 16 --held-out 32 --set law_miss=0.02
  fss compare workspace/runs/audit-math --rule audit --metric distinct_2 --plot protocols.png"""
CURVES, ITEMS = "curves.parquet", "items.parquet"

TABLES = (
    f"one row per model, as in {CURVES}; CSV and JSON are read, too; or the folder of a run or of a results dataset"
)


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss compare`."""
    rules = "; ".join(f"{rule}: {claim}" for rule, (_, claim) in CLAIMS.items())
    parser.add_argument("curves", type=Path, help=TABLES)
    parser.add_argument("--rule", required=True, choices=list(CLAIMS), help=rules)
    parser.add_argument("--items", type=Path, help=f"one row per model and test item (default: {ITEMS} beside CURVES)")
    add_where_argument(parser)
    parser.add_argument("--fit-max", type=int, metavar="R", help="law: the largest budget that is fitted")
    parser.add_argument("--held-out", type=int, metavar="R", help="law: the budget that is forecast")
    parser.add_argument("--form", default="rectified", metavar="NAME", help="law: its form (default: rectified)")
    add_forecast_argument(parser)
    parser.add_argument("--release", type=Path, metavar="FOLDER", help="saturation: the corpus, as a release folder")
    parser.add_argument(
        "--baseline", metavar="ARM", help="synthesis, audit: default: the only plain rejection sampling"
    )
    parser.add_argument(
        "--metric", metavar="NAME", help="synthesis, audit: a metric of the corpora beside the students"
    )
    settings = f"other settings of the rules: {', '.join(_settings())}"
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help=settings)
    add_report_arguments(parser, "draw the figure (PNG, SVG or PDF)")


def compare_command(args: argparse.Namespace) -> int:
    """Run `fss compare` on parsed arguments and return 0; ValueError says what is wrong with tables or arguments."""
    from toolkit.reports.rules.decide import decide
    from toolkit.reports.rules.markdown import as_markdown
    from toolkit.workspace import to_json

    if args.rule in OF_ARMS:
        return _compare_arms(args)
    if args.metric:
        raise ValueError(f"--metric is of rules that compare arms ({', '.join(OF_ARMS)}), not of {args.rule}")
    rules = read_rules(args.set)
    experiment, series, request = _read(args)
    decision = decide(request, experiment, series, rules)
    sys.stdout.write(to_json(decision) if args.json else as_markdown(decision) + "\n")
    _draw(args, decision, series)
    return 0


def _compare_arms(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from toolkit.reports.arms_report import report_arms
    from toolkit.reports.folder import result_tables
    from toolkit.workspace import to_json

    tables, where = result_tables(args.curves), named_values(args.where, "--where")
    tables = replace(tables, items=args.items or tables.items)
    report = report_arms(tables, args.rule, _read_settings(args.set), args.baseline, where)
    sys.stdout.write(to_json(report.with_numbers(args.metric)) if args.json else report.text(args.metric) + "\n")
    _draw(args, report.decision, [])
    return 0


def _draw(args: argparse.Namespace, decision: Decision, series: "Sequence[Series]") -> None:
    from toolkit.reports.rules.decide import draw

    if args.plot:
        draw(args.plot, decision, series, title=f"{decision.experiment}, {args.rule}: {decision.verdict}")


def _read(args: argparse.Namespace) -> "tuple[str, Sequence[Series], DecisionRequest]":
    """Read the experiment's name, its series and what else the rule needs."""
    from toolkit.reports.folder import result_tables
    from toolkit.reports.results import read_results
    from toolkit.reports.rules.decide import DecisionRequest

    tables = result_tables(args.curves)
    experiment, series = read_results(tables.curves, args.items or tables.items, named_values(args.where, "--where"))
    labels = _labels(args, series[0].cells[0][0])
    asked = {"fit_max": args.fit_max, "held_out": args.held_out, "form": args.form, "by": args.forecast}
    return experiment, series, DecisionRequest(args.rule, **asked, labels=labels)


def read_rules(arguments: list[str]) -> DecisionRules:
    """Build the rules from `NAME=VALUE` settings; ValueError for an unknown name or a value that is not a number."""
    return DecisionRules(**_read_settings(arguments))


def _read_settings(arguments: list[str]) -> dict[str, Any]:
    texts = named_values(arguments, "--set")
    for name in texts.keys() - set(_settings()):
        raise ValueError(f"--set: the rules have no {name!r}; they have {', '.join(_settings())}")
    return {name: text if name == "control" else read_number(name, text) for name, text in texts.items()}


def _settings() -> list[str]:
    return [name for name, default in vars(DecisionRules()).items() if isinstance(default, float | str)]


def _labels(args: argparse.Namespace, questions: int) -> list[Any]:
    from toolkit.reports.solutions import release_paths

    if args.rule != "saturation":
        return []
    if args.release is None:
        raise ValueError("the rule 'saturation' reads a corpus: name it with --release FOLDER")
    return list(release_paths(args.release, questions))
