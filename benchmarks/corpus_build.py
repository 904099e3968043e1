"""Building a corpus against the same join in pandas, in processor seconds and peak memory, at growing sizes.

    python benchmarks/corpus_build.py [--responses 64000 256000 1024000]

Each build runs in its own process. Linear time shows as an even rate, flat memory as an even peak. The last line gives
the leak check's rate against the 20,000 texts a second that it must reach.
"""

import argparse
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BUDGET = 32
RATE = 20_000  # texts per processor second, the least the leak check may do


def questions(count: int) -> list[dict[str, Any]]:
    return [
        {"question_id": f"{i:016x}", "question": f"What is {i} + 1? " * 8, "answer": str(i + 1)} for i in range(count)
    ]


def responses(count: int) -> Iterator[dict[str, Any]]:
    for index in range(BUDGET):
        for i in range(count):
            text = f"{i} + 1 = {i + 1}, attempt {index}. " * 8
            row = {"question_id": f"{i:016x}", "index": index, "text": text, "finish_reason": "stop"}
            yield row | {"completion_tokens": 40, "seed": index}


def verdicts(count: int) -> Iterator[dict[str, Any]]:
    for index in range(BUDGET):
        for i in range(count):
            verdict = "accepted" if (i + index) % 3 else "rejected"
            yield {
                "question_id": f"{i:016x}",
                "index": index,
                "verdict": verdict,
                "extracted": "1",
                "wrong_step": False,
            }


def build_toolkit(count: int, out: Path) -> None:
    from toolkit.corpora.budgets import increments, shells
    from toolkit.corpora.build import build_corpus

    parts = shells((count // 4, count // 2, count)), increments((1, 2, 4, 8, 16, 32))
    build_corpus(out, questions(count), responses(count), verdicts(count), *parts, "nano", "1")


def build_pandas(count: int, out: Path) -> None:
    import pandas as pd

    rows = pd.DataFrame(responses(count)).merge(pd.DataFrame(verdicts(count)), on=["question_id", "index"])
    rows = rows.merge(pd.DataFrame(questions(count)), on="question_id").sort_values(["index", "question_id"])
    rows["messages"] = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": text}]
        for question, text in zip(rows["question"], rows["text"], strict=True)
    ]
    for verdict, part in rows.groupby(rows["verdict"] == "accepted"):
        part.to_parquet(out / f"{verdict}.parquet", compression="zstd")


BUILDERS = {"toolkit": build_toolkit, "pandas": build_pandas}


def measure(builder: str, count: int) -> None:
    with TemporaryDirectory() as folder:
        BUILDERS[builder](count, Path(folder))
    print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare(total: int) -> None:
    found = {}
    for builder in BUILDERS:
        command = [sys.executable, __file__, "--measure", builder, str(total // BUDGET)]
        seconds, peak = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        found[builder] = seconds, peak
        print(f"{total:>9,} responses, {builder:7s}: {total / seconds:>7,.0f} a second, peak {peak:,.0f} MB")
    ratios = [found["toolkit"][part] / found["pandas"][part] for part in (0, 1)]
    print(f"{'':9s} toolkit / pandas: time x {ratios[0]:.2f}, peak memory x {ratios[1]:.2f}")


def leak_rate() -> None:
    from toolkit.corpora.decontamination import find_leaks

    random_ = random.Random(0)
    words = [f"word{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10]}" for i in range(100)]
    texts = [" ".join([*random_.choices(words, k=22), str(i), "and", str(i + 7), "?"]) for i in range(100_000)]
    held_out = {str(i): text + " more" for i, text in enumerate(random_.sample(texts, 2000))}
    start = time.process_time()
    found = len(find_leaks(held_out, texts, procedural=True))
    rate = len(texts) / (time.process_time() - start)
    print(
        f"leak check: {rate:,.0f} texts of 26 words a second, x {rate / RATE:.2f} of the limit; {found} of 2,000 found"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--responses", type=int, nargs="+", default=[64_000, 256_000, 1_024_000])
    parser.add_argument("--measure", nargs=2, metavar=("BUILDER", "QUESTIONS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure[0], int(args.measure[1]))
        return
    for total in args.responses:
        compare(total)
    leak_rate()


if __name__ == "__main__":
    main()
