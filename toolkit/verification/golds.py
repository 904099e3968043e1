"""Whether a gold answer can be compared with at all, by the policy of its kind."""

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
