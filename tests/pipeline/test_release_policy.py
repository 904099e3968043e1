"""What a card says of how responses were judged."""

import pytest

from toolkit.pipeline.stages.release import _policy
from toolkit.recipe.sections import Verification


@pytest.mark.parametrize(
    ("tolerance", "words"),
    [
        (0.0005, "within a relative tolerance of 0.0005;"),
        (0.01, "within a relative tolerance of 0.01;"),
        (None, "within a relative tolerance of 0.01, whole numbers that count something exactly;"),
    ],
)
def test_the_tolerance_of_numbers_is_told(tolerance: float | None, words: str) -> None:
    assert words in _policy(Verification(answer_kind="numeric", tolerance=tolerance))


def test_other_kinds_tell_none() -> None:
    assert "tolerance" not in _policy(Verification()) + _policy(Verification(answer_kind="choice"))
