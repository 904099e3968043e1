"""Peak memory of `fss judge` as the rows grow: reading, judging, counting and writing, at one worker.

    python benchmarks/judge.py [--counts 100000 1000000]

Rows of about 200 characters in JSONL, of which one in a thousand has a formula to compare. The limit: ten times the
rows take no more than a tenth more, the command's own process alone.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

CLIENT = """
import resource, sys
from toolkit.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
TEXT = "We add what is left to what was there, halve it, take the rest away and look at what stays on the table. " * 2


def write_rows(path: Path, count: int) -> None:
    """Every third answer is wrong; some formulas are written otherwise than the gold one."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            gold = f"x + {number % 7}" if number % 1000 == 0 else str(number)
            answer = f"{number % 7} + x" if number % 1000 == 0 else str(number + (number % 3 == 0))
            row = {"id": number, "gold": gold, "response": f"{TEXT}\\boxed{{{answer}}}", "right": number % 3 != 0}
            file.write(json.dumps(row) + "\n")


def peak(count: int) -> float:
    """MiB at most, of a process of its own."""
    with TemporaryDirectory() as folder:
        rows, out = Path(folder) / "rows.jsonl", Path(folder) / "out.parquet"
        write_rows(rows, count)
        options = ["--label", "right", "--workers", "1", "--output", str(out)]
        start = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-c", CLIENT, "judge", str(rows), *options], capture_output=True, text=True, check=True
        )
        seconds = time.monotonic() - start
    mebibytes = int(ran.stderr.split()[-1]) / 1024
    print(f"{count:>9,} rows: {mebibytes:6.1f} MiB at most, {count / seconds:,.0f} rows/s")
    return mebibytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, 1_000_000])
    args = parser.parse_args()
    peaks = [peak(count) for count in args.counts]
    print(f"most rows / fewest rows: x {peaks[-1] / peaks[0]:.2f} of the memory, limit 1.10")


if __name__ == "__main__":
    main()
