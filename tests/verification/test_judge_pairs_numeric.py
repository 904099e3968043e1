"""Answer pairs from public issues and graders, kinds numeric and choice: which are judged otherwise, and why."""

import json
from pathlib import Path

import pytest

from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
from toolkit.verification.policies import compare

KNOWN: dict[str, set[tuple[str, str]]] = {"numeric": set(), "choice": set()}  # right, but rejected: none is left
LEAST = {"numeric": 166, "choice": 70}


def readable(kind: str, gold: str) -> bool:
    try:
        compare(gold, gold, Verification(answer_kind=kind))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", ["numeric", "choice"])
def test_no_pair_is_accepted_in_error_and_the_known_ones_alone_are_rejected_in_error(
    kind: str, shared_data: Path
) -> None:
    lines = (shared_data / "judge_pairs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for line in lines if (row := json.loads(line))["kind"] == kind]
    assert len(rows) >= LEAST[kind]
    unread = {row["gold"] for row in rows if not readable(kind, row["gold"])}
    assert unread == ({"K"} if kind == "choice" else set())  # an eleventh option is not a letter from A to J
    judged = [row for row in rows if row["gold"] not in unread]
    with Judge(Verification(answer_kind=kind)) as judge:
        accepted = [
            each.verdict == "accepted" for each in judge.judge((row["gold"], row["response"], "stop") for row in judged)
        ]
    wrong = [
        (row["gold"], row["response"], same)
        for row, same in zip(judged, accepted, strict=True)
        if same != row["accept"]
    ]
    assert [pair for pair in wrong if pair[2]] == []
    assert {pair[:2] for pair in wrong} == KNOWN[kind]
