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
        ("{{ question", "not a Jinja template"),
        ("{{ question.__class__.__mro__ }}", "not a Jinja template"),
        ("{{ question | shout }}", "not a Jinja template"),
        ("{{ question.missing }}", "not a Jinja template"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_before_any_request(template, message):
    with pytest.raises(ValueError, match=r"^prompt: ") as refused:
        prompt_writer(template)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10**9) %}a{% endfor %}{{ question }}",
        "{{ question }}{{ 10**10**10 }}",
        "{{ question }}{{ 'a' * 10**10 }}",
        "{{ '%1000000000s' % question }}",
        "{{ question | center(10**10) }}",
        "{{ question | indent(1000000000) }}",
        "{{ question.ljust(1000000000) }}",
        "{{ question.format(1) }}",
        "{{ question }}{{ 5 | round(1000000000, 'floor') }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}{{ question }}",
        "{% set a = question ~ question %}{% set a = a ~ a %}{{ a }}",
        "{{ question | replace('1', '1111') | replace('1', '1111') }}",
        "{{ question.replace('', 'a') }}",
        "{{ question | replace(question, question) }}",
        "{% for a in [[1, 2], [3]] %}{% for b in a %}{% endfor %}{% endfor %}{{ question }}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}{{ question }}",
        "{% for i in [1,2,3,4,5,6,7,8,9,0] %}" * 6 + "{{ question }}" + "{% endfor %}" * 6,
        "{{ " + "(" * 5000 + "question" + ")" * 5000 + " }}",
        "{{ question }}{{ " + "9" * 6000 + " }}",
        "{{ question }}" + "a" * 20_000,
        "{{ question }}{{ lipsum(100000) }}",
        "{% include 'a' %}{{ question }}",
        "{{ question is divisibleby(0) }}",
        "{{ question | int is divisibleby(0) }}",
        "{{ 1 / 0 }}{{ question }}",
        "{{ ''[5] }}{{ question }}",
        "{% for i in [1] %}" * 30 + "{{ question }}" + "{% endfor %}" * 30,
    ],
)
def test_a_template_that_could_run_or_grow_for_ever_is_refused_at_once(template):
    with pytest.raises(ValueError, match=r"^prompt: ") as refused:
        prompt_writer(template)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ question | trim | replace('\n', ' ') }}", "a b"),
        ("{{ question.strip().splitlines()[0] }}?", "a?"),
        ("{% for q, a in [('1', '2'), ('3', '4')] %}{{ loop.index + 1 }}{{ q }}={{ a }};{% endfor %}{{ question[:2] }}",
         "21=2;33=4; a"),
        ("{% if question | length > 20 %}long{% else %}short{% endif %} {{ question ~ '!' }}", "short  a\nb !"),
    ],
)  # fmt: skip
def test_what_fills_in_a_question_is_there(template, text):
    assert prompt_writer(template)(" a\nb ") == text


def test_a_question_that_a_template_cannot_take_is_named():
    write = prompt_writer("{{ question.splitlines()[0] }}")
    with pytest.raises(ValueError, match=r"^prompt: cannot be filled with '': "):
        write("")
