"""When does generating more synthetic data help? Fixed-source synthesis, its law and its planner (arXiv 2607.01727)."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from toolkit.verification.verdicts import Judgement

__all__ = ["judge"]
__version__ = "0.1.0"


def judge(
    gold: str | float,
    response: str,
    kind: Literal["mathematics", "numeric", "choice"] = "mathematics",
    *,
    pattern: str | None = None,
    tolerance: float | None = None,
    finish_reason: Literal["stop", "length", "error"] = "stop",
) -> "Judgement":
    """Judge one response against the gold answer, by the policy of a recipe with this kind of answer.

    It may be called from any script, notebook or thread, without `if __name__ == "__main__":`. Formulas are compared in
    a process that ends with this one; the first of them costs a second or two. `fss judge` is for whole files.

    Args:
        gold: the right answer.
        response: a whole text; its answer is cut out of it.
        kind: of the answer: a formula or number, a quantity with or without unit, or the letter of a choice.
        pattern: regular expression with one group around the answer, of which the last match counts; None takes the
            last closed `\\boxed{}`, or of a choice also what is named as the answer.
        tolerance: relative, of a numeric answer; None takes the default of recipes.
        finish_reason: `length` makes the verdict `truncated`, `error` makes it `failed`.

    Returns:
        A named tuple of `verdict` (failed, truncated, unparsable, rejected or accepted), the `extracted` answer or
        None, and `wrong_step`, here always None.

    Raises:
        ValueError: for a gold that is not of this kind, or a setting that recipes do not take.
    """
    from toolkit.verification.single import judge_one, policy

    return judge_one(gold, response, finish_reason, policy(kind, pattern, tolerance))
