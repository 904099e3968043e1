import random
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from toolkit.corpora.budgets import increments, shells
from toolkit.corpora.build import ROW_GROUP, SCHEMA, build_corpus, write_rows
from toolkit.verification.verdicts import VERDICTS

SIZES, BUDGETS = (4, 8), (1, 2, 4)


def questions(count=8):
    return [{"question_id": f"id{9 - i}", "question": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(count)]


def responses(budget=4, count=8):
    return [
        {"question_id": f"id{9 - i}", "index": index, "text": f"{i} + 1 = \\boxed{{{i + 1}}} #{index}",
         "finish_reason": "stop", "completion_tokens": 7 + index, "seed": 100 * index + i}
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


def test_every_row_lands_once_in_its_file_in_order(tmp_path):
    files = build(tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in files[:3]] == [
        "data/accepted/q1/i000-001.parquet",
        "data/accepted/q2/i000-001.parquet",
        "data/accepted/q1/i001-002.parquet",
    ]
    order = {question["question_id"]: position for position, question in enumerate(questions())}
    seen = []
    for file in files:
        table = pq.read_table(file)
        assert table.schema == SCHEMA
        rows = [(row["response_index"], order[row["question_id"]]) for row in table.to_pylist()]
        assert rows == sorted(rows)
        assert all((verdict == "accepted") == ("accepted" in file.parts) for verdict in table["verdict"].to_pylist())
        seen += rows
    assert sorted(seen) == [(index, position) for index in range(4) for position in range(8)]
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_row_holds_what_question_response_and_verdict_say(tmp_path):
    row = pq.read_table(build(tmp_path)[0]).to_pylist()[1]
    assert row == {
        "question_id": "id6", "question": "What is 3 + 1?", "answer": "4", "response_index": 0,
        "response": "3 + 1 = \\boxed{4} #0",
        "messages": [{"role": "user", "content": "What is 3 + 1?"},
                     {"role": "assistant", "content": "3 + 1 = \\boxed{4} #0"}],
        "verdict": "accepted", "extracted": "3", "finish_reason": "stop", "tokens": 7, "seed": 3,
        "teacher": "nano", "teacher_revision": "abc", "wrong_step": None,
    }  # fmt: skip


def test_the_order_of_the_input_does_not_matter(tmp_path):
    rows = responses()
    judged = verdicts(rows)
    straight = build(tmp_path / "a", rows, judged)
    mixed = build(
        tmp_path / "b", random.Random(1).sample(rows, len(rows)), random.Random(2).sample(judged, len(judged))
    )
    assert [file.read_bytes() for file in straight] == [file.read_bytes() for file in mixed]


def test_a_larger_budget_leaves_the_smaller_one_as_it_was(tmp_path):
    rows = responses()
    judged = verdicts(rows)
    small = build(tmp_path / "small", rows, judged, increments=increments((1, 2)))
    build(tmp_path / "large", rows, judged)
    for file in small:
        assert file.read_bytes() == (tmp_path / "large" / file.relative_to(tmp_path / "small")).read_bytes()


def test_files_have_page_indexes_and_small_row_groups(tmp_path):
    row = {name: [] if name == "messages" else 0 if name in ("response_index", "tokens", "seed") else "x"
           for name in SCHEMA.names} | {"wrong_step": None}  # fmt: skip
    write_rows(tmp_path / "rows.parquet", [[row] * ROW_GROUP, [row] * 3])
    metadata = pq.read_metadata(tmp_path / "rows.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [ROW_GROUP, 3]
    assert metadata.row_group(0).column(0).has_column_index and metadata.row_group(0).column(0).has_offset_index


def test_a_side_without_rows_is_an_empty_file(tmp_path):
    rows = responses()
    files = build(tmp_path, rows, [verdict | {"verdict": "rejected"} for verdict in verdicts(rows)])
    assert [pq.read_metadata(file).num_rows for file in files] == [0] * 6 + [4, 4, 4, 4, 8, 8]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows, judged: rows.pop(5), "question 'id4', index 0: no response"),
        (lambda rows, judged: judged.pop(-1), "question 'id2', index 3: no verdict"),
        (lambda rows, judged: rows.append(rows[3]), "question 'id6', index 0: this response is given twice"),
        (lambda rows, judged: judged.append(judged[3]), "question 'id6', index 0: this verdict is given twice"),
        (lambda rows, judged: rows.append(rows[0] | {"question_id": "other"}), "'other', index 0: .* not in the pool"),
        (lambda rows, judged: judged.append(judged[0] | {"verdict": "fine"}), "verdict 'fine' is unknown; use one of"),
    ],
)
def test_rows_that_do_not_fit_together_are_named(tmp_path, spoil, message):
    rows = responses()
    judged = verdicts(rows)
    spoil(rows, judged)
    with pytest.raises(ValueError, match=message):
        build(tmp_path, rows, judged)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_teacher_is_a_name_and_the_pool_holds_the_shells(tmp_path):
    with pytest.raises(ValueError, match=r"teacher: .* is a path of this machine"):
        build_corpus(tmp_path, questions(), [], [], shells(SIZES), increments(BUDGETS), "/models/x", "abc")
    with pytest.raises(ValueError, match="q4: ends at question 16, the pool holds 8"):
        build(tmp_path, shells=shells((4, 16)))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_responses():
    benchmark = Path(__file__).resolve().parents[2] / "benchmarks" / "corpus_build.py"

    def peak(questions):
        command = [sys.executable, str(benchmark), "--measure", "toolkit", str(questions)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1])

    # 256,000 and 1,024,000 responses; what grows is the list of questions
    assert peak(32_000) < 1.25 * peak(8_000)
