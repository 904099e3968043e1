"""Pairs of gold answer and response from other graders' tests and reports, and the verdict that is right."""

import json
from pathlib import Path

from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge

Pair = dict[str, str]

# Pairs that are judged wrongly, with the reason; none at present.
KNOWN: dict[tuple[str, str], str] = {}


def read_pairs(folder: Path, kind: str) -> list[Pair]:
    lines = (folder / "judge_pairs.jsonl").read_text(encoding="utf-8").splitlines()
    return [pair for pair in map(json.loads, lines) if pair["kind"] == kind]


def judged_wrong(pairs: list[Pair], settings: Verification) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Give the false accepts and the false rejects, each as gold answer and response."""
    with Judge(settings) as judge:
        judged = list(judge.judge((pair["gold"], pair["response"], "stop") for pair in pairs))
        assert judge.killed == 0
    wrong: tuple[set[tuple[str, str]], set[tuple[str, str]]] = (set(), set())
    for pair, verdict in zip(pairs, judged, strict=True):
        if (verdict.verdict == "accepted") != pair["accept"]:
            wrong[bool(pair["accept"])].add((pair["gold"], pair["response"]))
    return wrong


def test_mathematical_pairs_get_the_verdict_that_is_right(shared_data: Path) -> None:
    pairs = read_pairs(shared_data, "mathematics")
    assert len(pairs) >= 166
    false_accepts, false_rejects = judged_wrong(pairs, Verification())
    assert false_accepts == set()
    assert false_rejects == set(KNOWN)
    assert len(KNOWN) <= 0.03 * len(pairs)
