"""Checks whether the policy of an answer kind can compare anything with a gold answer."""

from functools import lru_cache

from toolkit.recipe.sections import Verification
from toolkit.verification.policies import compare


@lru_cache(1 << 16)
def gold_problem(gold: str, settings: Verification) -> str | None:
    """Say why a gold answer is not of the policy's kind, as one sentence; None where it is."""
    try:
        compare(gold, gold, settings)
    except ValueError as error:
        return str(error)
    return None
