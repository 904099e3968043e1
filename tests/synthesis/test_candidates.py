"""What is kept of the questions that calls brought: the order of checks, and counts that always add up."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.protocols import load_question_protocol
from toolkit.protocols.calls import new_id
from toolkit.protocols.contract import NewQuestion, ProtocolFault, Question, QuestionProtocol
from toolkit.synthesis.candidates import Candidates

SEEDS = [Question("s0", "seed"), Question("s1", "other seed")]


def is_short(text, known):
    return len(text) < 2


def is_near(text, known):
    return any(text[:2] == other[:2] for other in known)


PROTOCOL = QuestionProtocol(
    {}, None, {"short": is_short, "near": is_near}, {"same note": lambda note, known: note in known}
)
PROTOCOL = PROTOCOL._replace(name="mine", audits={"long": lambda text, known: len(text) > 3})


def never(text):
    return False


def sifted(*texts, protocol=PROTOCOL, held_out=never, wanted=99):
    """Sift one call; the note of a question is what stands behind `|`, and why it is dropped behind `!`."""
    candidates = Candidates(protocol, SEEDS, held_out, wanted)
    candidates.take(0, [(0, [new(text) for text in texts])])
    return candidates


def new(text):
    text, _, dropped = text.partition("!")
    text, _, note = text.partition("|")
    return NewQuestion(text, ("s0",), dropped, note or text)


def test_the_first_reason_that_applies_counts():
    candidates = sifted(
        " ", "a", "seed", "ab", "abc", "xy|ab", "a!own", "test", "zz", held_out=lambda text: text == "test"
    )
    reasons = {question.text: question.reason for question in candidates.dropped}
    assert reasons == {"": "empty", "a": "own", "seed": "near", "abc": "near", "xy": "same note", "test": "held out"}
    assert [question.question for question in candidates.kept] == ["ab", "zz"]
    (count,) = candidates.counts
    dropped = {
        "own": 1,
        "empty": 1,
        "short": 1,
        "near": 2,
        "same note": 1,
        "duplicate": 0,
        "held out": 1,
        "not needed": 0,
    }
    assert dict(count.dropped) == dropped and list(count.dropped) == list(dropped)
    assert [step[1:] for step in count.survival] == [(9, 8), (8, 7), (7, 6), (6, 4), (4, 3), (3, 3), (3, 2), (2, 2)]
    assert str(count) == (
        "round 0: 1 calls, 9 candidates, 2 kept; dropped: 1 own, 1 empty, 1 short, 2 near, 1 same note, 1 held out; "
        "of those kept, others would drop: 0 long"
    )


def test_later_candidates_meet_earlier_ones_of_the_same_call():
    bare = QuestionProtocol({}, None, name="bare")
    candidates = sifted("X  is 1", "x is 1", "X is\n1", " other seed", "π", "π", protocol=bare)
    assert [question.question for question in candidates.kept] == ["X  is 1", "x is 1", "π"]  # nothing is rewritten
    assert [question.reason for question in candidates.dropped] == ["duplicate"] * 3


def test_a_row_says_where_a_question_is_from():
    candidates = Candidates(PROTOCOL, SEEDS, never, 99)
    candidates.take(0, [(0, [new("ab")])])
    candidates.take(1, [(4, [new("cd")]), (5, [new("cdx")])], failed=1)
    (made,) = [made for made in candidates.made() if made.round == 1]
    row = candidates.kept[1]
    assert row == (new_id("mine", new("cd")), "cd", ("s0",), 1, "mine", 4, "cd", "") and made[:4] == (*row[:3], 1)
    (dropped,) = candidates.dropped
    assert dropped == (new_id("mine", new("cdx")), "cdx", "near", 1, 5, ("s0",))
    assert candidates.counts[1][:5] == (1, 3, 1, 2, 1)


def test_what_is_beyond_the_wanted_number_is_counted_too():
    candidates = sifted("ab", "cd", "ef", "a", wanted=2)
    assert len(candidates.kept) == 2 and [question.reason for question in candidates.dropped] == ["not needed", "short"]


def test_a_filter_that_raises_is_named():
    with pytest.raises(
        ProtocolFault, match=r"protocol mine: its filter 'odd' raised ZeroDivisionError: .* on 'ab'; correct"
    ):
        sifted("ab", protocol=PROTOCOL._replace(filters={"odd": lambda text, known: 1 / 0}))


@given(st.lists(st.lists(st.text("ab1+ !|", max_size=4), max_size=5), max_size=8), st.integers(1, 4), st.integers(1, 9))
def test_nothing_is_dropped_in_silence(calls, per_round, wanted):
    candidates = Candidates(PROTOCOL, SEEDS, lambda text: "1" in text, wanted)
    for start in range(0, len(calls), per_round):
        brought = [
            (start + at, [new(text) for text in call]) for at, call in enumerate(calls[start : start + per_round])
        ]
        candidates.take(len(candidates.counts), brought)
    assert len(candidates.kept) + len(candidates.dropped) == sum(map(len, calls)) and len(candidates.kept) <= wanted
    dropped = Counter((question.round, question.reason) for question in candidates.dropped)
    for count in candidates.counts:
        assert count.candidates == count.accepted + sum(count.dropped.values())
        assert count.accepted == sum(row.round == count.round for row in candidates.kept)
        assert {reason: number for reason, number in count.dropped.items() if number} == {
            reason: number for (round_, reason), number in dropped.items() if round_ == count.round
        }
        assert not count.survival or count.survival[-1].after == count.accepted


@given(st.lists(st.lists(st.text("ab1+ ", max_size=4), max_size=5), min_size=1, max_size=8), st.integers(1, 9))
def test_a_smaller_number_gives_a_prefix(calls, wanted):
    both = []
    for number in (wanted, 99):
        candidates = Candidates(PROTOCOL, SEEDS, never, number)
        candidates.take(0, [(at, [new(text) for text in call]) for at, call in enumerate(calls)])
        both.append(candidates.kept)
    assert both[0] == both[1][:wanted]


def test_the_stock_filter_is_only_counted():
    protocol = load_question_protocol("self_instruct", "{{ question }}")
    texts = ["Compute the value of 12 + 7.", "Compute the value of 12 - 7.", "Compute the value of 12 - 7 now."]
    candidates = Candidates(protocol, SEEDS, never, 99)
    candidates.take(0, [(0, [NewQuestion(text) for text in texts])])
    (count,) = candidates.counts
    assert (count.accepted, count.dropped["similar"]) == (2, 1) and list(count.audits.values()) == [1]
