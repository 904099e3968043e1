"""The pool of a run: golds that its kind of answer cannot read are left out and said; other pools keep their keys."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolkit.pipeline.context import Context
from toolkit.pipeline.source import source_identity, source_key
from toolkit.pipeline.stages.pool import pool_inputs, pool_stage
from toolkit.progress import Progress
from toolkit.questions.files import PoolError
from toolkit.questions.pools import read_questions
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Pool, Sampling
from toolkit.workspace import Artifact, Workspace, hash_of

FIELDS = {"pool_sizes": "[4]", "ladder_questions": 4, "test_size": 3, "dev_size": 0, "repo": "null"}


def made(folder: Path, golds: list[str], **fields: Any) -> tuple[Artifact, str, Context]:
    """The pool of a recipe over a file with these golds, what the stage printed, and its job."""
    rows = [json.dumps({"question": f"Question {place}?", "answer": gold}) for place, gold in enumerate(golds)]
    (folder / "pool.jsonl").write_text("\n".join(rows))
    settings = FIELDS | {"pool": folder / "pool.jsonl", "answer_kind": "numeric"} | fields
    (folder / "mine.yaml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    screen = io.StringIO()
    run = load_run(str(folder / "mine.yaml"))
    job = Context(run, Workspace(folder / "workspace", print), None, Progress(screen))  # type: ignore[arg-type]
    return pool_stage(job), screen.getvalue(), job


def test_a_gold_of_another_kind_costs_its_question_and_not_the_run(tmp_path: Path) -> None:
    golds = ["1", "2 m", "blue", "4", "5", "green", "7", "8", "9"]
    pool, said, job = made(tmp_path, golds)
    answers = {row["answer"] for name in ("questions", "test") for row in read_questions(pool.path, name)}
    assert len(answers) == 7 and answers == set(golds) - {"blue", "green"}
    assert "4 seed, 3 test and 0 dev questions" in said
    assert "2 left out, without a readable answer" in said
    assert "(pool.jsonl, row 2, column 'answer': the gold answer 'blue' is not a number" in said
    assert str(tmp_path) not in str(pool.facts)
    again = pool_stage(job)
    assert again.path == pool.path


def test_a_pool_that_is_read_whole_keeps_the_key_it_had(tmp_path: Path) -> None:
    pool, said, job = made(tmp_path, [str(number) for number in range(9)])
    assert pool.path == job.workspace.planned("pool", pool_inputs(job.recipe.pool)).path
    assert "left out" not in said and "unread" not in pool.facts


def test_the_kind_of_answer_decides_which_golds_are_left_out(tmp_path: Path) -> None:
    golds = ["1", "2", "A", "B", "5", "6", "7", "8", "9", "10"]
    numeric, _, _ = made(tmp_path, golds)
    assert numeric.facts["unread"] == 2
    with pytest.raises(PoolError, match=r"pool\.jsonl: 8 of 10 answers cannot be read; .*row 0, .*'1' is not a letter"):
        made(tmp_path, golds, answer_kind="choice")
    every, said, _ = made(tmp_path, golds, answer_kind="mathematics")
    assert "unread" not in every.facts and "left out" not in said


def test_keys_of_pool_and_source_are_those_of_older_versions() -> None:
    assert hash_of(pool_inputs(Pool(pool="mathematics")))[:16] == "23b7e7d8712aac45"
    assert source_key(source_identity("teacher", None, "questions", Sampling())) == "2f50e2ab02cd9d77"
    other = Pool(pool="mathematics", test_split="test", test_unit_column="unit")
    assert hash_of(pool_inputs(other)) != hash_of(pool_inputs(replace(other, test_unit_column=None)))
