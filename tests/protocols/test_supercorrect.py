"""SuperCorrect's stage 1: the trace of calls, how long an inspector is heard, and what a broken template comes to."""

import pytest

from tests.protocols.scripted import respond
from toolkit.prompt import contents
from toolkit.protocols import load_protocol, reading, supercorrect, templates
from toolkit.protocols.options import OptionError
from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge

BLOCKS = "<step1>\n1 + 1 = {0}\n</step1>\n<generalised>\nAdd.\n</generalised>\n<answer>\n\\boxed{{{0}}}\n</answer>"
BAD, GOOD = BLOCKS.format(3), BLOCKS.format(2)
BROKEN = GOOD.replace("</step1>", "")
REASONS = [
    *(reading.CUT, templates.UNBALANCED, templates.ORDER, templates.EMPTY),
    *(templates.INSIDE, templates.NO_ANSWER, templates.ELSEWHERE),
]
SOLUTION, CRITIQUE, FINE = "so \\boxed{2}", "Step 1 is wrong.", "All follows.\nNothing to change."


def loaded(**options):
    return load_protocol("supercorrect", "Solve: {{ question }}", options)


def test_an_inspector_that_is_satisfied_ends_it(tmp_path):
    made = respond(tmp_path / "rows", loaded(), [SOLUTION, GOOD, FINE])
    assert [(row.step, row.parents) for row in made.rows if row.is_completion] == [
        ("solve", ()),
        ("template", ("solve:0",)),
        ("inspect", ("solve:0", "template:0")),
    ]
    assert (made.response.text, made.response.parents, made.response.finish_reason) == (GOOD, ("template:0",), "stop")


def test_a_revision_reads_question_solution_template_and_critique(tmp_path):
    made = respond(tmp_path / "rows", loaded(), [SOLUTION, BAD, CRITIQUE, GOOD, FINE])
    assert made.steps == ["solve", "template", "inspect", "revise", "inspect"] and made.response.text == GOOD
    solve, template, inspect, revise, again = map(contents, made.read)
    assert solve == "Solve: 1 + 1?"
    assert all("1 + 1?" in text and SOLUTION in text for text in (template, inspect, revise, again))
    assert BAD in inspect and BAD in revise and CRITIQUE in revise and GOOD in again and BAD not in again
    assert f"\n{supercorrect.SATISFIED}\n" in f"{inspect}\n"
    assert [row.parents for row in made.rows if row.step == "revise"] == [("solve:0", "template:0", "inspect:0")]


@pytest.mark.parametrize("revisions", [1, 3, 5])
def test_an_inspector_that_is_never_satisfied_is_bounded(tmp_path, revisions):
    texts = [SOLUTION, BAD, *[CRITIQUE, BAD] * (revisions - 1), CRITIQUE, GOOD]
    made = respond(tmp_path / "rows", loaded(revisions=revisions), texts)
    assert made.steps == ["solve", "template", *["inspect", "revise"] * revisions]
    assert made.response.text == GOOD and loaded(revisions=revisions).most_steps == len(made.steps)


def test_a_broken_template_is_revised_for_its_reason_without_the_inspector(tmp_path):
    made = respond(tmp_path / "rows", loaded(), [SOLUTION, BROKEN, GOOD, FINE])
    assert made.steps == ["solve", "template", "revise", "inspect"] and made.response.text == GOOD
    assert f"{templates.UNBALANCED}." in contents(made.read[2])


def test_the_last_good_template_is_handed_over_where_revisions_break_it(tmp_path):
    made = respond(tmp_path / "rows", loaded(), [SOLUTION, GOOD, CRITIQUE, BROKEN])
    assert made.steps == ["solve", "template", "inspect", *["revise"] * 3]
    assert (made.response.text, made.response.parents) == (GOOD, ("template:0",))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (BROKEN, templates.UNBALANCED),
        (SOLUTION, templates.UNBALANCED),
        (GOOD.replace("= 2", "= \\boxed{2}"), templates.ELSEWHERE),
        ("", templates.ORDER),
    ],
)
def test_where_none_can_be_read_the_response_has_the_reason_and_no_answer(tmp_path, template, reason):
    made = respond(tmp_path / "rows", loaded(revisions=2), [SOLUTION, template])
    assert made.steps == ["solve", "template", "revise", "revise"]
    assert made.response.text == f"No template: {reason}" and made.response.parents == ("revise:1",)


@pytest.mark.parametrize("kind", ["mathematics", "numeric", "choice"])
def test_the_judge_finds_the_answer_of_a_template_and_none_in_a_reason(kind):
    gold = "B" if kind == "choice" else "2"
    texts = [GOOD.replace("boxed{2}", f"boxed{{{gold}}}"), *(f"No template: {reason}" for reason in REASONS)]
    with Judge(Verification(answer_kind=kind, check_steps=kind == "mathematics")) as judge:
        first, *others = judge.judge((gold, text, "stop") for text in texts)
    assert first.verdict == "accepted" and not first.wrong_step
    assert {other.verdict for other in others} == {"unparsable"}


@pytest.mark.parametrize("revisions", [0, 32, True, "three"])
def test_revisions_have_a_range(revisions):
    with pytest.raises(OptionError, match=r"^revisions: input should be"):
        loaded(revisions=revisions)
