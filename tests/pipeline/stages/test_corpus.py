"""From a journal to corpora: which rows count, whatever their order, and under each way of counting."""

import dataclasses
import io
import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.conftest import TINY
from toolkit.corpora.budgets import increments, shells
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.judge import open_judge
from toolkit.pipeline.source import Source, rows_of, with_rows
from toolkit.pipeline.stages.corpus import corpus_stage, verdicts_stage
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.pipeline.stages.responses import draw, find_source, plan_responses
from toolkit.progress import Progress
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Ladder
from toolkit.synthesis.journal import Journal, JournalError, Response, encode
from toolkit.verification.judge import Judge
from toolkit.workspace import Artifact, Workspace

QUESTIONS = [
    {"question_id": f"q{at}", "position": at, "question": f"{at} + 0?", "answer": str(at), "family": ""}
    for at in range(8)
]
SHELLS = shells((4, 8))
POOL = Artifact(Path("pool"), "0", {"questions.parquet": "0"}, {})
TEACHER = Artifact(Path("teacher"), "1", {"model.safetensors": "1"}, {})


def response(position, index, salt=0):
    """A fixed teacher: three texts in four are right, few of them differ, and one question is never solved."""
    dice = random.Random(f"{salt} {position} {index}")
    right = position != 5 and dice.random() < 0.75
    text = f"{'so ' * dice.randrange(6)}\\boxed{{{position if right else position + 1}}}"
    return Response(f"q{position}", index, text, "stop", 3, 7, index, "t@1")


def job(folder, **ladder):
    run = load_run(str(TINY))
    recipe = dataclasses.replace(run.recipe, ladder=Ladder(ladder_questions=8, **ladder))
    run = dataclasses.replace(run, recipe=recipe, budgets=recipe.ladder.budgets)
    return Context(run, Workspace(folder / "workspace", pytest.fail), SimpleNamespace(jobs=1), Progress(io.StringIO()))


def drawn(job, path, salt=0):
    """Fill the journal as the schedule wants it; the index, the draws that count, and what was asked for."""
    index, asked = JournalIndex(path, QUESTIONS), []
    with job.progress.stage("responses") as stage, Journal(path) as journal, open_judge(job, POOL) as judge:

        def ask(wanted):
            lacking = [pair for pair in wanted.pairs() if not journal.has(f"q{pair[0]}", pair[1])]
            asked.extend(lacking)
            journal.append(response(*pair, salt) for pair in random.Random(len(asked)).sample(lacking, len(lacking)))

        draws = draw(job, stage, index, POOL, judge, [row["question_id"] for row in QUESTIONS], ask)
    return index, draws, asked


def source_of(job, path, salt=0):
    index, draws, _ = drawn(job, path, salt=salt)
    cells = [(shell, rung) for rung in increments(job.recipe.ladder.budgets) for shell in SHELLS]
    return with_rows(Source(POOL, TEACHER, QUESTIONS, "k", path, cells, {}), index, job.recipe.ladder.counting, draws)


def corpus_of(job, path):
    source = source_of(job, path)
    with open_judge(job, POOL) as judge:
        return source, corpus_stage(job, source, verdicts_stage(job, source, judge))


COUNTINGS = {
    "sampled": {"counting": "sampled", "budgets": (1, 2, 4)},
    "accepted": {"counting": "accepted", "budgets": (1, 2, 4), "max_draws": 9},
    "adaptive": {"counting": "adaptive", "budgets": (16,), "stop_below": 0.15},
}


def rows(parts, side):
    files = [
        part.path / "data" / side / f"{cell[0].name}/i{cell[1][0]:03d}-{cell[1][1]:03d}.parquet"
        for cell, part in parts.items()
    ]
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("counting", COUNTINGS)
def test_every_draw_that_counts_is_in_one_file_and_no_other_is(tmp_path, counting):
    path = tmp_path / "rows.jsonl"
    with Journal(path) as journal:  # of another source run: more draws than any counting wants
        journal.append(response(7, index) for index in range(20))
    index, draws, _ = drawn(job(tmp_path, **COUNTINGS[counting]), path)
    source, corpus = corpus_of(job(tmp_path, **COUNTINGS[counting]), path)
    held = [
        (row["question_id"], row["response_index"])
        for side in ("accepted", "rejected")
        for row in rows(corpus.parts, side)
    ]
    assert sorted(held) == sorted((f"q{at}", index) for at in range(8) for index in range(draws[at]))
    assert draws[7] < 20 and len(index) > len(held)
    top = max(corpus.statistics)
    assert corpus.statistics[top]["sampled"] == draws.sum() and corpus.statistics[top]["questions"] == 8
    assert all(part.made for part in corpus.parts.values()) and list(corpus.parts) == source.parts


def test_distinct_accepted_responses_are_counted_up_to_the_budget(tmp_path):
    _, corpus = corpus_of(job(tmp_path, **COUNTINGS["accepted"]), tmp_path / "rows.jsonl")
    for (questions, budget), counts in corpus.statistics.items():
        files = corpus.accepted(questions, budget)
        kept = [row for part, file in files for row in pq.read_table(part.path / file).to_pylist()]
        each = [sum(row["question_id"] == f"q{at}" for row in kept) for at in range(8)]
        texts = {(row["question_id"], " ".join(row["response"].split())) for row in kept}
        assert len(texts) == len(kept) == counts["distinct"]
        assert each[5] == 0 and max(each) == budget and counts["covered"] == 7
    repeats = [row for row in rows(corpus.parts, "rejected") if row["verdict"] == "accepted"]
    assert len(repeats) == corpus.statistics[8, 4]["accepted"] - corpus.statistics[8, 4]["distinct"] > 0


@pytest.mark.parametrize("counting", COUNTINGS)
def test_the_order_of_the_lines_is_nothing(tmp_path, counting):
    path = tmp_path / "rows.jsonl"
    source, corpus = corpus_of(job(tmp_path / "a", **COUNTINGS[counting]), path)
    lines = path.read_bytes().splitlines(keepends=True)
    (tmp_path / "mixed.jsonl").write_bytes(b"".join(random.Random(1).sample(lines, len(lines))))
    mixed, other = corpus_of(job(tmp_path / "b", **COUNTINGS[counting]), tmp_path / "mixed.jsonl")
    assert mixed.digests == source.digests
    assert [part.files for part in other.parts.values()] == [part.files for part in corpus.parts.values()]
    assert [list(rows_of(mixed, cell)) for cell in mixed.parts] == [
        list(rows_of(source, cell)) for cell in source.parts
    ]


@pytest.mark.parametrize("counting", COUNTINGS)
def test_a_run_that_was_cut_short_asks_for_the_same_draws(tmp_path, counting):
    _, draws, asked = drawn(job(tmp_path / "a", **COUNTINGS[counting]), tmp_path / "rows.jsonl")
    lines = (tmp_path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    part.write_bytes(b"".join(line for number, line in enumerate(lines) if number % 3))
    index, again, more = drawn(job(tmp_path / "b", **COUNTINGS[counting]), part)
    assert again.tolist() == draws.tolist() and len(index) == len(lines)
    assert set(more) < set(asked)
    assert len(more) == -(-len(lines) // 3)


def test_why_questions_were_stopped_is_written_and_the_same_again(tmp_path):
    made = job(tmp_path, **COUNTINGS["adaptive"])
    _, draws, _ = drawn(made, tmp_path / "rows.jsonl")
    stops = (tmp_path / "rows.stops.jsonl").read_text()
    told = [json.loads(line) for line in stops.splitlines()]
    assert [row["question_id"] for row in told[:8]] == [f"q{at}" for at in range(8)]
    last = {row["question_id"]: row for row in told}
    assert {name: row["draws"] for name, row in last.items() if row["stopped"]} == {
        f"q{at}": count for at, count in enumerate(draws.tolist()) if count < 16
    }
    (tmp_path / "rows.stops.jsonl").unlink()
    drawn(made, tmp_path / "rows.jsonl")
    assert (tmp_path / "rows.stops.jsonl").read_text() == stops


def test_a_second_run_takes_the_paths_that_are_known_and_judges_nothing(tmp_path, monkeypatch):
    made = job(tmp_path, **COUNTINGS["accepted"])
    first, draws, _ = drawn(made, tmp_path / "rows.jsonl")
    monkeypatch.setattr(Judge, "judge", lambda self, rows: pytest.fail("judged again") if list(rows) else iter(()))
    again, same, asked = drawn(made, tmp_path / "rows.jsonl")
    assert same.tolist() == draws.tolist() and asked == []
    pairs = [(at, index) for at in range(8) for index in range(draws[at])]
    assert [again.path(*pair) for pair in pairs] == [first.path(*pair) for pair in pairs]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.randoms())
def test_an_index_that_reads_as_the_journal_grows_knows_what_one_that_reads_it_whole_does(
    tmp_path_factory, steps, dice
):
    path = tmp_path_factory.mktemp("index") / "rows.jsonl"
    pairs = [(position, index) for position in range(8) for index in range(4)]
    dice.shuffle(pairs)
    grown, whole = JournalIndex(path, QUESTIONS), JournalIndex(path, QUESTIONS)
    with Judge(load_run(str(TINY)).recipe.verification) as judge:
        for step in steps:
            with path.open("ab") as file:
                file.writelines(encode(response(*pair)) for pair in pairs[:step])
                file.write(b"torn" if step == 1 else b"")
            grown.read()
            grown.label(judge)
            if step == 1:
                with path.open("ab") as file:
                    file.truncate(file.tell() - 4)
            pairs = pairs[step:]
        whole.read()
        whole.label(judge)
    assert len(grown) == len(whole) == sum(steps) and grown.digest() == whole.digest()
    seen = [tuple(pair) for pair in np.stack([whole.column("position"), whole.column("index")], axis=1).tolist()]
    assert [grown.path(*pair) for pair in seen] == [whole.path(*pair) for pair in seen]
    assert grown.column("offset").tolist() == whole.column("offset").tolist()


def test_a_missing_or_doubled_response_and_a_damaged_line_are_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    every = [response(position, index) for index in range(2) for position in range(8)]
    cells = [(shell, (0, 2)) for shell in SHELLS]
    source = Source(POOL, TEACHER, QUESTIONS, "k", path, cells, {})

    def place(rows):
        path.write_bytes(b"".join(encode(row) for row in rows))
        index = JournalIndex(path, QUESTIONS)
        index.read()
        return with_rows(source, index, "sampled", np.full(8, 2))

    assert [len(held.offsets) for held in place(every).rows.values()] == [8, 8]
    with pytest.raises(StageError, match="response to question 'q3', index 1 is missing"):
        place([row for row in every if (row.question_id, row.index) != ("q3", 1)])
    with pytest.raises(StageError, match="response to question 'q0', index 0 is there twice"):
        place([*every, every[0]])
    path.write_bytes(encode(every[0]) + b'{"question_id": "q1"}\n')
    with pytest.raises(JournalError, match=r"rows\.jsonl: line 2 is no response: 'index'"):
        JournalIndex(path, QUESTIONS).read()


@pytest.mark.parametrize("counting", COUNTINGS)
def test_a_source_is_looked_up_as_it_was_drawn(tmp_path, monkeypatch, counting):
    context, path = job(tmp_path, **COUNTINGS[counting]), tmp_path / "journal.jsonl"
    source = source_of(context, path)
    bare = dataclasses.replace(source, digests=dict.fromkeys(source.parts, "planned"), rows={})
    monkeypatch.setattr("toolkit.pipeline.stages.responses._source", lambda *_: bare)
    assert find_source(context, POOL, TEACHER).digests == source.digests
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert find_source(context, POOL, TEACHER) == bare
    assert not (context.workspace.root / "responses").exists()


def test_what_a_source_lacks_is_planned_and_nothing_is_asked_or_written(tmp_path, monkeypatch):
    context, path = job(tmp_path, **COUNTINGS["sampled"]), tmp_path / "journal.jsonl"
    source = source_of(context, path)
    assert plan_responses(context, source).text.endswith(": none to sample")
    kept = path.read_bytes().splitlines(keepends=True)[:-5]
    path.write_bytes(b"".join(kept))
    before = sorted(tmp_path.rglob("*"))
    planned = plan_responses(context, dataclasses.replace(source, rows={}))
    assert "to sample: 5 requests" in planned.text and planned.ahead[0].units == 5
    assert path.read_bytes() == b"".join(kept) and sorted(tmp_path.rglob("*")) == before
