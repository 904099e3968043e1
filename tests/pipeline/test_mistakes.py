"""From a student's mistakes on seed questions to pairs: which step, whose correction, and what is counted."""

import pytest

from tests.protocols.scripted import Scripted
from toolkit.pipeline.context import StageError
from toolkit.pipeline.mistakes import TABLE, Asked, mistake_pairs
from toolkit.prompt import contents
from toolkit.students.pairs import Pair, read_pairs, write_pairs
from toolkit.students.rows import StudentError
from toolkit.verification.verdicts import Judgement

TAIL = "<generalised>\nadd\n</generalised>\n<answer>\n\\boxed{%s}\n</answer>"
SEEDS = [
    {"question_id": "sum", "question": "What is 2 (3 + 4) + 1?", "answer": "15"},
    {"question_id": "words", "question": "How many legs have two cats?", "answer": "8"},
    {"question_id": "right", "question": "What is 1 + 1?", "answer": "2"},
    {"question_id": "broken", "question": "What is 1 + 2?", "answer": "3"},
]


def template(steps, answer):
    return "\n".join([f"<step{n}>\n{step}\n</step{n}>" for n, step in enumerate(steps, 1)] + [TAIL % answer])


ANSWERS = {
    "2 (3 + 4)": template(["3 + 4 = 7", "2 * 7 = 14", "14 + 1 = 16"], 16),
    "cats": template(["A cat has three legs.", "Two cats have six."], 6),
    "1 + 1": template(["1 + 1 = 2"], 2),
    "1 + 2": "\\boxed{4}",
}


class Judge:
    def judge(self, rows):
        for gold, text, _ in rows:
            verdict = "accepted" if f"boxed{{{gold}}}" in text else "rejected"
            yield Judgement(verdict, "", None)


def student(messages, number):
    text = contents(messages)
    if "<cause>" in text:
        return "<cause>I see none.</cause>\n14 + 1 = 16" if "14 + 1" in text else "<cause>None.</cause>\nA cat has 3."
    return next(answer for part, answer in ANSWERS.items() if part in text)


def teacher(messages, number):
    text = contents(messages)
    if "first step that is wrong" in text:
        return "Step: 1"
    cause = "One was added twice." if "14 + 1" in text else "Cats have four legs."
    return f"<cause>{cause}</cause>\n" + ("14 + 1 = 15" if "14 + 1" in text else "A cat has four legs.")


def parrot(messages, number):
    """A teacher that corrects as the student does."""
    return student(messages, number) if "<cause>" in contents(messages) else "Step: 1"


def mute(messages, number):
    """A student that can correct no words."""
    return "?" if {"cat", "<cause>"} <= {*contents(messages).split()} else student(messages, number)


def make(folder, teacher=teacher, student=student, seeds=SEEDS):
    models = Scripted(student), Scripted(teacher)
    return mistake_pairs(Asked(*models, folder), seeds, Judge()), models


def test_the_first_wrong_step_is_paired_with_what_is_before_it(tmp_path):
    facts, _ = make(tmp_path)
    pairs = {pair.question_id: pair for pair in read_pairs(tmp_path / TABLE)}
    assert list(pairs) == ["sum", "words"]
    prompt = contents(pairs["sum"].prompt)
    assert prompt.endswith("<step2>\n2 * 7 = 14\n</step2>") and prompt.startswith(SEEDS[0]["question"])
    assert pairs["sum"].chosen.startswith("<step3>") and pairs["sum"].rejected.startswith("<step3>")
    assert "14 + 1 = 15" in pairs["sum"].chosen and "14 + 1 = 16" in pairs["sum"].rejected
    assert contents(pairs["words"].prompt) == SEEDS[1]["question"]  # the teacher found its first step
    assert (facts["questions"], facts["mistakes"], facts["pairs"]) == (4, 2, 2)
    assert facts["dropped"] == {"wrong and no template (unbalanced tags)": 1}


def test_the_student_is_counted_apart_from_the_teacher(tmp_path):
    facts, (asked, taught) = make(tmp_path)
    ledger = facts["ledger"]
    assert {name: usage.samples for name, usage in ledger["student"].items()} == {"answers": 4, "own-corrections": 2}
    assert {name: usage.samples for name, usage in ledger["teacher"].items()} == {"locations": 1, "corrections": 2}
    assert (len(asked.read), len(taught.read)) == (6, 3)
    assert all(usage.prompt_tokens > usage.samples for by in ledger.values() for usage in by.values())


def test_a_run_that_goes_on_asks_nobody_again(tmp_path):
    facts, _ = make(tmp_path)
    again, models = make(tmp_path)
    assert again == facts and not any(model.read for model in models)


def test_no_pair_is_an_error_that_says_why(tmp_path):
    with pytest.raises(StageError, match=r"no pair of .*: of 1 answers to seed questions no answer was wrong"):
        make(tmp_path, seeds=SEEDS[2:3])
    with pytest.raises(StageError, match="2 corrected wrongly by the teacher, or alike"):
        (tmp_path / "alike").mkdir()
        make(tmp_path / "alike", teacher=parrot, seeds=SEEDS[:2])


def test_an_unreadable_correction_is_named_by_who_wrote_it(tmp_path):
    facts, _ = make(tmp_path, student=mute)
    assert facts["pairs"] == 1 and facts["dropped"]["corrected unreadably by the student"] == 1


def test_a_table_without_pairs_is_refused(tmp_path):
    pair = Pair("q", [{"role": "user", "content": "x"}], "a", "b")
    write_pairs(tmp_path / "one.parquet", [pair])
    assert read_pairs(tmp_path / "one.parquet") == [pair]
    write_pairs(tmp_path / "none.parquet", [])
    with pytest.raises(StudentError, match=r"none\.parquet: holds no pair"):
        read_pairs(tmp_path / "none.parquet")
