"""What the fake teacher says: a pure function of (question, seed), made up or taken from a file of worked solutions."""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

Answer = Callable[[str, int], str]

# A last number with the answer's mark before it: GSM8K's `#### 18` or a number alone in a box.
FINAL_NUMBER = re.compile(r"(####\s*|\\boxed\{)(-?[\d,]+)(?=\}?[^\d]*$)")
MARK = re.compile(r"####|\\boxed")
ENDLESS = "and so on " * 20_000  # longer than any limit: the server cuts it


def chance(question: str, seed: int, salt: str = "") -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.blake2b(f"{salt}{seed}:{question}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def made_up(question: str, seed: int) -> str:
    """A short worked answer that differs from seed to seed."""
    return f"Step {seed % 7}: take {seed % 1009}. The answer is \\boxed{{{seed % 101}}}."


def from_solutions(solutions: dict[str, str], right: float = 0.7, variants: int = 8) -> Answer:
    """Answers questions from `solutions`: the own solution with probability `right`, in `variants` wordings.

    A wrong answer is another question's solution, the own one with its final number changed, one without an answer, or
    one that never ends. A prompt that holds a known question within other words counts as that question.
    """
    known = sorted(solutions, key=len, reverse=True)

    @functools.cache
    def question_in(prompt: str) -> str | None:
        if prompt in solutions:
            return prompt
        return next((question for question in known if question in prompt), None)

    def answer(prompt: str, seed: int) -> str:
        question = question_in(prompt)
        if question is None:
            return made_up(prompt, seed)
        text = solutions[question] if chance(question, seed) < right else wrong(solutions, known, question, seed)
        return f"Way {int(variants * chance(question, seed, 'way'))}. {text}"

    return answer


def wrong(solutions: dict[str, str], known: Sequence[str], question: str, seed: int) -> str:
    kind = chance(question, seed, "kind")
    own = solutions[question]
    if kind < 0.1:
        return ENDLESS
    if kind < 0.2:
        return MARK.split(own)[0]
    if kind < 0.6 and FINAL_NUMBER.search(own):
        return FINAL_NUMBER.sub(lambda match: f"{match[1]}{int(match[2].replace(',', '') or 0) + 1 + seed % 9}", own)
    return solutions[known[int(len(known) * chance(question, seed, "other"))]]


def read_solutions(path: Path) -> dict[str, str]:
    """Question -> worked solution of a JSONL file with columns question, answer (or problem, solution)."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row.get("question") or row["problem"]: row.get("solution") or row["answer"] for row in rows}
