"""Multiple choice: which letter a response states, and which letters it only mentions, denies or leaves open."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.recipe.sections import Verification
from toolkit.verification.choices import extract, letter_of
from toolkit.verification.policies import extractor

ROWS = list(csv.DictReader(Path(__file__).with_name("choices.csv").open(encoding="utf-8", newline="")))


def chosen(text: str) -> str | None:
    answer = extract(text)
    return letter_of(answer) if answer else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["response"][:40])
def test_a_stated_letter_is_the_answer_and_no_other(row: dict[str, str]) -> None:
    """Expect no letter for `open` (denied, asked, shared or no option) and `unread` (stated in other words)."""
    assert row["is"] in ("stated", "open", "unread")
    assert chosen(row["response"]) == (row["letter"] or None)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("I think (B), no, (C).", "C"),
        ("The answer is C", "C"),
        ("the answer is: **D**", "D"),
        ("Answer: B because it floats", "B"),
        ("choice E.", "E"),
        ("The answer is A.", "A"),
        ("The answer is A dog", None),
        ("The answer is I think unknown", None),
        ("the answer is a cat", None),
        ("The answer is Bob", None),
        ("The answer is K", None),
        ("A dog (barks)", None),
    ],
)
def test_a_choice_is_named_by_its_letter_and_never_by_a_word(text: str, letter: str | None) -> None:
    assert chosen(text) == letter


def test_a_choice_comes_from_the_box_first() -> None:
    extract = extractor(Verification(answer_kind="choice"))
    assert extract("\\boxed{\\text{B}} and not (C)") == "\\text{B}"
    assert extract("so (C)") == "C"
    assert extract("\\boxed{x = 4}, and no more") == "x = 4"  # rejected, not unparsable
    assert [letter_of(text) for text in ("\\text{B}", "(b)", "B: dog", "B dog", "Bo", "", "K")] == ["B"] * 3 + [
        None
    ] * 4


@given(st.sampled_from("ABCDEFGHIJ"), st.sampled_from("ABCDEFGHIJ"))
def test_a_mention_behind_a_statement_changes_nothing(letter: str, other: str) -> None:
    mentions = (
        f"Option ({other}) is a common distractor.",
        f"({other}) is wrong.",
        f"Note that ({other}) is too small.",
    )
    assert [chosen(f"The answer is ({letter}). {mention}") for mention in mentions] == [letter] * 3
    assert [chosen(f"{mention} So the answer is {letter}.") for mention in mentions] == [letter] * 3


@given(st.text(alphabet="ABI abc(). \n,answeris:\\{}$*'", max_size=120))
def test_any_text_has_one_letter_or_none(text: str) -> None:
    assert chosen(text) in (None, *"ABCDEFGHIJ")


@pytest.mark.parametrize(
    "text",
    [
        "answer is ",
        "A ",
        "(",
        "A or ",
        "is the ",
        "'",
        ". ",
        "\\text ",
        "A((",
        "the answer is A or ",
        "\\boxed{A",
        "选",
    ],
)
def test_a_million_characters_are_read_in_a_moment(text: str) -> None:
    assert chosen(text * (1_000_000 // len(text)) + "\nThe answer is (C).") == "C"
