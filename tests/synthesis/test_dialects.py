"""The real client against every server's own words, up to a written journal."""

import pytest

from tests.fakes.dialects import ANSWER, CONTEXT, MODEL, SERVERS, THOUGHT, speaking
from tests.synthesis.echo import fill, rung
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.synthesis.journal import read_journal
from toolkit.synthesis.spending import Prices
from toolkit.teachers.backends.endpoint import EndpointTeacher

PLAIN, THINKING, ENDLESS, CUT = "two plus two", "think two plus two", "an endless sum", "think an endless sum"
LONG = "word " * (CONTEXT + 1)
QUESTIONS = [PLAIN, THINKING, ENDLESS, CUT, LONG]
PRICES = Prices(prompt=1e6, completion=1e6, max_tokens=12)


def sampled(path, server, reasoning):
    teacher = EndpointTeacher(
        Teacher(teacher=MODEL, teacher_revision="main"),
        Serving(urls=(server.url,), concurrency=2, timeout=5),
        Sampling(max_tokens=12, reasoning=reasoning),
    )
    tally, _ = fill(path, rung(QUESTIONS, 0, 2), teacher, prices=PRICES)
    return tally, {(row.question_id, row.index): row for row in read_journal(path)}


@pytest.mark.parametrize("reasoning", ["drop", "keep"])
@pytest.mark.parametrize("name", SERVERS)
def test_every_server_fills_a_journal(tmp_path, name, reasoning):
    with speaking(name, overloads=3) as server:
        tally, rows = sampled(tmp_path / "rows", server, reasoning)
    kept = reasoning == "keep"
    ends = {question: rows[question, 0] for question in QUESTIONS}
    assert (ends[PLAIN].text, ends[PLAIN].finish_reason) == (ANSWER, "stop")
    assert ends[THINKING].text == (f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}" if kept else ANSWER)
    assert ends[ENDLESS].finish_reason == ends[CUT].finish_reason == "length"
    assert bool(ends[CUT].text) == kept and ends[CUT].completion_tokens == 12
    assert ends[LONG].finish_reason == "error" and ends[LONG].error.startswith(("400: ", "422: "))
    assert tally.reasoned == 4 and tally.errors.total() == 2 and len(rows) == 10
    # Everything that the server told of is booked, in the tally and in the rows, and nothing else.
    assert [tally.prompt_tokens, tally.completion_tokens] == server.tokens
    assert sum(row.completion_tokens for row in rows.values()) == server.tokens[1]
    assert tally.cost == pytest.approx(sum(server.tokens))
    assert {row.model for row in rows.values()} == {f"{MODEL}@main"}
    assert all(body["model"] in (MODEL, "tgi") and "n" not in body for body in server.asked)
