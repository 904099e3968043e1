"""Self-Instruct: which examples a call shows, what it makes of the list that comes, and what its filters keep."""

import pytest

from tests.protocols.scripted import call, seeds_of
from toolkit.protocols import load_question_protocol
from toolkit.protocols.contract import MadeQuestion, NewQuestion

SEEDS = seeds_of(*(f"What is {number} + 1?" for number in range(20)))
MADE = [MadeQuestion(f"new-{place}", f"Made {place}:", ("s0",), 0) for place in range(5)]
NEW = "9. Take  X and\n x apart.\n10. What is π²?\n\n11. And kN?"


def loaded(**options):
    return load_question_protocol("self_instruct", "{{ question }}", options)


def dropped_by(text, known=(), **options):
    """Name the filters that drop a text."""
    return [reason for reason, drops in loaded(**options).filters.items() if drops(text, known)]


def test_one_call_shows_eight_seeds_and_brings_what_is_numbered_from_nine(tmp_path):
    made = call(tmp_path / "rows", loaded(), SEEDS, [NEW])
    parents = made.questions[0].parents
    assert made.questions == [NewQuestion(text, parents) for text in ("Take X and x apart.", "What is π²?", "And kN?")]
    assert made.steps == [("continue", ())] and len(set(parents)) == 8 and SEEDS.ids.issuperset(parents)
    shown = [f"{number}. What is {name[1:]} + 1?" for number, name in enumerate(parents, 1)]
    assert "\n".join(shown) in made.read[0] and "from 9 to 16" in made.read[0]


def test_two_of_the_examples_were_made_before(tmp_path):
    seeds = SEEDS.__class__(SEEDS.given, MADE)
    made = call(tmp_path / "rows", loaded(), seeds, [NEW], index=3)
    parents = made.questions[0].parents
    assert len(parents) == 8 and sum(parent.startswith("new-") for parent in parents) == 2
    assert made.read[0].count(". Made ") == 2 and "Made 0:" not in made.read[0]  # a last colon is stripped
    again = call(tmp_path / "again", loaded(), seeds, [NEW], index=3)
    other = call(tmp_path / "other", loaded(draw_seed=1), seeds, [NEW], index=3)
    assert again == made != other


def test_fewer_seeds_than_examples_are_all_shown(tmp_path):
    made = call(tmp_path / "rows", loaded(), seeds_of("A?", "B?"), ["3. New one?"])
    assert sorted(made.questions[0].parents) == ["s0", "s1"] and made.questions[0].text == "New one?"


def test_a_list_that_was_cut_is_dropped_whole_and_one_that_is_none_is_named(tmp_path):
    cut = call(tmp_path / "cut", loaded(), SEEDS, [NEW], cut=(NEW,))
    assert [question.dropped for question in cut.questions] == ["cut"] * 3
    none = call(tmp_path / "none", loaded(), SEEDS, ["I cannot do that."])
    assert [(question.text, question.dropped) for question in none.questions] == [("I cannot do that.", "unreadable")]
    long = call(tmp_path / "long", loaded(asked=2), SEEDS, [NEW])
    assert [question.dropped for question in long.questions] == ["", "", "beyond the list"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("What now?", ["length"]),
        ("a " * 151, ["length"]),
        (", so what is it then?", ["beginning"]),
        ("# What is 3 + 4?", ["beginning"]),
        ("12 + 7 = ?", []),
        ("-3 + 5 = ?", []),
        (".5 + .25 = ?", []),
        ("(a + b)^2 = ?", []),
        ("|x| < 3: which x?", []),
        ("√2 · √8 = ?", []),
        ("π is near which integer?", []),
        ("Émile has 3 apples and eats 1.", []),
        ("\\(x^2 = 4\\) has which solutions?", []),
        ("$x$ is 3. What is $2x$?", []),
        ("Draw the graph of x + 1 as a map.", []),
    ],
)
def test_mathematics_survives_every_filter(text, reasons):
    assert dropped_by(text, ["What is 12 - 7?", "What is 12 + 8?"]) == reasons


def test_keywords_are_an_option():
    assert (
        dropped_by("Draw the graph of x + 1.", keywords=True)
        == ["keyword"]
        == dropped_by("Write a program that adds two numbers.", keywords=True)
    )
    assert dropped_by("Withdraw 3 coins; what is left?", keywords=True) == []


def test_the_similarity_filter_is_the_last_and_the_stock_one_drops_nothing():
    protocol = loaded()
    assert list(protocol.filters) == ["length", "beginning", "similar"]
    known = ["Ann has 3 pens and 4 cups. What has she?"]
    assert dropped_by("Ann has 3 pens and 4 jars. What has she?", known) == ["similar"]
    assert dropped_by("Ann has 5 pens and 4 cups. What has she?", known) == []
    assert dropped_by("Ann has 5 pens and 4 cups. What has she?", known, same_values=False) == ["similar"]
    assert dropped_by("Ann has 3 pens and 4 jars. What has she?", known, max_similarity=0.95) == []
    (stock,) = protocol.audits.values()
    assert stock("Ann has 5 pens and 4 cups. What has she?", known)
