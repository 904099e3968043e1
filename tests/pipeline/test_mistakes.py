"""From a student's mistakes on seed questions to pairs: which step, whose correction, and what is counted."""

import contextlib
from collections import Counter
from functools import partial

import pytest

from tests.protocols.scripted import Scripted
from toolkit.pipeline.mistakes import BY_STUDENT, TABLE, Asked, Limit, described, mistake_pairs
from toolkit.prompt import contents
from toolkit.students.pairs import Pair, read_pairs, write_pairs
from toolkit.students.rows import StudentError
from toolkit.synthesis.sampler import sample
from toolkit.verification.verdicts import Judgement

TAIL = "<generalised>\nadd\n</generalised>\n<answer>\n\\boxed{%s}\n</answer>"
TAUGHT = {"locate": 1, "correct": 2}
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


class Killed(Exception):
    pass


def mortal(script, lives, read):
    """A model that answers so often and then dies; `read` counts what it has answered."""

    def answer(messages, number):
        if number > lives:
            raise Killed
        read[script.__name__, contents(messages)] += 1
        return script(messages, number)

    return answer


def make(folder, teacher=teacher, student=student, seeds=SEEDS, **options):
    models = Scripted(student), Scripted(teacher)
    asked = (partial(sample, teacher=model, sampling_seed=0, report=lambda tally: None) for model in models)
    return mistake_pairs(Asked(*asked, folder), seeds, Judge(), folder, **options), models


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
    assert {step: counts["samples"] for step, counts in ledger.items()} == {
        "attempt": 4, "locate": 1, "correct": 2, "self-correct": 2,
    }  # fmt: skip
    assert {step: counts["kept"] for step, counts in ledger.items()} == {
        "attempt": 2, "locate": 1, "correct": 2, "self-correct": 2,
    }  # fmt: skip
    own = [counts["samples"] for step, counts in ledger.items() if step in BY_STUDENT]
    assert (len(asked.read), len(taught.read)) == (sum(own), 3)
    assert all(counts["prompt_tokens"] > counts["samples"] for counts in ledger.values())


def test_a_run_that_goes_on_asks_nobody_again(tmp_path):
    facts, _ = make(tmp_path)
    again, models = make(tmp_path)
    assert again == facts and not any(model.read for model in models)


def test_no_pair_has_a_reason(tmp_path):
    facts, _ = make(tmp_path, seeds=SEEDS[2:3])
    assert described(facts) == "0 mistakes in 1 answers to seed questions, 0 pairs"
    (tmp_path / "alike").mkdir()
    facts, _ = make(tmp_path / "alike", teacher=parrot, seeds=SEEDS[:2])
    assert described(facts).endswith("0 pairs, 2 corrected wrongly by the teacher, or alike")


def test_a_pair_with_a_held_out_question_is_left_out(tmp_path):
    facts, _ = make(tmp_path, leaks=lambda text: "four legs" in text)
    assert facts["pairs"] == 1 and facts["dropped"]["with a held-out question"] == 1


@pytest.mark.parametrize(("most", "steps"), [(0, {}), (1, {"correct": 1}), (2, {"correct": 1}), (3, TAUGHT)])
def test_corrections_take_no_more_samples_than_the_arm_may(tmp_path, most, steps):
    facts, (_, taught) = make(tmp_path, limit=Limit(most, (1, 0, 0), 1))
    ledger = {step: counts["samples"] for step, counts in facts["ledger"].items() if step not in BY_STUDENT}
    assert ledger == steps and len(taught.read) == sum(steps.values()) <= most
    assert (
        facts["left"] == most - len(taught.read)
        and f"; {facts['left']} samples" in described(facts, "samples") + "; 0 samples"
    )
    beyond = 2 - steps.get("correct", 0)
    assert facts["dropped"].get("beyond what the arm may take", 0) == beyond == 2 - facts["pairs"]


def test_the_last_correction_may_go_beyond_with_its_tokens_alone(tmp_path):
    weights, took = (0, 1, 2), 0
    facts, _ = make(tmp_path, limit=Limit(10_000, weights, 40))
    all_of = {step: counts for step, counts in facts["ledger"].items() if step not in BY_STUDENT}
    took = sum(counts["prompt_tokens"] + 2 * counts["tokens"] for counts in all_of.values())
    (tmp_path / "one").mkdir()
    facts, _ = make(tmp_path / "one", limit=Limit(1, weights, 40))
    assert facts["ledger"]["correct"]["samples"] == 1 and "locate" not in facts["ledger"]
    (tmp_path / "all").mkdir()
    facts, _ = make(tmp_path / "all", limit=Limit(took, weights, 40))
    assert facts["ledger"]["correct"]["samples"] == 2


def test_a_larger_limit_goes_on_with_the_same_journals_and_a_smaller_one_counts_its_own(tmp_path):
    limits = [Limit(most, (1, 0, 0), 1) for most in (1, 3, 1)]
    (small, _), (large, (asked, taught)), (again, models) = (make(tmp_path, limit=limit) for limit in limits)
    assert (len(asked.read), len(taught.read)) == (1, 2) and large["pairs"] == 2
    assert again == small and not any(model.read for model in models)


def test_killed_after_every_completion_nothing_is_asked_twice(tmp_path):
    (tmp_path / "whole").mkdir()
    whole, _ = make(tmp_path / "whole")
    read, facts = Counter(), None
    for _ in range(10):
        with contextlib.suppress(Killed):
            facts, _ = make(tmp_path, student=mortal(student, 1, read), teacher=mortal(teacher, 1, read))
    assert facts == whole and set(read.values()) == {1}
    assert read.total() == sum(counts["samples"] for counts in whole["ledger"].values())


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
