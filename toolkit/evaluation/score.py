"""Score models on the test items with lighteval, in this process: one import, many models, per-item results."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from datasets import Dataset, DatasetDict

from toolkit.evaluation.items import answers_per_item, describe_evaluation, eval_key, read_items
from toolkit.quiet import quiet
from toolkit.recipe import Evaluation
from toolkit.verification.answers import extract_answer, same_answer
from toolkit.workspace import to_json, write_atomic

# Importing lighteval switches gradients off for the whole process; leaving the block puts them back as they were.
with quiet(), torch.enable_grad():
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.metrics.metrics_sample import AvgAtN
    from lighteval.metrics.utils.metric_utils import SampleLevelMetric
    from lighteval.models.model_output import ModelResponse
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
    from lighteval.tasks.lighteval_task import LightevalTask, LightevalTaskConfig
    from lighteval.tasks.registry import Registry
    from lighteval.tasks.requests import Doc, SamplingMethod

    from toolkit.evaluation.chat_model import ChatModel

TASK = "boxed_answers"
METRIC = "accuracy"
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
    """A model to score: the folder of a full model or of an adapter, the base of an adapter, the folder for results."""

    name: str
    folder: Path
    out: Path
    base: Path | None = None


def score_models(
    models: Sequence[ScoredModel], test_file: Path, settings: Evaluation, progress: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Let every model answer the items of `test_file` and compare with the gold answers.

    Each `out` gets items.parquet (item_id, correct: the fraction of the k answers that are right, and k texts each of
    extracted and response; in file order) and score.json, which is also what is returned for the model.

    Args:
        models: what to score; each is loaded, scored and dropped in turn.
        test_file: parquet with the columns question_id, question, answer.
        settings: how answers are drawn; greedy at temperature 0.
        progress: called with (items answered, items in all) over all models.

    Returns:
        For each model: name, error (fraction in [0, 1]), n (items), k (answers per item), eval_key, and evaluation
        (what the key is made of).

    Raises:
        EvaluationError: before any answer, for a test file that cannot be scored; at its turn, for a model.
    """
    items = read_items(test_file)
    total, done = len(items) * len(models), 0

    def tick(answered: int) -> None:
        nonlocal done
        done += answered
        progress(done, total)

    with quiet():
        return [_score(model, items, settings, tick) for model in models]


def _score(
    scored: ScoredModel, items: list[dict[str, str]], settings: Evaluation, tick: Callable[[int], None]
) -> dict[str, Any]:
    model = ChatModel(scored.name, scored.folder, scored.base, settings, tick)
    table = _run_lighteval(model, items, scored.out, answers_per_item(settings))
    evaluation = describe_evaluation(items, str(model.tokenizer.chat_template), settings)
    score = {
        "name": scored.name,
        "error": 1.0 - float(np.mean(table["correct"])),
        "n": len(items),
        "k": evaluation["k"],
        "eval_key": eval_key(evaluation),
        "evaluation": evaluation,
    }
    scored.out.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, scored.out / ITEMS_FILE)
    write_atomic(scored.out / SCORE_FILE, to_json(score))
    return score


def _run_lighteval(model: ChatModel, items: list[dict[str, str]], out: Path, samples: int) -> pa.Table:
    parameters = PipelineParameters(
        launcher_type=ParallelismManager.NONE,
        remove_reasoning_tags=False,  # answers are cut out of the same text as a teacher's
        bootstrap_iters=0,  # intervals.py has its own
    )
    with _only_our_task(items, samples):
        pipeline = Pipeline(TASK, parameters, EvaluationTracker(str(out)), model=model)
    pipeline.evaluate()
    (details,) = pipeline.get_details().values()
    rows = {detail.doc.specific["item_id"]: _item_row(detail) for detail in details}
    return pa.Table.from_pylist([rows[item["question_id"]] for item in items], schema=ITEMS_SCHEMA)


def _item_row(detail: Any) -> dict[str, Any]:
    texts = detail.model_response.text
    return {
        "item_id": detail.doc.specific["item_id"],
        "correct": float(detail.metric[METRIC]),
        "extracted": [extract_answer(text) for text in texts],
        "response": texts,
    }


@contextlib.contextmanager
def _only_our_task(items: list[dict[str, str]], samples: int) -> Iterator[None]:
    """Have lighteval's registry know one task, with its items in memory.

    Left alone, the registry imports every built-in task (one of which downloads at import), and the task reads its
    items through a disk cache that does not notice new content in an old path.
    """
    config = _task(samples)
    data = DatasetDict(test=Dataset.from_list(items))
    with (
        _replaced(Registry, "load_all_task_configs", lambda custom_tasks=None, load_multilingual=False: {TASK: config}),
        _replaced(LightevalTask, "download_dataset_worker", lambda task: data),
    ):
        yield


@contextlib.contextmanager
def _replaced(owner: type, name: str, function: Callable[..., Any]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, staticmethod(function))
    try:
        yield
    finally:
        setattr(owner, name, staticmethod(original))


def _task(samples: int) -> LightevalTaskConfig:
    accuracy = SampleLevelMetric(
        metric_name=METRIC,
        higher_is_better=True,
        category=SamplingMethod.GENERATIVE,
        sample_level_fn=AvgAtN(n=samples, sample_scoring_function=is_right),
        corpus_level_fn=np.mean,
    )
    return LightevalTaskConfig(
        name=TASK,
        prompt_function=_document,
        hf_repo=TASK,
        hf_subset="default",
        evaluation_splits=["test"],
        metrics=[accuracy],
    )


def _document(item: dict[str, str], task_name: str) -> Doc:
    return Doc(
        task_name=task_name,
        query=item["question"],
        choices=[item["answer"]],
        gold_index=0,
        specific={"item_id": item["question_id"]},
    )


def is_right(doc: Doc, response: ModelResponse) -> float:
    """1.0 if the boxed answer of the response's first text is the document's gold answer, else 0.0."""
    answer = extract_answer(response.text[0])
    return float(answer is not None and same_answer(doc.get_golds()[0], answer))
