"""Evol-Instruct: the trace of calls, the six operations, the rules of elimination, and which question goes on."""

from collections import Counter

import pytest

from tests.protocols.scripted import call, seeds_of
from toolkit.protocols import evol_instruct, load_question_protocol
from toolkit.protocols.contract import MadeQuestion, Question, Seeds

SEEDS = seeds_of("What is 1 + 1?", "What is 2 + 2?")
EVOLVED = "<question>What is √(1 + 3)?</question>"
OTHER = "The numbers differ.\nVerdict: different"


def loaded(**options):
    return load_question_protocol("evol_instruct", "Solve: {{ question }}", options)


def only(path, texts, seeds=SEEDS, **options):
    made = call(path, loaded(**options), seeds, texts)
    (question,) = made.questions
    return question, made


def test_an_evolution_is_judged_and_answered_once(tmp_path):
    question, made = only(tmp_path / "rows", [EVOLVED, OTHER, "\\boxed{2}"])
    assert question[:3] == ("What is √(1 + 3)?", ("s0",), "") and question.note in evol_instruct.OPERATIONS
    assert made.steps == [("evolve", ()), ("judge", ("evolve:0",)), ("attempt", ("evolve:0",))]
    evolve, judge, attempt = made.read
    assert "What is 1 + 1?" in evolve and "between <question> and </question>" in evolve
    assert "What is 1 + 1?" in judge and "What is √(1 + 3)?" in judge and "Verdict: equal\nor\nVerdict: " in judge
    assert attempt == "Solve: What is √(1 + 3)?"


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([EVOLVED, "Same.\nVerdict: equal"], "equal"),
        ([EVOLVED, "I like both."], "unjudged"),
        ([EVOLVED, "Verdict: equal\nThough I am not sure."], "unjudged"),
        ([EVOLVED, OTHER, "Sorry, I cannot say."], "refused"),
        ([EVOLVED, OTHER, "the , of !"], "empty answer"),
        (["<question>#Rewritten Prompt#: what is 2?</question>"], "leaked prompt"),
        (["<question>Solve the given question.</question>"], "leaked prompt"),
        (["What is 2?"], "unreadable"),
        (["<question>What is 2?"], "unreadable"),
        (["</question>"], "unreadable"),
    ],
)
def test_an_eliminated_evolution_asks_no_more_and_has_its_reason(tmp_path, texts, reason):
    question, made = only(tmp_path / "rows", texts)
    assert question.dropped == reason and len(made.read) == len(texts) and question.parents == ("s0",)


def test_without_the_attempt_two_rules_are_left_out(tmp_path):
    question, _made = only(tmp_path / "rows", [EVOLVED, OTHER], attempt=False)
    assert not question.dropped and "attempt" not in loaded(attempt=False).steps


def test_the_rules_of_the_paper():
    apology = "sorry " + "word " * 78
    assert evol_instruct.no_answer(apology) == "refused" and not evol_instruct.no_answer(apology + "word")
    assert not evol_instruct.no_answer("word " * 79)
    assert evol_instruct.no_answer("the , of !") == evol_instruct.no_answer("") == "empty answer"
    assert not any(map(evol_instruct.no_answer, ("A", "no", "∞", "-1", "the 3", "x")))
    assert evol_instruct.leak("#Rewritten Prompt#: ...") and not evol_instruct.leak("What is given: 3 questions?")
    assert evol_instruct.judged("Verdict: equal.\n") == "equal" and evol_instruct.judged("") == "unjudged"
    assert evol_instruct.judged("Verdict: different") == ""


def test_the_operations_are_drawn_evenly():
    drawn = Counter(evol_instruct.operation_of(0, f"q{draw % 100}", draw) for draw in range(6_000))
    assert len(drawn) == 6 and all(abs(count - 1_000) <= 87 for count in drawn.values())


def test_each_operation_has_a_prompt_of_its_own_and_breadth_no_limit_of_words():
    write = loaded().steps["evolve"]
    texts = {name: write(question="Q?", operation=name)[0]["content"] for name in evol_instruct.OPERATIONS}
    assert len(set(texts.values())) == 6
    assert [name for name, text in texts.items() if "10 to 20 words" not in text] == ["breadth"]


def test_the_last_kept_evolution_goes_on_and_a_seed_without_one_as_it_was(tmp_path):
    once = MadeQuestion("new-1", "What is 3 + 3?", ("s0",), 0)
    seeds = Seeds(SEEDS.given, [once, MadeQuestion("new-2", "What is 4 + 4?", ("new-1",), 1)])
    assert evol_instruct.evolved_so_far(seeds, 0).question_id == "new-2"
    assert evol_instruct.evolved_so_far(seeds, 1) == Question("s1", "What is 2 + 2?")
    question, made = only(tmp_path / "rows", [EVOLVED, OTHER, "2"], seeds)
    assert question.parents == ("new-2",) and "What is 4 + 4?" in made.read[0]
    assert loaded().calls_per_round is None  # each of them once a round
