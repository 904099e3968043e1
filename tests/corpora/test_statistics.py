import dataclasses

from tests.corpus import build_corpus
from toolkit.corpora.budgets import cell_files, increments, shells
from toolkit.corpora.statistics import cell_statistics

ROWS = [  # question, index, text, tokens, verdict, wrong step
    ("a", 0, "2 + 2 = 4", 10, "accepted", False),
    ("b", 0, "six", 20, "rejected", None),
    ("c", 0, "", 0, "failed", None),
    ("a", 1, "2 +  2 = 4\n", 30, "accepted", True),
    ("b", 1, "2 + 2 = 4", 40, "accepted", None),
    ("c", 1, "7", 50, "accepted", False),
    ("a", 2, "1 + 3 = 4", 60, "accepted", False),
    ("b", 2, "cut", 70, "truncated", None),
    ("c", 2, "?", 80, "unparsable", None),
]


def corpus(out, rows=ROWS, counting="sampled"):
    questions = [{"question_id": name, "question": name, "answer": "4"} for name in "abc"]
    answers = [
        {"question_id": q, "index": i, "text": t, "finish_reason": "stop", "completion_tokens": n, "seed": 0}
        for q, i, t, n, _, _ in rows
    ]
    judged = [
        {"question_id": q, "index": i, "verdict": v, "extracted": None, "wrong_step": w} for q, i, _, _, v, w in rows
    ]
    build_corpus(out, questions, answers, judged, shells((2, 3)), increments((1, 2, 3)), "nano", "1", counting)
    return out


def count(folder, files):
    return cell_statistics(*([folder / "data" / side / file for file in files] for side in ("accepted", "rejected")))


def test_every_count_of_every_cell(tmp_path):
    folder = corpus(tmp_path)
    assert dataclasses.asdict(count(folder, cell_files(2, 1, (2, 3), (1, 2, 3)))) == {
        "questions": 2, "sampled": 2, "failed": 0, "truncated": 0, "unparsable": 0, "rejected": 1, "leaked": 0,
        "accepted": 1,
        "accepted_share": 0.5, "distinct": 1, "covered": 1, "tokens": 30, "accepted_tokens": 10,
        "false_positive_rate": 0.0,
    }  # fmt: skip
    assert dataclasses.asdict(count(folder, cell_files(3, 3, (2, 3), (1, 2, 3)))) == {
        "questions": 3, "sampled": 9, "failed": 1, "truncated": 1, "unparsable": 1, "rejected": 1, "leaked": 0,
        "accepted": 5,
        "accepted_share": 5 / 9, "distinct": 4, "covered": 3, "tokens": 360, "accepted_tokens": 190,
        "false_positive_rate": 1 / 4,
    }  # fmt: skip


def test_no_checked_step_gives_no_rate_and_nothing_accepted_gives_zeros(tmp_path):
    rows = [(q, i, t, n, "rejected", None) for q, i, t, n, _, _ in ROWS]
    statistics = count(corpus(tmp_path, rows), cell_files(2, 2, (2, 3), (1, 2, 3)))
    assert statistics.false_positive_rate is None
    assert (
        statistics.questions,
        statistics.sampled,
        statistics.accepted,
        statistics.accepted_share,
        statistics.distinct,
    ) == (2, 4, 0, 0.0, 0)


def test_a_repeat_counts_as_accepted_but_neither_as_distinct_nor_as_something_to_learn_from(tmp_path):
    # Of question a, index 1 repeats index 0 and is drawn for the second distinct one, as index 2 is.
    cells = [cell_files(2, budget, (2, 3), (1, 2, 3)) for budget in (1, 2)]
    one, two = [count(corpus(tmp_path, counting="accepted"), files) for files in cells]
    assert (one.sampled, one.accepted, one.distinct, one.covered) == (3, 2, 2, 2)
    assert (one.tokens, one.accepted_tokens, one.false_positive_rate) == (10 + 20 + 40, 10 + 40, 0.0)
    assert (two.sampled, two.accepted, two.distinct, two.truncated) == (6, 4, 3, 1)
    assert (two.tokens, two.accepted_tokens) == (10 + 20 + 40 + 30 + 60 + 70, 10 + 40 + 60)
    assert two.accepted_share == 4 / 6 and two.false_positive_rate == 1 / 3
