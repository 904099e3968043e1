import random
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus import build_corpus
from toolkit.corpora.budgets import Shell, increments, shells
from toolkit.corpora.build import ROW_GROUP, SCHEMA, build_cell, open_rows
from toolkit.verification.verdicts import VERDICTS

SIZES, BUDGETS = (4, 8), (1, 2, 4)


def questions(count=8):
    return [{"question_id": f"id{9 - i}", "question": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(count)]


def responses(budget=4, count=8):
    return [
        {"question_id": f"id{9 - i}", "index": index, "text": f"{i} + 1 = \\boxed{{{i + 1}}} #{index}",
         "finish_reason": "stop", "completion_tokens": 7 + index, "seed": 100 * index + i,
         "model": "nano@abc"}
        for index in range(budget) for i in range(count)
    ]  # fmt: skip


def verdicts(rows):
    return [
        {"question_id": row["question_id"], "index": row["index"], "verdict": VERDICTS[-1 - number % 3],
         "extracted": None if number % 3 == 2 else str(number), "wrong_step": (None, True, False)[number % 3]}
        for number, row in enumerate(rows)
    ]  # fmt: skip


def build(out, rows=None, judged=None, **changes):
    rows = responses() if rows is None else rows
    judged = verdicts(rows) if judged is None else judged
    given = {"shells": shells(SIZES), "increments": increments(BUDGETS)} | changes
    return build_corpus(out, questions(), rows, judged, teacher="nano", teacher_revision="abc", **given)


def joined(count=3):
    return [
        {"position": i, **question, "index": 0, "text": "x", "finish_reason": "stop",
         "prompt_tokens": 9, "completion_tokens": 1, "seed": 0,
         "verdict": "accepted", "extracted": "1", "wrong_step": None, "repeat": False}
        for i, question in enumerate(questions(count))
    ]  # fmt: skip


def test_a_corpus_is_files_by_shell_and_increment_and_nothing_else(tmp_path):
    files = build(tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in files[:3]] == [
        "data/accepted/q1/i000-001.parquet",
        "data/accepted/q2/i000-001.parquet",
        "data/accepted/q1/i001-002.parquet",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_every_row_is_in_one_file_in_order(tmp_path):
    order = {question["question_id"]: position for position, question in enumerate(questions())}
    corpus = []
    for file in build(tmp_path):
        rows = [(row["response_index"], order[row["question_id"]]) for row in pq.read_table(file).to_pylist()]
        assert rows == sorted(rows)
        corpus += rows
    assert sorted(corpus) == [(index, position) for index in range(4) for position in range(8)]


def test_every_file_has_the_agreed_columns_and_rows_of_one_side(tmp_path):
    for file in build(tmp_path):
        table = pq.read_table(file)
        assert table.schema == SCHEMA
        assert all((verdict == "accepted") == ("accepted" in file.parts) for verdict in table["verdict"].to_pylist())


def test_a_row_holds_what_question_response_and_verdict_say(tmp_path):
    row = pq.read_table(build(tmp_path)[0]).to_pylist()[1]
    assert row == {
        "question_id": "id6", "question": "What is 3 + 1?", "answer": "4", "response_index": 0,
        "response": "3 + 1 = \\boxed{4} #0",
        "messages": [{"role": "user", "content": "What is 3 + 1?"},
                     {"role": "assistant", "content": "3 + 1 = \\boxed{4} #0"}],
        "verdict": "accepted", "extracted": "3", "finish_reason": "stop", "error": "", "prompt_tokens": 9,
        "tokens": 7, "seed": 3, "teacher": "nano", "teacher_revision": "abc", "model": "nano@abc", "wrong_step": None,
    }  # fmt: skip


def test_the_order_of_the_input_does_not_matter(tmp_path):
    rows = responses()
    judged = verdicts(rows)
    straight = build(tmp_path / "a", rows, judged)
    mixed = build(
        tmp_path / "b", random.Random(1).sample(rows, len(rows)), random.Random(2).sample(judged, len(judged))
    )
    assert [file.read_bytes() for file in straight] == [file.read_bytes() for file in mixed]


@pytest.mark.parametrize("counting", ["sampled", "accepted"])
def test_a_larger_budget_leaves_the_smaller_one_as_it_was(tmp_path, counting):
    rows = responses()
    judged = verdicts(rows)
    small = build(tmp_path / "small", rows, judged, increments=increments((1, 2)), counting=counting)
    build(tmp_path / "large", rows, judged, counting=counting)
    for file in small:
        assert file.read_bytes() == (tmp_path / "large" / file.relative_to(tmp_path / "small")).read_bytes()


def test_where_distinct_texts_are_counted_a_repeat_lies_among_the_rejected_in_the_step_it_was_drawn_for(tmp_path):
    texts = ["no", "one", "one ", "two", "one", "three"]
    rows = [row | {"text": texts[row["index"]]} for row in responses(6, 1)]
    judged = [row | {"verdict": "rejected" if row["index"] == 0 else "accepted"} for row in verdicts(rows)]
    files = build(tmp_path, rows, judged, shells=[Shell("q1", 0, 1)], counting="accepted")
    by_file = {
        file.relative_to(tmp_path / "data").as_posix(): list(
            zip(*(pq.read_table(file)[name].to_pylist() for name in ("response_index", "verdict")), strict=True)
        )
        for file in files
    }
    assert by_file == {
        "accepted/q1/i000-001.parquet": [(1, "accepted")],
        "accepted/q1/i001-002.parquet": [(3, "accepted")],
        "accepted/q1/i002-004.parquet": [(5, "accepted")],
        "rejected/q1/i000-001.parquet": [(0, "rejected")],
        "rejected/q1/i001-002.parquet": [(2, "accepted")],
        "rejected/q1/i002-004.parquet": [(4, "accepted")],
    }


@given(st.integers(0, 3))
def test_files_have_page_indexes_and_small_row_groups(tmp_path_factory, more):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    with open_rows(path, pa.schema([("number", pa.int32())])) as rows:
        for number in range(ROW_GROUP + more):
            rows.add({"number": number})
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [ROW_GROUP, more][
        : 1 + (more > 0)
    ]
    assert metadata.row_group(0).column(0).has_column_index and metadata.row_group(0).column(0).has_offset_index
    assert pq.read_table(path)["number"].to_pylist() == list(range(ROW_GROUP + more))


def test_a_side_without_rows_is_an_empty_file(tmp_path):
    rows = responses()
    files = build(tmp_path, rows, [verdict | {"verdict": "rejected"} for verdict in verdicts(rows)])
    assert [pq.read_metadata(file).num_rows for file in files] == [0] * 6 + [4, 4, 4, 4, 8, 8]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.append(rows[2]), "question 'id7', index 0: given twice or out of order"),
        (lambda rows: rows.reverse(), "question 'id8', index 0: given twice or out of order"),
        (lambda rows: rows[1].update(verdict="fine"), "'id8', index 0: verdict 'fine' is unknown; use one of failed"),
    ],
)
def test_rows_that_do_not_fit_together_are_named(tmp_path, spoil, message):
    rows = joined()
    spoil(rows)
    with pytest.raises(ValueError, match=message):
        build_cell(tmp_path, rows, Shell("q1", 0, 3), (0, 1), "nano", "abc")
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_teacher_is_a_name(tmp_path):
    with pytest.raises(ValueError, match=r"teacher: .* is a path of this machine"):
        build_cell(tmp_path, joined(), Shell("q1", 0, 3), (0, 1), "/models/x", "abc")
    assert not list(tmp_path.iterdir())


def test_rows_are_not_held_in_memory(tmp_path):
    (row,) = joined(1)
    many = (row | {"index": index, "text": f"{index} {'x' * 1000}"} for index in range(5 * ROW_GROUP))
    tracemalloc.start()
    build_cell(tmp_path, many, Shell("q1", 0, 1), (0, 5 * ROW_GROUP), "nano", "abc")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * ROW_GROUP * 2000  # of 50,000 rows of 2,000 bytes, with their messages, one group at a time
