"""Verdicts against plain math-verify (parse both, verify, in the main thread, as its README does), on one core.

    python benchmarks/verdicts.py [--pairs 4000] [--data ../shared/data]

Two mixes of distinct pairs, cache cold, with what is right known by construction. GSM8K-like: whole numbers, half of
them the gold one in some spelling. MATH: 60 % equal strings, 25 % other numbers, 15 % other LaTeX (a third of it the
gold answer with its terms in another order, a third spelled otherwise, a third another question's answer), from the
worked solutions in `--data`. Printed: verdicts per processor second, worker included, their ratio, and who errs where.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

from math_verify import parse, verify

from toolkit.boxed import extract_boxed
from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
from toolkit.verification.latex import plain, tight
from toolkit.verification.values import number_of

Pair = tuple[str, str, bool]  # gold, answer, are they the same
TARGETS = {"GSM8K-like": 50, "MATH mix": 5}
RESPONSE = "We add what is left to what was there, halve it, and take the rest away. The answer is $\\boxed{%s}$."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    rng = random.Random(0)
    golds = math_golds(options.data / "math" / "math_test_5000.jsonl")
    mixes = {"GSM8K-like": whole_numbers(options.pairs, rng), "MATH mix": mathematics(golds, options.pairs, rng)}
    for name, pairs in mixes.items():
        ours, own_rate = measure(judge_all, pairs)
        theirs, rate = measure(math_verify_all, pairs)
        print(f"{name}: {own_rate:,.0f} verdicts/s, math-verify {rate:,.0f}, ratio {own_rate / rate:.1f}")
        print(f"  target {TARGETS[name]}; agreement {sum(map(bool.__eq__, ours, theirs)) / len(pairs):.2%}")
        for who, verdicts in (("toolkit", ours), ("math-verify", theirs)):
            accepts = [pair for pair, same in zip(pairs, verdicts, strict=True) if same and not pair[2]]
            rejects = [pair for pair, same in zip(pairs, verdicts, strict=True) if pair[2] and not same]
            wrong = f"{len(accepts)} false accepts {sample(accepts)}, {len(rejects)} false rejects {sample(rejects)}"
            print(f"  {who}: {wrong}")


def sample(pairs: list[Pair]) -> str:
    return "; ".join(f"{gold} / {answer}" for gold, answer, _ in pairs[:6])


def measure(judge: Callable[[list[Pair]], tuple[list[bool], float]], pairs: list[Pair]) -> tuple[list[bool], float]:
    verdicts, seconds = judge(pairs)
    return verdicts, len(pairs) / seconds


def judge_all(pairs: list[Pair]) -> tuple[list[bool], float]:
    rows = [(gold, RESPONSE % answer, "stop") for gold, answer, _ in pairs]
    with Judge(Verification(), workers=1) as judge:
        list(judge.judge([("x+1", RESPONSE % "1+x", "stop")]))  # imports
        start = processor_seconds()
        verdicts = [judged.verdict == "accepted" for judged in judge.judge(rows)]
        return verdicts, processor_seconds() - start


def math_verify_all(pairs: list[Pair]) -> tuple[list[bool], float]:
    rows = [(f"${gold}$", RESPONSE % answer) for gold, answer, _ in pairs]
    start = processor_seconds()
    verdicts = [bool(verify(parse(gold), parse(text))) for gold, text in rows]
    return verdicts, processor_seconds() - start


def processor_seconds() -> float:
    """Of this process and its living workers."""
    ticks = 0
    for worker in multiprocessing.active_children():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def whole_numbers(count: int, rng: random.Random) -> list[Pair]:
    spellings = ["{}", "{:,}", "\\${}", "{}.00", " {} ", "{} \\text{{ dollars}}"]
    pairs = []
    for place, value in enumerate(rng.sample(range(2, 1_000_000), count)):
        answer = value if place % 2 else rng.randrange(2, 1_000_000)
        spelling = spellings[rng.randrange(len(spellings))] if place % 8 == 1 else "{}"
        pairs.append((str(value), spelling.format(answer), answer == value))
    return pairs


def math_golds(file: Path) -> list[str]:
    solutions = (json.loads(line)["solution"] for line in file.read_text().splitlines())
    return list(dict.fromkeys(gold for solution in solutions if (gold := extract_boxed(solution))))


def mathematics(golds: list[str], count: int, rng: random.Random) -> list[Pair]:
    shares = {"equal": count * 60 // 100, "numbers": count * 25 // 100, "latex": count * 15 // 100}
    numbers = [gold for gold in golds if number_of(plain(gold)) is not None]
    others = [gold for gold in golds if number_of(plain(gold)) is None]
    rng.shuffle(golds)
    pairs = [(gold, gold, True) for gold in golds[: shares["equal"]]]
    while len(pairs) < shares["equal"] + shares["numbers"]:
        one, other = rng.sample(numbers, 2)
        pairs.append((one, other, number_of(plain(one)) == number_of(plain(other))))
    reordered = [(gold, turned, True) for gold in others if (turned := reorder(gold))]
    spelled = [(gold, turned, True) for gold in others if (turned := respell(gold)) != gold]
    mixed = [(one, other, tight(plain(one)) == tight(plain(other))) for one, other in itertools.pairwise(others)]
    for kind in (reordered, spelled, mixed):
        pairs += rng.sample(kind, min(len(kind), shares["latex"] // 3))
    rng.shuffle(pairs)
    return list(dict.fromkeys(pairs))


def reorder(gold: str) -> str | None:
    """`a + b` as `b + a`, where a plain sum or difference of two terms stands."""
    match = re.fullmatch(r"([^-+=,()\[\]:&_]+?)\s*([-+])\s*([^-+=,()\[\]:&]+)", gold)
    if match is None or re.search(r"\\(text|begin)|\.$", gold) or match[1].count("{") != match[1].count("}"):
        return None
    return f"{match[3]}+{match[1]}" if match[2] == "+" else f"-{match[3]}+{match[1]}"


def respell(gold: str) -> str:
    gold = re.sub(r"\\frac\{([^{}]+)\}\{([^{}]+)\}", r"\\dfrac{\1}{\2}", gold)
    gold = re.sub(r"\\sqrt\{(\w)\}", r"\\sqrt\1", gold)
    return gold if "\\left" in gold else gold.replace("(", "\\left(").replace(")", "\\right)")


if __name__ == "__main__":
    main()
