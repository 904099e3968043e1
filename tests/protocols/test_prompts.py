"""Prompts beside a module: which file is whose, what fills them, and what is refused before anything is asked."""

import pytest

from tests.protocols.scripted import draft_of
from toolkit.doors import QUESTION_PROTOCOLS
from toolkit.prompt import user_turn
from toolkit.protocols import load_protocol, load_question_protocol
from toolkit.protocols.contract import Question, variables_of
from toolkit.protocols.prompts import PromptError, load_prompts

VARIABLES = {"question": 0, "attempt": 2}


def written(folder, text, variables=VARIABLES):
    (folder / "mine.review.jinja").write_text(text, encoding="utf-8")
    return load_prompts(str(folder / "mine.py"), {"review": variables})["review"]


def test_a_step_is_one_message_of_a_user_from_the_file_beside_the_module(tmp_path):
    review = written(tmp_path, "Question: {{ question }}\nAttempt: {{ attempt }}\n")
    assert review(question="1 + 1?", attempt="3") == user_turn("Question: 1 + 1?\nAttempt: 3")
    assert variables_of(review) == VARIABLES


def test_what_fills_a_prompt_is_data_and_never_a_template(tmp_path):
    review = written(tmp_path, "{{ question }}|{{ attempt }}")
    texts = {"question": "{{ attempt }}{% raw %}", "attempt": "{{ 7 * 7 }}"}
    assert review(**texts) == user_turn("{{ attempt }}{% raw %}|{{ 7 * 7 }}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ question }}", r"must use the names `attempt`, `question` and no other, not question"),
        ("{{ question }} {{ atempt }}", "not atempt, question"),
        ("{{ question }} {{ attempt }} {{ gold }}", "not attempt, gold, question"),
        ("{{ question ", "not a Jinja template"),
        ("{{ attempt * 9 }}{{ question }}", "not a Jinja template"),
    ],
)
def test_a_prompt_of_other_variables_is_refused_when_it_is_loaded(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"^mine\.review\.jinja: .*{message}"):
        written(tmp_path, text)


def test_a_prompt_that_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^mine\.refine\.jinja: does not exist; a protocol's prompts lie beside its"):
        load_prompts(str(tmp_path / "mine.py"), {"refine": VARIABLES})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"question": "q"}, "is filled with the names `attempt`, `question`, not with question"),
        ({"question": "q", "attempt": "a", "gold": "g"}, "not with attempt, gold, question"),
        ({"question": "q", "attempt": 3}, "attempt: must be a text, not 3"),
    ],
)
def test_other_values_than_its_texts_are_refused(tmp_path, texts, message):
    with pytest.raises(ValueError, match=message):
        written(tmp_path, "{{ question }}{{ attempt }}")(**texts)


def test_a_recipe_s_prompt_stands_for_the_file(tmp_path):
    prompts = load_prompts(str(tmp_path / "mine.py"), {"review": VARIABLES}, {"review": "{{ attempt }}?{{ question }}"})
    assert prompts["review"](question="q", attempt="a") == user_turn("a?q")
    assert variables_of(prompts["review"]) == VARIABLES


STEPS = {"self_refine": ["review"], "critique_guided": ["critique", "refine"], "persona": ["persona", "problem"]}


@pytest.mark.parametrize("name", STEPS)
def test_every_prompt_of_a_shipped_protocol_can_be_set(name):
    load = load_question_protocol if name in QUESTION_PROTOCOLS else load_protocol
    made = load(name, "{{ question }}")
    for step in STEPS[name]:
        text = "".join(f"{{{{ {variable} }}}}, " for variable in variables_of(made.steps[step]))
        other = load(name, "{{ question }}", prompts={step: text})
        texts = {variable: f"<{variable}>" for variable in variables_of(made.steps[step])}
        assert other.steps[step](**texts) == user_turn("".join(f"{value}, " for value in texts.values()))
        assert set(other.steps) == set(made.steps)


def test_a_student_reads_the_prompt_that_is_set():
    text = "{{ question }}|{{ attempt }}|{{ critique }}"
    protocol = load_protocol("critique_guided", "{{ question }}", prompts={"refine": text})
    assert draft_of(protocol, Question("q", "1 + 1?"), 0, ["3", "no", "2"]).prompt == user_turn("1 + 1?|3|no")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("self_refine", {"reveiw": "{{ question }}"}, "reveiw: there is no such step with .*; the protocol has review"),
        ("self_refine", {"draft": "{{ question }}"}, "draft: there is no such step"),  # the recipe's `prompt`
        ("rejection_sampling", {"answer": "{{ question }}"}, "answer: there is no such step .* the protocol has none"),
        ("orca", {"system": "{{ style }}"}, "system: there is no such step .* has none"),
        ("critique_guided", {"critique": "{{ question }}"}, "critique: must use the names `attempt`, `question` and"),
        ("critique_guided", {"refine": "{{ qestion }}"}, "refine: must use .*, not qestion"),
        ("critique_guided", {"critique": "{{ question"}, "critique: not a Jinja template"),
    ],
)
def test_a_prompt_for_another_step_or_of_other_variables_is_refused(name, given, message):
    with pytest.raises(PromptError, match=f"^{message}"):
        load_protocol(name, "{{ question }}", prompts=given)
