"""Look at the data: the sample of a real release, by question and budget, as text."""

import dataclasses
import json
import re

import gradio as gr
import pandas as pd
import pytest

import corpus
import data
import selection
from data import FOLDER
from views import responses

START = [None] * len(selection.NAMES)
EVIL = "<script>alert(1)</script> $x$ [a](javascript:alert(2)) =1+1"


@pytest.fixture
def choice():
    return selection.settle(START)[0]


def test_the_sample_is_whole_and_small(choice, ladder):
    rows = corpus._sample(choice.experiment)
    every = list(range(int(ladder["budget"].max())))
    assert rows.groupby("question_id")["response_index"].apply(sorted).map(lambda found: found == every).all()
    assert rows["question_id"].nunique() == 24 and rows["question_id"].is_monotonic_increasing
    assert sum(path.stat().st_size for path in FOLDER.glob("math/data/responses-*")) < 100_000


def test_a_budget_contains_the_smaller_ones_and_rungs_add_up(choice):
    rows = corpus.responses(choice.experiment, next(iter(corpus.questions(choice.experiment, 256))))
    small, large = (corpus.draws(rows, rungs) for rungs in ([1, 2, 4], [1, 2, 4, 8]))
    assert small["response"].tolist() == large["response"].tolist()[:4]
    added = corpus.added(large)
    assert added["draws"].to_dict() == {1: 1, 2: 1, 4: 2, 8: 4}
    assert (added[["new", "copies", "other"]].sum(axis=1) == added["draws"]).all()


def test_what_the_page_counts_is_what_the_rows_hold(choice):
    rows = corpus._sample(choice.experiment)
    key = rows["question_id"].iloc[40]
    output, request, figure, _, accepted, rejected, *_ = responses.render(choice, "", key, "16")
    mine = rows[(rows["question_id"] == key) & (rows["response_index"] < 16)]
    right = mine[mine["verdict"] == "accepted"]
    assert f"Of 16 responses {len(right)} are accepted, {right['response'].nunique()} of them different" in output
    assert request == mine["question"].iloc[0] and len(accepted) == len(right) and len(accepted) + len(rejected) == 16
    assert sum(sum(trace.y) for trace in figure.data) == 16


def test_questions_are_found_by_any_part_of_their_text(choice, ladder):
    found = corpus.matching(corpus.questions(choice.experiment, 256), " COINS ")
    assert found and all("coins" in question.lower() for question in found.values())
    request, *_, question, rung = responses.render(choice, "coins", "not there", "7")[1:]
    assert request == found[question["value"]] and rung["value"] == f"{ladder['budget'].max():g}"
    with pytest.raises(ValueError, match=r"no question contains '\$x\$'"):
        responses.render(choice, "$x$", None, None)


def test_text_of_models_stays_text(choice, monkeypatch):
    rows = corpus._sample(choice.experiment).assign(question=EVIL, response=EVIL, answer=EVIL)
    monkeypatch.setattr(corpus, "_sample", lambda experiment: rows)
    output, request, _, counts, accepted, rejected, *_ = responses.render(choice, "", None, None)
    assert request == EVIL and {row[1] for row in accepted + rejected} == {EVIL}
    assert not any(mark in text for text in (output, counts) for mark in ("<script>", "$x$", "](javascript"))
    with gr.Blocks():
        outputs = responses.build(None).outputs
    assert [each.datatype for each in outputs if isinstance(each, gr.Dataframe)] == ["str", "str"]


def test_a_table_has_no_responses_and_says_so():
    with pytest.raises(ValueError, match="a table of results holds no responses"):
        corpus.questions(data.Experiment("x", "your data", pd.DataFrame()), 256)


def test_statistics_are_those_of_the_release(choice, ladder):
    output = corpus.statistics(choice.experiment, choice.pair)
    assert list(output) == [(choice.questions, budget) for budget in sorted(ladder["budget"].unique())]
    written = json.loads((FOLDER / "math" / "data" / "statistics.json").read_text())
    assert [*output.values()] == [*written["statistics"].values()] and re.fullmatch(
        r"v\d+\.\d+\.\d+", written["version"]
    )
    assert all(each["sampled"] == questions * budget for (questions, budget), each in output.items())
    assert all(each["covered"] <= each["distinct"] <= each["accepted"] <= each["sampled"] for each in output.values())


def test_another_teacher_s_responses_are_called_so(choice):
    other = choice._replace(experiment=dataclasses.replace(choice.experiment, manifest={"teacher": "*large*"}))
    assert responses.render(other, "", None, None)[0].startswith("**Responses of the teacher &#42;large&#42;**: those")
    assert "teacher" not in responses.render(choice, "", None, None)[0]
    assert corpus.statistics(other.experiment, other.pair) == {}
