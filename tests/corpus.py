"""A whole corpus from responses and verdicts in any order, for the tests that need one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.corpora.budgets import Shell
from toolkit.corpora.build import build_cell
from toolkit.corpora.ranks import accepted_ranks, path_of

Rows = Sequence[Mapping[str, Any]]


def build_corpus(
    out: Path,
    questions: Rows,
    responses: Rows,
    verdicts: Rows,
    shells: Sequence[Shell],
    increments: Sequence[tuple[int, int]],
    teacher: str,
    teacher_revision: str,
    counting: str = "sampled",
) -> list[Path]:
    """Every cell of the corpus; the files, accepted before rejected."""
    judged = {(row["question_id"], row["index"]): row for row in verdicts}
    rows = []
    for position, question in enumerate(questions):
        name = question["question_id"]
        own = sorted((row for row in responses if row["question_id"] == name), key=lambda row: row["index"])
        own = [
            {"position": position, "wrong_step": None, "prompt_tokens": 9, **question, **row}
            | judged[name, row["index"]]
            for row in own
        ]
        paths = [path_of(name, row["text"]) if row["verdict"] == "accepted" else None for row in own]
        ranks = accepted_ranks(paths) if counting == "accepted" else [(row["index"], False) for row in own]
        rows += [{**row, "rank": rank, "repeat": repeat} for row, (rank, repeat) in zip(own, ranks, strict=True)]
    rows.sort(key=lambda row: (row["index"], row["position"]))
    files = []
    for start, stop in increments:
        for shell in shells:
            inside = [
                row for row in rows if start <= row["rank"] < stop and shell.start <= row["position"] < shell.stop
            ]
            files.append(build_cell(out, inside, shell, (start, stop), teacher, teacher_revision))
    return [pair[side] for side in (0, 1) for pair in files]
