"""Run `fss fit`: fit the law of anybody's curve, with its baselines, and report it as text, JSON or a figure."""

import argparse
import json
import sys
from pathlib import Path

from toolkit.commands.arguments import (
    add_forecast_argument,
    add_max_beta_argument,
    add_report_arguments,
    add_where_argument,
    named_values,
)

EXAMPLE = "fss fit curve.csv --x r --y error --seed seed --fit-max 16 --predict 32 64 --plot law.png"


def add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss fit`."""
    parser.add_argument(
        "table", type=Path, help="CSV in any dialect, JSON, JSONL or Parquet: one row per run or per item"
    )
    parser.add_argument("--x", required=True, metavar="COLUMN", help="budget, above 0: responses per question, tokens")
    parser.add_argument("--y", required=True, metavar="COLUMN", help="error, accuracy or loss, in fractions or percent")
    parser.add_argument("--quantity", choices=("error", "accuracy", "loss"), help="what y is (default: by its name)")
    parser.add_argument("--unit", choices=("fraction", "percent"), help="what y is in (default: by its values)")
    noise = parser.add_mutually_exclusive_group()
    noise.add_argument("--sd", metavar="COLUMN", help="standard deviation of each value of y")
    noise.add_argument("--seed", metavar="COLUMN", help="seed of the run: the spread over seeds is the noise")
    noise.add_argument("--n", metavar="COLUMN", help="test items behind each value: binomial noise")
    add_where_argument(parser)
    parser.add_argument("--group", metavar="COLUMN", help="one law per value of this column")
    parser.add_argument("--pool", action="store_true", help="pool the law's beta partially across the groups")
    parser.add_argument("--form", default="rectified", metavar="NAME", help="form of the law (default: rectified)")
    add_forecast_argument(parser)
    parser.add_argument("--fit-max", type=float, metavar="X", help="fit budgets up to X, hold out the rest")
    parser.add_argument("--predict", type=float, nargs="+", default=[], metavar="X", help="budgets to forecast")
    add_max_beta_argument(parser, default=1.0)
    add_report_arguments(parser, "draw the curve, its bands and the baselines")


def fit_command(args: argparse.Namespace) -> int:
    """Run `fss fit` on parsed arguments and return 0; ValueError says what is wrong with table or arguments."""
    from toolkit.laws.curve.pooled import pool_beta
    from toolkit.reports.curves import CurveColumns, read_ladders
    from toolkit.reports.fit_report import as_text, describe, fit_ladder

    if args.pool and not args.group:
        raise ValueError("--pool needs --group: it pools beta across groups")
    where = named_values(args.where, "--where")
    columns = CurveColumns(args.x, args.y, args.sd, args.seed, args.n, args.group)
    curves = read_ladders(args.table, columns, args.quantity, where, args.unit)
    ladders = {ladder.name: ladder for ladder in curves}
    fits = {name: fit_ladder(ladder, args.fit_max, args.max_beta, args.form) for name, ladder in ladders.items()}
    fits = pool_beta(fits) if args.pool else fits
    reports = {name: describe(fit, args.predict, ladders[name].notes, args.forecast) for name, fit in fits.items()}
    text = (
        json.dumps(reports, indent=1, allow_nan=False)
        if args.json
        else "\n\n".join(as_text(*item) for item in reports.items())
    )
    sys.stdout.write(text + "\n")
    if args.plot:
        from toolkit.reports.figures.law import draw_fits

        label = "error" if next(iter(ladders.values())).quantity == "error" else args.y
        draw_fits(args.plot, fits, ahead=max(args.predict, default=None), x=args.x, y=label, by=args.forecast)
    return 0
