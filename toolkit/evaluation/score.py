"""Score models on the test items with lighteval, in this process: one import, many models, per-item results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from toolkit.evaluation.items import describe_evaluation, eval_key, read_items
from toolkit.prompt import PLAIN
from toolkit.quiet import quiet
from toolkit.recipe.sections import Evaluation, Verification
from toolkit.verification.judge import Judge
from toolkit.workspace import to_json, write_atomic

# Importing lighteval switches gradients off for the whole process; leaving the block puts them back as they were.
with quiet(), torch.enable_grad():
    from toolkit.evaluation.chat_model import ChatModel
    from toolkit.evaluation.generating import Answer, ServedModel
    from toolkit.evaluation.task import Answered, TestedModel, ask

VERIFICATION = Verification()  # the default settings
ITEMS_FILE = "items.parquet"
SCORE_FILE = "score.json"
ITEMS_SCHEMA = pa.schema(
    {
        "item_id": pa.string(),
        "correct": pa.float64(),
        "extracted": pa.list_(pa.string()),
        "response": pa.list_(pa.string()),
    }
)


@dataclass(frozen=True)
class ScoredModel:
    """A model to score.

    Attributes:
        name: what results call it.
        folder: a full model, or an adapter of `base`.
        out: the folder for its results.
        base: the base of an adapter.
        template: Jinja template of the prompt; it knows `question`.
    """

    name: str
    folder: Path
    out: Path
    base: Path | None = None
    template: str = PLAIN


def score_models(
    models: Sequence[ScoredModel],
    test_file: Path,
    settings: Evaluation,
    progress: Callable[[int, int], None],
    verification: Verification = VERIFICATION,
) -> list[dict[str, Any]]:
    """Let every model answer the items of `test_file` and compare with the gold answers.

    A response is right if the policy would accept it from the teacher, also when it was cut off after its answer.

    Each `out` gets items.parquet (in file order: item_id; correct, the fraction of the k answers that are right; and k
    texts each of extracted and response) and score.json, whose content is also returned.

    Args:
        models: the models to score; each is loaded, scored and dropped in turn.
        test_file: parquet with the columns question_id, question, answer.
        settings: how answers are drawn; greedy at temperature 0.
        progress: called with (items answered, items in all) over all models.
        verification: how an answer is found and compared; the same as for the teacher's responses.

    Returns:
        For each model: name, error (fraction in [0, 1]), n (items), k (answers per item), eval_key, and evaluation
        (the description that the key hashes).

    Raises:
        EvaluationError: before any answer, for a test file that cannot be scored; at its turn, for a model.
    """
    items = read_items(test_file)
    total, done = len(items) * len(models), 0

    def tick(answered: int) -> None:
        nonlocal done
        done += answered
        progress(done, total)

    def load(model: ScoredModel) -> ChatModel:
        return ChatModel(model.name, model.folder, model.base, model.template, settings, tick)

    with quiet(), Judge(verification) as judge:
        return [_score(load(model), model.template, items, model.out, settings, judge) for model in models]


def score_answers(
    name: str,
    answer: Answer,
    template: str,
    test_file: Path,
    out: Path,
    settings: Evaluation,
    verification: Verification = VERIFICATION,
) -> dict[str, Any]:
    """Score a model that `answer` asks on the items of `test_file`; see `score_models`.

    `template` is the prompt that `answer` uses; here it only becomes part of the evaluation's description.
    """
    items = read_items(test_file)
    with quiet(), Judge(verification) as judge:
        return _score(ServedModel(name, answer, settings), template, items, out, settings, judge)


def _score(
    model: TestedModel, template: str, items: list[dict[str, str]], out: Path, settings: Evaluation, judge: Judge
) -> dict[str, Any]:
    answered = ask(model, items, judge)
    evaluation = describe_evaluation(items, template, model.chat_template, settings, judge.settings)
    score = {
        "name": model.config.model_name,
        "error": 1.0 - float(np.mean([answer.correct for answer in answered])),
        "n": len(items),
        "k": evaluation["k"],
        "eval_key": eval_key(evaluation),
        "evaluation": evaluation,
    }
    out.mkdir(parents=True, exist_ok=True)
    rows = [_row(item["question_id"], answer, judge) for item, answer in zip(items, answered, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS_SCHEMA), out / ITEMS_FILE)
    write_atomic(out / SCORE_FILE, to_json(score))
    return score


def _row(item_id: str, answer: Answered, judge: Judge) -> dict[str, Any]:
    extracted = [judge.extract(text) for text in answer.texts]
    return {"item_id": item_id, "correct": answer.correct, "extracted": extracted, "response": answer.texts}
