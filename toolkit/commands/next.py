"""Run `fss next`: advise from a table of measured cells and a price list which cells to run next."""

import argparse
import json
import sys

from toolkit.commands.arguments import add_report_arguments, named_values, positive
from toolkit.commands.plan import add_cells_arguments, read_prices

EXAMPLE = """fss next curves.parquet --price question=20 response=1 --spend 50000 --target 2048x16 --width 0.1
  fss next cells.csv --n items --price question=1 response=0.02 student=5 --spend 300 --decide 500
  fss next cells.csv --prices prices.yaml --spend 300 --decide 500 --cells 512x8 512x16 1024x4 --runs 4 --json"""


def add_next_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss next`."""
    add_cells_arguments(parser)
    parser.add_argument(
        "--spend", type=float, required=True, metavar="MONEY", help="limit for what is run, in the prices' currency"
    )
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "--target", type=cell, metavar="QxR", help="narrow the forecast at Q questions with R responses each: 2048x16"
    )
    asked.add_argument(
        "--decide", type=float, metavar="MONEY", help="decide if so much buys more questions or more answers"
    )
    parser.add_argument("--width", type=float, metavar="W", help="width of the 90 %% interval asked for, a fraction")
    parser.add_argument(
        "--confidence", type=float, default=0.9, metavar="P", help="probability that decides (default: 0.9)"
    )
    parser.add_argument(
        "--cells",
        type=cell,
        nargs="+",
        metavar="QxR",
        help="cells that may be run (default: all of the tested, doubled)",
    )
    parser.add_argument("--runs", type=positive, default=16, metavar="N", help="most students at a cell (default: 16)")
    parser.add_argument(
        "--worth", type=float, default=0.05, metavar="SHARE",
        help="money that narrows the interval by a smaller share is not spent (default: 0.05)",
    )  # fmt: skip
    add_report_arguments(parser, "draw the cells to run over those measured, and the expected width against money")


def next_command(args: argparse.Namespace) -> int:
    """Run `fss next` on parsed arguments and return 0; ValueError says what is wrong with table, prices or options."""
    from toolkit.laws.planning.next_cells import next_cells
    from toolkit.laws.planning.prices import Prices
    from toolkit.reports.cells import read_cells
    from toolkit.reports.next_report import as_text, describe

    names = {name: getattr(args, name) for name in ("questions", "budget", "error", "sd", "n", "quantity", "unit")}
    cells = read_cells(args.table, **names, where=named_values(args.where, "--where"))
    prices = Prices(**read_prices(args.prices, args.price))
    options = {name: getattr(args, name) for name in ("target", "width", "decide", "confidence", "runs", "worth")}
    options |= {"sd": cells.sd, "n": cells.n, "candidates": args.cells}
    advice = next_cells(cells.questions, cells.budgets, cells.errors, prices, args.spend, **options)
    report = describe(advice, cells.notes)
    sys.stdout.write((json.dumps(report, indent=1) if args.json else as_text(report)) + "\n")
    if args.plot:
        from toolkit.reports.figures.next import draw_next

        draw_next(args.plot, advice, cells.questions, cells.budgets)
    return 0


def cell(text: str) -> tuple[int, int]:
    """Read a cell, such as `2048x16`; argparse turns the error raised for other texts into a message."""
    questions, sign, budget = text.lower().partition("x")
    if not (sign and questions.isdecimal() and budget.isdecimal() and int(questions) and int(budget)):
        raise argparse.ArgumentTypeError(f"{text!r} is no cell: write questions x responses, such as 2048x16")
    return int(questions), int(budget)
