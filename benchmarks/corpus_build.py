"""From a journal to corpora, as a run does it: index, verdicts, shell x increment files, statistics; at growing sizes.

    python benchmarks/corpus_build.py [--responses 96000 288000 1024000] [--counting sampled accepted]

Responses of about 600 characters, three shells, six rungs; each size in a process of its own. Linear time shows as a
ratio of the time per row near 1, bounded memory as a peak below the limit. A peer, the same join in pandas, runs at the
smallest size only. The last line gives the leak check's rate against the 20,000 texts a second that it must reach.
"""

import argparse
import dataclasses
import io
import itertools
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

BUDGETS = (1, 2, 4, 8, 16, 32)
PEAK = 1536  # MiB, the most that a million responses may take
RATE = 20_000  # texts per processor second, the least the leak check may do
WORDS = ("so", "we", "add", "the", "number", "of", "apples", "to", "what", "is", "left", "then", "divide", "by", "two")


def questions(count: int) -> list[dict[str, Any]]:
    text = "A farmer has {} apples and gives some away. " * 3
    return [
        {
            "question_id": f"{i:016x}",
            "position": i,
            "question": text.format(i, i, i),
            "answer": str(7 * i),
            "family": "",
        }
        for i in range(count)
    ]


def write_journal(path: Path, count: int) -> None:
    """32 responses to each question, index by index; one in three is wrong, one in five repeats the first right one."""
    from toolkit.synthesis.journal import Response, encode

    dice = random.Random(0)
    with path.open("wb") as file:
        for index, i in itertools.product(range(BUDGETS[-1]), range(count)):
            steps = WORDS if dice.random() < 0.2 else dice.choices(WORDS, k=130)
            answer = 7 * i + (dice.random() < 1 / 3)
            text = f"{' '.join(steps)} so the answer is $\\boxed{{{answer:,}}}$."
            file.write(encode(Response(f"{i:016x}", index, text, "stop", 60, 150, dice.getrandbits(63), "teacher@1")))


def build_toolkit(journal: Path, count: int, folder: Path, counting: str) -> None:
    from toolkit.corpora.budgets import increments, shells
    from toolkit.pipeline.context import Context
    from toolkit.pipeline.judge import open_judge
    from toolkit.pipeline.source import Source, with_rows
    from toolkit.pipeline.stages.corpus import corpus_stage, verdicts_stage
    from toolkit.pipeline.stages.journal_index import JournalIndex
    from toolkit.pipeline.stages.responses import draw
    from toolkit.progress import Progress
    from toolkit.recipe.load import load_run
    from toolkit.recipe.sections import Ladder
    from toolkit.workspace import Artifact, Workspace

    run = load_run("math")
    ladder = Ladder(budgets=BUDGETS, ladder_questions=count, counting=counting, max_draws=BUDGETS[-1])
    run = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, ladder=ladder))
    job = Context(run, Workspace(folder, sys.stderr.write), SimpleNamespace(jobs=1), Progress(io.StringIO()))
    asked = questions(count)
    pool = Artifact(folder, "0", {"questions.parquet": "0"}, {})
    index = JournalIndex(journal, asked)
    parts = [(shell, rung) for rung in increments(BUDGETS) for shell in shells((count // 4, count // 2, count))]
    source = Source(pool, pool, asked, "0", journal, parts, {})
    ids = [row["question_id"] for row in asked]
    with open_judge(job, pool) as judge:
        with job.progress.stage("responses") as stage:
            draws = draw(job, stage, index, pool, judge, ids, lambda wanted: True)
        source = with_rows(source, index, counting, draws)
        corpus = corpus_stage(job, source, verdicts_stage(job, source, judge))
    whole = corpus.statistics[count, BUDGETS[-1]]
    if whole["sampled"] != count * BUDGETS[-1]:
        raise RuntimeError(f"rows are missing: {whole}")


def build_pandas(journal: Path, count: int, folder: Path, counting: str) -> None:
    import pandas as pd

    from toolkit.recipe.sections import Verification
    from toolkit.verification.judge import Judge

    rows = pd.read_json(journal, lines=True, dtype={"question_id": str}).merge(pd.DataFrame(questions(count)))
    with Judge(Verification(check_steps=True)) as judge:
        judged = list(judge.judge(zip(rows["answer"], rows["text"], rows["finish_reason"], strict=True)))
    rows = pd.concat([rows, pd.DataFrame(judged)], axis=1).sort_values(["index", "position"])
    rows["messages"] = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": text}]
        for question, text in zip(rows["question"], rows["text"], strict=True)
    ]
    for verdict, part in rows.groupby(rows["verdict"] == "accepted"):
        part.to_parquet(folder / f"{verdict}.parquet", compression="zstd")


BUILDERS = {"toolkit": build_toolkit, "pandas": build_pandas}


def measure(builder: str, journal: str, count: str, counting: str) -> None:
    start = time.perf_counter()
    with TemporaryDirectory(dir=Path(journal).parent) as folder:
        BUILDERS[builder](Path(journal), int(count), Path(folder), counting)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(time.process_time(), time.perf_counter() - start, used.ru_maxrss / 1024)


def build(builder: str, journal: Path, count: int, counting: str) -> float:
    """Print what one build takes; returns processor microseconds per row."""
    command = [sys.executable, __file__, "--measure", builder, str(journal), str(count), counting]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    used, passed, peak = map(float, done.stdout.split())
    rows = count * BUDGETS[-1]
    limit = f", x {peak / PEAK:.2f} of the limit" if builder == "toolkit" else ""
    print(
        f"{rows:>9,} responses, {builder} {counting}: {used:.1f} s of processor, {passed:.1f} s, "
        f"{1e6 * used / rows:.1f} us a row, peak {peak:,.0f} MiB{limit}",
        flush=True,
    )
    return 1e6 * used / rows


def compare(sizes: list[int], countings: list[str]) -> None:
    costs: dict[str, list[float]] = {counting: [] for counting in countings}
    for rows in sizes:
        count = rows // BUDGETS[-1]
        with TemporaryDirectory() as folder:
            journal = Path(folder) / "journal.jsonl"
            write_journal(journal, count)
            for counting in countings:
                costs[counting].append(build("toolkit", journal, count, counting))
            if rows == sizes[0]:
                peer = build("pandas", journal, count, "sampled")
                print(f"{'':9s} toolkit / pandas: time x {costs[countings[0]][0] / peer:.2f}")
    for counting, (first, *_, last) in costs.items() if len(sizes) > 1 else ():
        print(f"{counting}: time per row at {sizes[-1]:,} responses / at {sizes[0]:,}: x {last / first:.2f}")


def leak_rate(count: int) -> None:
    from toolkit.corpora.decontamination import find_leaks

    random_ = random.Random(0)
    words = [f"word{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10]}" for i in range(100)]
    texts = [" ".join([*random_.choices(words, k=22), str(i), "and", str(i + 7), "?"]) for i in range(count)]
    held_out = {str(i): text + " more" for i, text in enumerate(random_.sample(texts, count // 50))}
    start = time.process_time()
    found = len(find_leaks(held_out, texts, procedural=True))
    rate = len(texts) / (time.process_time() - start)
    told = f"{rate:,.0f} texts of 26 words a second, x {rate / RATE:.2f} of the limit"
    print(f"leak check: {told}; {found} of {count // 50:,} found")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--responses", type=int, nargs="+", default=[96_000, 288_000, 1_024_000])
    parser.add_argument("--counting", nargs="+", default=["sampled", "accepted"], choices=["sampled", "accepted"])
    parser.add_argument("--texts", type=int, default=100_000, help="for the leak check")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(*args.measure)
        return
    compare(args.responses, args.counting)
    leak_rate(args.texts)


if __name__ == "__main__":
    main()
