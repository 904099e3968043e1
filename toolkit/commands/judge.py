"""Run `fss judge`: judge anybody's answers, count verdicts, compare them with labels, write them beside the rows."""

import argparse
import contextlib
import difflib
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.commands.arguments import cores, positive
from toolkit.doors import ANSWER_KINDS

if TYPE_CHECKING:
    import pyarrow as pa

    from toolkit.commands.judge_report import JudgeTally
    from toolkit.commands.judge_rows import JudgedRow, RowJudge
    from toolkit.recipe.sections import Verification
    from toolkit.records.writing import RowSink
EXAMPLE = r"""fss judge answers.jsonl --gold answer --response output --output judged.jsonl
  fss judge gsm8k.csv --gold-pattern '####\s*(.+)' --pattern '####\s*(.+)'
  fss judge pairs.parquet --kind numeric --tolerance .02 --label correct"""
ADDED = ("verdict", "extracted", "problem")
USUAL = {  # names of the default columns elsewhere
    "gold": ("answer", "solution", "target", "reference", "ground_truth", "final_answer", "expected", "label"),
    "response": ("output", "completion", "prediction", "generation", "model_output", "generated_text", "text"),
}
_PEEKED = 256
_TICK = 64


def add_judge_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss judge`."""
    parser.add_argument("file", help="JSONL, JSON, CSV, TSV or parquet, texts also as .gz; - reads JSONL from stdin")
    columns = parser.add_argument_group("columns")
    columns.add_argument("--gold", default="gold", metavar="COLUMN", help="right answers (default: gold)")
    columns.add_argument("--response", default="response", metavar="COLUMN", help="texts to judge (default: response)")
    columns.add_argument("--kind-column", metavar="COLUMN", help="kind of each row, where kinds differ")
    columns.add_argument("--finish-reason", metavar="COLUMN", help="stop, length or error (default: all stop)")
    columns.add_argument("--label", metavar="COLUMN", help="true or false: compare our verdicts with somebody's")
    policy = parser.add_argument_group("policy")
    kinds = tuple(ANSWER_KINDS)
    policy.add_argument("--kind", choices=kinds, default="mathematics", help="kind of answer (default: mathematics)")
    policy.add_argument("--pattern", metavar="REGEX", help=r"one group around the answer, last match (else: \boxed{})")
    policy.add_argument("--gold-pattern", metavar="REGEX", help="the same for golds; boxed: the last box (else: all)")
    policy.add_argument("--tolerance", type=_fraction, metavar="T", help="relative tolerance of numeric answers")
    out = parser.add_argument_group("output")
    out.add_argument("--output", type=Path, metavar="FILE", help=".jsonl, .csv or .parquet: the rows with verdicts")
    out.add_argument("--prefix", default="", metavar="TEXT", help="before the names of the columns that are added")
    out.add_argument("--examples", type=int, default=5, metavar="N", help="rows printed of each sort (default: 5)")
    out.add_argument("--workers", type=positive, default=cores(), metavar="N", help="processes (default: all cores)")


def judge_command(args: argparse.Namespace) -> int:
    """Run `fss judge` on parsed arguments; return 0 when done, 130 when interrupted.

    ValueError says what is wrong with the file, its columns or the arguments, or that no row could be judged.
    """
    from toolkit.commands.judge_report import JudgeTally, as_text

    tally, added = JudgeTally(args.examples), [args.prefix + name for name in ADDED]
    try:
        killed = _judge(args, tally, added)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        return 130
    parts = [_title(args), as_text(tally, args.label)]
    if killed:
        parts.append(f"{killed:,} comparisons of formulas took too long; those answers are rejected")
    if args.output:
        parts.append(f"written: {args.output}, with {', '.join(added)}")
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0


def _judge(args: argparse.Namespace, tally: "JudgeTally", added: list[str]) -> int:
    """Judge, count and write all rows; return how many comparisons were stopped for time."""
    from toolkit.commands.judge_rows import JudgeColumns, RowJudge
    from toolkit.records.reading import read_records

    columns = JudgeColumns(args.gold, args.response, args.kind_column, args.finish_reason, args.label)
    path = Path(args.file)
    _check_output(path, args.output)
    records = read_records(path, limits=_unlimited())
    first = list(itertools.islice(records, _PEEKED))
    _check_columns(path, {name: None for row in first for name in row}, columns.names, added, args.output)
    judge = RowJudge(columns, _policies(args), args.workers, args.gold_pattern)
    with judge, _output(path, args.output, added) as writer:
        for row in _judged_rows(path, judge, itertools.chain(first, records), tally):
            if writer:
                writer.write(row.record | dict(zip(added, (row.verdict, row.extracted, row.problem), strict=True)))
        _check_judged(path, tally)
    return judge.killed


def _title(args: argparse.Namespace) -> str:
    kind = f"kinds of answer by {args.kind_column!r}" if args.kind_column else f"kind of answer {args.kind}"
    return f"{args.file}: {args.response!r} against {args.gold!r}, {kind}"


def _judged_rows(
    path: Path, judge: "RowJudge", records: Iterable[dict[str, Any]], tally: "JudgeTally"
) -> Iterator["JudgedRow"]:
    """Yield the judged rows, while counting them and moving a progress bar."""
    from toolkit.progress import Progress

    with Progress(sys.stderr).stage("judge") as stage:
        stage.expect(1, "row")
        total = _rows(path) if sys.stderr.isatty() else 0
        for row in judge.judge(records):
            tally.add(row)
            if tally.rows % _TICK == 0:
                stage.tick("rows", tally.rows, max(total, tally.rows))
            yield row
        stage.text = f"{tally.rows:,} rows"


def _policies(args: argparse.Namespace) -> dict[str, "Verification"]:
    """Return the settings by kind, that of `--kind` first; only that one where no column names the kinds."""
    from toolkit.verification.policies import extractor
    from toolkit.verification.single import policy

    boxed = {"boxed": None}  # as a recipe's `answer_pattern` may be
    for flag, pattern in (("--pattern", args.pattern), ("--gold-pattern", args.gold_pattern)):
        try:
            extractor(policy(args.kind, boxed.get(pattern, pattern), None))
        except ValueError as error:
            raise ValueError(str(error).replace("response_pattern", flag)) from error
    kinds = dict.fromkeys([args.kind, *(ANSWER_KINDS if args.kind_column else ())])
    return {kind: policy(kind, boxed.get(args.pattern, args.pattern), args.tolerance) for kind in kinds}


def _check_columns(
    path: Path, columns: Iterable[str], needed: list[str], added: list[str], output: Path | None
) -> None:
    columns = list(columns)
    if not columns:
        raise ValueError(f"{path} has no rows")
    for name in needed:
        if name not in columns:
            raise ValueError(f"{path} has no column {name!r}, only {', '.join(columns)}{_guess(name, columns)}")
    clashes = [name for name in added if name in columns] if output else []
    if clashes:
        raise ValueError(
            f"{path} has a column {clashes[0]!r} already: give the new ones another --prefix, such as our_"
        )


def _guess(name: str, columns: list[str]) -> str:
    close = difflib.get_close_matches(name, columns, 1, 0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    usual = [other for other in USUAL.get(name, ()) if other in columns]
    return f"; did you mean --{name} {usual[0]}?" if usual else ""


def _check_output(path: Path, output: Path | None) -> None:
    from toolkit.records.writing import written_as

    if output is None:
        return
    kind = written_as(output)
    if output.exists() and path.exists() and output.samefile(path):
        raise ValueError(f"{output} is the file that is read: choose another")
    if str(path) == "-" and kind != "jsonl":
        raise ValueError(f"{output}: rows from standard input can only be written as .jsonl")


def _check_judged(path: Path, tally: "JudgeTally") -> None:
    first = tally.first
    if first and tally.verdicts[first.verdict] == tally.rows:
        raise ValueError(f"{path}: none of {tally.rows:,} rows can be judged; row {first.number}: {first.problem}")


@contextlib.contextmanager
def _output(path: Path, output: Path | None, added: list[str]) -> Iterator["RowSink | None"]:
    from toolkit.records.writing import open_writer, written_as

    if output is None:
        yield None
        return
    schema = None if written_as(output) == "jsonl" else _schema(path, added)
    with open_writer(output, schema) as writer:
        yield writer


def _schema(path: Path, added: list[str]) -> "pa.Schema":
    """Choose the output's column types: those of a parquet file, else texts. JSON is read through for all its keys."""
    from toolkit.records.parquet_limits import read_schema
    from toolkit.records.reading import format_of, read_records
    from toolkit.records.writing import schema_of_texts

    if format_of(path.name) == "parquet":
        schema = read_schema(path)
        for field in schema_of_texts(added):
            schema = schema.append(field)
        return schema.remove_metadata()
    rows = read_records(path, limits=_unlimited())
    rows = itertools.islice(rows, 1) if format_of(path.name) == "csv" else rows
    return schema_of_texts([*dict.fromkeys(name for row in rows for name in row), *added])


def _rows(path: Path) -> int:
    """Estimate how many rows a file has, for the progress bar."""
    import pyarrow.parquet as pq

    from toolkit.records.reading import format_of
    from toolkit.records.texts import open_bytes

    if str(path) == "-":
        return 0
    if format_of(path.name) == "parquet":
        return int(pq.read_metadata(path).num_rows)
    with open_bytes(path) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _unlimited() -> Any:
    """Give limits that never apply: users' own files are read to their end, a few rows at a time."""
    from toolkit.records.parquet_limits import FileLimits

    return FileLimits(rows=sys.maxsize, bytes=sys.maxsize)


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to below 1, not {text}")
    return value
