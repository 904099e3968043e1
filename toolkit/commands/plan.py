"""Run `fss plan`: advise from a table of measured cells and a price list whether to add questions or answers."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toolkit.commands.arguments import (
    add_max_beta_argument,
    add_report_arguments,
    add_where_argument,
    named_values,
    read_number,
)
from toolkit.text import markdown_table

EXAMPLE = "fss plan curves.parquet --n n --where arm=FSS --price question=1 response=0.02 --spend 500"
# The fields of `Prices`, named here so that `fss --help` imports no numbers; a test compares them.
PRICES = (
    "question",
    "response",
    "tokens_per_response",
    "token",
    "teacher_hour",
    "responses_per_hour",
    "student",
    "student_response",
    "owned_questions",
    "owned_budget",
)


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss plan`."""
    add_cells_arguments(parser)
    parser.add_argument("--spend", type=float, metavar="MONEY", help="spending limit, in the currency of the prices")
    parser.add_argument("--target", type=float, metavar="ERROR", help="error to reach, a fraction")
    parser.add_argument("--beyond", action="store_true", help="also plan beyond twice the tested range, with a warning")
    add_max_beta_argument(parser, default=3.0)
    add_report_arguments(parser, "draw expected error over both axes and the frontier")


def add_cells_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the table of measured cells, what its columns are, and the prices; `fss next` takes them, too."""
    parser.add_argument("table", type=Path, help="CSV in any dialect, JSON, JSONL or Parquet: one row per student")
    for name, words in (("questions", "questions in the corpus"), ("budget", "responses per question")):
        parser.add_argument(f"--{name}", default=name, metavar="COLUMN", help=f"{words} (default: {name})")
    parser.add_argument("--error", default="error", metavar="COLUMN", help="test error or accuracy")
    parser.add_argument(
        "--quantity", choices=("error", "accuracy"), help="what the column holds (default: by its name)"
    )
    parser.add_argument("--unit", choices=("fraction", "percent"), help="unit of the column (default: by its values)")
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument("--sd", metavar="COLUMN", help="standard deviation of each error")
    noise.add_argument(
        "--n", metavar="COLUMN", help="test items behind each error (default: spread over repeated cells)"
    )
    add_where_argument(parser)
    parser.add_argument("--prices", type=Path, metavar="FILE", help="price list in YAML, one `name: number` a line")
    parser.add_argument("--price", nargs="+", default=[], metavar="NAME=NUMBER", help=f"prices: {', '.join(PRICES)}")


def plan_command(args: argparse.Namespace) -> int:
    """Run `fss plan` on parsed arguments and return 0; ValueError says what is wrong with table, prices or options."""
    from toolkit.laws.planning.allocation import frontier
    from toolkit.laws.planning.plan import plan
    from toolkit.laws.planning.prices import Prices
    from toolkit.laws.surface.fit import fit_surface
    from toolkit.reports.cells import read_cells

    names = {name: getattr(args, name) for name in ("questions", "budget", "error", "sd", "n", "quantity", "unit")}
    cells = read_cells(args.table, **names, where=named_values(args.where, "--where"))
    prices = Prices(**read_prices(args.prices, args.price))
    surface = fit_surface(cells.questions, cells.budgets, cells.errors, cells.sd, n=cells.n, max_beta=args.max_beta)
    advice = plan(surface, prices, spend=args.spend, target=args.target, beyond=args.beyond)
    report = describe(surface, prices, advice, frontier(surface, prices), cells.notes)
    sys.stdout.write((json.dumps(report, indent=1) if args.json else as_text(report)) + "\n")
    if args.plot:
        from toolkit.reports.figures.plan import draw_plan

        draw_plan(args.plot, surface, prices, advice)
    return 0


def read_prices(path: Path | None, arguments: list[str]) -> dict[str, Any]:
    """Read prices from a YAML mapping and from `name=number` arguments, which win; ValueError for anything else."""
    import yaml

    if path is not None and not path.is_file():
        raise ValueError(f"{path}: no such file")
    listed = {} if path is None else yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(listed, dict):
        raise ValueError(f"{path}: a price list is a mapping of names to numbers, got {type(listed).__name__}")
    prices = {**listed, **named_values(arguments, "--price")}
    for name in prices.keys() - set(PRICES):
        raise ValueError(f"price list: nothing is called {name!r}; known are {', '.join(PRICES)}")
    kinds = {name: int if name.startswith("owned") else float for name in prices}
    return {name: read_number(f"price list: {name}", value, kinds[name]) for name, value in prices.items()}


def describe(surface: Any, prices: Any, advice: Any, frontier: list[Any], notes: tuple[str, ...]) -> dict[str, Any]:
    """Return a plan as plain values; numbers that do not exist are null."""
    from toolkit.laws.forecast.ahead import forecast_cell
    from toolkit.laws.planning.crossover import crossover, divergence_total

    divergence, crossing = divergence_total(surface), crossover(surface, prices)
    ahead = forecast_cell(surface, advice.best.questions, advice.best.budget)
    return {
        "sentence": advice.sentence,
        "forecast": ahead
        and {
            "mean": float(ahead.mean[0]),
            **dict(zip(("low", "high"), ahead.interval()[:, 0].tolist(), strict=True)),
            "reading": ahead.reading,
            "notes": list(ahead.notes),
        },
        "plan": asdict(advice) | {"experiment": advice.experiment and advice.experiment._asdict()},
        "surface": {"parameters": surface.named, "kappa": surface.kappa_interval(), "reading": surface.reading()},
        "divergence": divergence and divergence._asdict(),
        "crossover": {key: None if value != value else value for key, value in crossing._asdict().items()},
        "frontier": [asdict(split) for split in frontier],
        "notes": list(notes),
        "warnings": list(surface.warnings),
    }


def as_text(report: dict[str, Any]) -> str:
    """Write the report as a person reads it: the advice first, then why, then the frontier."""
    lines = [report["sentence"], "", *reasons(report), ""]
    splits = report["frontier"][:: max(1, len(report["frontier"]) // 8)]
    rows = [
        [
            f"{row['cost']:,.6g}",
            f"{row['questions']:,}",
            f"{row['budget']:,}",
            f"{100 * row['error']:.1f} %",
            _span(row),
        ]
        for row in splits
    ]
    lines.append(markdown_table(["spending", "questions", "responses", "expected error", "90 % interval"], rows))
    return "\n".join([*lines, *(f"note: {note}" for note in [*report["notes"], *report["warnings"]])])


def reasons(report: dict[str, Any]) -> list[str]:
    """Explain the advice: worth of a response, where the routes part, where their prices cross, the plan's forecast."""
    return [f"{report['surface']['reading']}.", _divergence(report), _crossover(report), _forecast(report)]


def _span(row: dict[str, float]) -> str:
    return f"{100 * row['low']:.1f}-{100 * row['high']:.1f}"


def _forecast(report: dict[str, Any]) -> str:
    """Say what the plan's error is where the form of the surface is not trusted alone."""
    ahead = report["forecast"]
    if ahead is None:
        return "No forecast of the plan's error: it lies beyond 16 times what was tested."
    return (
        f"Averaged over forms the plan's error is forecast at {100 * ahead['mean']:.1f} % "
        f"(90 % interval {_span(ahead)} %): {ahead['reading']}."
    )


def _divergence(report: dict[str, Any]) -> str:
    parts = report["divergence"]
    if parts is None:
        return "At equal totals no gap of 2 points between the routes is certain as far as may be planned."
    (m, r), (wide, few) = parts["fixed_source"], parts["expansion"]
    worse, least = 100 * parts["difference"], 100 * parts["lower"]
    return (
        f"At equal totals the routes part at {parts['total']:,} responses: {m:,} questions x {r} are {worse:.1f} "
        f"points worse than {wide:,} x {few} (with probability .9 at least {least:.1f})."
    )


def _crossover(report: dict[str, Any]) -> str:
    crosses = report["crossover"]
    if crosses["spend"] is None:
        worse = "questions" if crosses["little"] == "answers" else "answers"
        return f"At these prices more {crosses['little']} beat more {worse} as far as may be planned."
    return (
        f"At these prices more {crosses['little']} are better up to {crosses['spend']:,.4g} "
        f"(90 % interval {crosses['low']:,.4g}-{crosses['high']:,.4g}), more {crosses['much']} beyond."
    )
