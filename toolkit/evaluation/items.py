"""The test items and the identity of an evaluation: two scores are comparable when their `eval_key` is equal."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from toolkit.recipe.sections import Evaluation, Verification
from toolkit.workspace import KEY_LENGTH, hash_of

COLUMNS = ["question_id", "question", "answer"]


class EvaluationError(ValueError):
    """A test file or model that cannot be scored; the message names it and the remedy."""


def read_items(test_file: Path) -> list[dict[str, str]]:
    """Read the test items in file order, each with question_id, question and answer.

    Raises:
        EvaluationError: for a missing column, no items, an empty answer, or an id that occurs twice.
    """
    missing = set(COLUMNS) - set(pq.read_schema(test_file).names)
    if missing:
        raise EvaluationError(
            f"{test_file}: no column {', '.join(sorted(missing))}; test items need {', '.join(COLUMNS)}"
        )
    items: list[dict[str, str]] = pq.read_table(test_file, columns=COLUMNS).to_pylist()
    if not items:
        raise EvaluationError(f"{test_file}: no test items; raise test_size")
    twice = [name for name, count in Counter(item["question_id"] for item in items).items() if count > 1]
    if twice:
        raise EvaluationError(f"{test_file}: question_id {twice[0]!r} occurs more than once; ids must be unique")
    unanswered = [item["question_id"] for item in items if not item["answer"]]
    if unanswered:
        raise EvaluationError(f"{test_file}: question {unanswered[0]!r} has no answer to compare with")
    return items


def answers_per_item(settings: Evaluation) -> int:
    """Give k, the number of answers per item: 1 when greedy, else `eval_samples`."""
    return settings.eval_samples if settings.eval_temperature > 0 else 1


def describe_evaluation(
    items: list[dict[str, str]], template: str, chat_template: str, settings: Evaluation, verification: Verification
) -> dict[str, Any]:
    """Describe what makes two scores comparable: items, prompt, answers per item, how they are drawn and compared."""
    sampled, policy = settings.eval_temperature > 0, verification.keyed()
    return {
        "items": hash_of(items),
        "prompt": hash_of(template),
        "chat_template": hash_of(chat_template),
        "temperature": settings.eval_temperature,
        "seed": settings.eval_seed if sampled else None,
        "max_tokens": settings.eval_max_tokens,
        "k": answers_per_item(settings),
        "answer_kind": verification.answer_kind,
        "response_pattern": verification.response_pattern,
        "tolerance": policy["tolerance"] if verification.has_tolerance else None,
        **{name: policy[name] for name in ("whole_numbers",) if name in policy},
    }


def eval_key(description: dict[str, Any]) -> str:
    """Give the first 16 hex digits of the sha256 of an evaluation's description."""
    return hash_of(description)[:KEY_LENGTH]
