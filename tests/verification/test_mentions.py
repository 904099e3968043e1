"""Whether a text mentions a known answer: compared as the judge compares, and never as a part of another number."""

import pytest

from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
from toolkit.verification.mentions import mentions


def holds(gold, text, **settings):
    with Judge(Verification(**settings)) as judge:
        return mentions(judge, gold, text)


@pytest.mark.parametrize(
    "text",
    ["so it is 12.", "5 + 7 = 12, not 13", "12", "it is \\boxed{12}", "x=12", "about 12.0 of them", "24/2 remain"],
)
def test_a_number_is_found_wherever_it_stands(text):
    assert holds("12", text)


@pytest.mark.parametrize("text", ["112", "12.5", "120", "x12", "-12", "1,200", "3.12", "a dozen", ""])
def test_a_part_of_another_number_is_not_the_answer(text):
    assert not holds("12", text)


def test_numbers_are_compared_by_value():
    assert holds("1200", "that makes 1,200 in all") and holds("1/2", "half, or 0.5") and holds("-3", "it is -3")
    assert holds("\\frac{1}{2}", "so \\frac{1}{2} of it") and not holds("1/2", "1 of 2")
    assert holds("5 m", "it is 5.0 m long", answer_kind="numeric") and not holds("5 m", "50", answer_kind="numeric")


def test_a_formula_is_found_as_it_is_written_or_in_a_box():
    assert holds("x+1", "the result x+1 is") and not holds("x+1", "the result x+12 is")
    assert holds("x+1", "it is \\boxed{1+x}")


def test_a_letter_is_found_where_it_is_named_and_not_as_a_word():
    assert holds("A", "The answer is A.", answer_kind="choice")
    assert not holds("A", "A dog is no answer.", answer_kind="choice")
