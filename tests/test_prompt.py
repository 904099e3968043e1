import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.prompt import prompt_writer


@given(st.text())
def test_a_question_is_text_and_never_a_template(question):
    assert prompt_writer("{{ question }}")(question) == question
    assert prompt_writer("A\n{{ question }}\n")(question) == f"A\n{question}\n"


def test_braces_in_a_question_are_not_rendered():
    assert prompt_writer("{{ question }}")("{{ 7 * 7 }} {% raw %}") == "{{ 7 * 7 }} {% raw %}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Solve it.", "must use the name `question` and no other, not no name at all"),
        ("{{ qestion }}", "not qestion"),
        ("{{ question }} {{ answer }}", "not answer, question"),
        ("{{ question", "no Jinja template"),
        ("{{ question.__class__.__mro__ }}", "no Jinja template"),
        ("{{ question | shout }}", "no Jinja template"),
        ("{{ question.missing }}", "no Jinja template"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_before_any_request(template, message):
    with pytest.raises(ValueError, match=r"^prompt: ") as refused:
        prompt_writer(template)
    assert message in str(refused.value)
