"""Options of a protocol: what its function takes, and what is said of anything else."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from toolkit.protocols import load_protocol
from toolkit.protocols.options import OptionError, check_options


def protocol(
    prompt: str,
    *,
    rounds: Annotated[int, Field(ge=1, le=8)] = 4,
    critique: Literal["shown", "none"] = "shown",
    words: tuple[str, ...] = (),
):
    """Stand for the function of a protocol."""


def needy(prompt: str, *, rounds: int):
    """Has an option without a default."""


def test_options_are_given_as_their_types_say():
    assert check_options(protocol, {"rounds": 2, "words": ["a"]}) == {"rounds": 2, "words": ("a",)}
    assert check_options(protocol, {}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"round": 2}, "round: there is no such option; the protocol has rounds, critique, words"),
        ({"rounds": 9}, "rounds: input should be less than or equal to 8, not 9"),
        ({"rounds": "2"}, "rounds: input should be a valid integer, not '2'"),
        ({"rounds": 2.5}, "rounds: input should be a valid integer, not 2.5"),
        ({"critique": "hidden"}, "critique: input should be 'shown' or 'none', not 'hidden'"),
        ({"prompt": "x"}, "prompt: there is no such option"),
    ],
)
def test_what_a_protocol_does_not_take_is_named_with_its_value(given, message):
    with pytest.raises(OptionError, match=f"^{message}"):
        check_options(protocol, given)


def test_an_option_without_a_default_must_be_given():
    with pytest.raises(OptionError, match=r"^rounds: is missing"):
        check_options(needy, {})


def test_rejection_sampling_has_no_options():
    with pytest.raises(OptionError, match=r"^rounds: there is no such option; the protocol has none"):
        load_protocol("rejection_sampling", "{{ question }}", {"rounds": 2})
