"""`fss fit`: the law of anybody's curve, with its baselines, in words, as JSON or as a figure."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.reports.tables import markdown_table

LEVEL = 0.9


def add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `fss fit`."""
    parser.add_argument("table", type=Path, help="CSV, TSV, JSON, JSONL or Parquet: one row per run or per item")
    parser.add_argument("--x", required=True, metavar="COLUMN", help="budget, above 0: responses per question, tokens")
    parser.add_argument("--y", required=True, metavar="COLUMN", help="error, accuracy or loss; percent when above 1")
    parser.add_argument("--quantity", choices=("error", "accuracy", "loss"), help="what y is (default: by its name)")
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument("--sd", metavar="COLUMN", help="standard deviation of each value of y")
    noise.add_argument("--seed", metavar="COLUMN", help="seed of the run: the spread over seeds is the noise")
    noise.add_argument("--n", metavar="COLUMN", help="test items behind each value: binomial noise")
    parser.add_argument("--group", metavar="COLUMN", help="one law per value of this column")
    parser.add_argument("--pool", action="store_true", help="let the groups share what they know of beta")
    parser.add_argument("--fit-max", type=float, metavar="X", help="fit budgets up to X, hold out the rest")
    parser.add_argument("--predict", type=float, nargs="+", default=[], metavar="X", help="budgets to forecast")
    parser.add_argument("--max-beta", type=float, default=1.0, help="above 1 is a diagnostic, not coverage (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curve, its bands and the baselines")


def fit_command(args: argparse.Namespace) -> int:
    """Runs `fss fit` on parsed arguments; 0 when done. ValueError says what is wrong with the table or the request."""
    from toolkit.laws.fit import fit_law
    from toolkit.laws.pooled import fit_laws
    from toolkit.reports.curves import Columns, read_ladders

    if args.pool and not args.group:
        raise ValueError("--pool needs --group: it shares beta between groups")
    columns = Columns(args.x, args.y, args.sd, args.seed, args.n, args.group)
    ladders = read_ladders(args.table, columns, args.quantity)
    options = {"fit_max": args.fit_max, "max_beta": args.max_beta}
    fits = {}
    for ladder in ladders:
        n = None if len(np.unique(ladder.budgets)) < len(ladder.budgets) else ladder.n
        settings = options | {"quantity": ladder.quantity, "residuals": "log" if ladder.quantity == "loss" else "linear"}
        try:
            fits[ladder.name] = fit_law(ladder.budgets, ladder.values, ladder.sd, n=n, **settings)
        except ValueError as error:
            raise ValueError(f"{ladder.name}: {error}") from error
    if args.pool:
        fits = fit_laws(fits)
    notes = {ladder.name: ladder.notes for ladder in ladders}
    reports = {name: describe(fit, args.predict, notes[name]) for name, fit in fits.items()}
    if args.json:
        sys.stdout.write(json.dumps(reports, indent=1) + "\n")
    else:
        sys.stdout.write("\n\n".join(_text(name, report) for name, report in reports.items()) + "\n")
    if args.plot:
        from toolkit.reports.law_figure import draw_laws

        draw_laws(args.plot, fits, ahead=max(args.predict, default=None), x=args.x, y=_axis(args))
    return 0
