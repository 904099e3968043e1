"""Our task for lighteval: a question through the chat template, a boxed answer compared with the gold one."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import gettempdir
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.metrics.metrics_sample import AvgAtN
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.models.model_output import ModelResponse
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
from lighteval.tasks.lighteval_task import LightevalTask, LightevalTaskConfig
from lighteval.tasks.registry import Registry
from lighteval.tasks.requests import Doc, SamplingMethod

from toolkit.evaluation.chat_model import ChatModel
from toolkit.evaluation.generating import ServedModel
from toolkit.verification.judge import Judge

TestedModel = ChatModel | ServedModel

TASK = "boxed_answers"
METRIC = "accuracy"


@dataclass(frozen=True)
class Answered:
    """The k responses to one item and the fraction of them that are right."""

    texts: list[str]
    correct: float


def ask(model: TestedModel, items: list[dict[str, str]], judge: Judge) -> list[Answered]:
    """Run lighteval's pipeline with `model` on the items (question_id, question, answer); results in their order."""
    parameters = PipelineParameters(
        launcher_type=ParallelismManager.NONE,
        remove_reasoning_tags=False,  # answers are cut out of the same text as a teacher's
        bootstrap_iters=0,  # `toolkit.statistics` computes the intervals
    )
    tracker = EvaluationTracker(gettempdir())  # needs a folder, and writes to it only on request
    with _only_our_task(items, model.samples, judge):
        pipeline = Pipeline(TASK, parameters, tracker, model=model)
    pipeline.evaluate()
    (details,) = pipeline.get_details().values()
    by_item = {detail.doc.specific["item_id"]: detail for detail in details}
    ordered = [by_item[item["question_id"]] for item in items]
    return [Answered(detail.model_response.text, float(detail.metric[METRIC])) for detail in ordered]


@contextlib.contextmanager
def _only_our_task(items: list[dict[str, str]], samples: int, judge: Judge) -> Iterator[None]:
    """Have lighteval's registry know one task, with its items in memory.

    By itself, the registry imports every built-in task (one of which downloads at import), and the task reads its items
    through a disk cache that does not notice new content in an old path.
    """
    config = _task(samples, judge)
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


def _task(samples: int, judge: Judge) -> LightevalTaskConfig:
    accuracy = SampleLevelMetric(
        metric_name=METRIC,
        higher_is_better=True,
        category=SamplingMethod.GENERATIVE,
        # A function, since lighteval copies its arguments, and a judge with its processes cannot be copied.
        sample_level_fn=AvgAtN(n=samples, sample_scoring_function=lambda doc, answer: is_right(judge, doc, answer)),
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


def is_right(judge: Judge, doc: Doc, response: ModelResponse) -> float:
    """Give 1.0 if `judge` accepts the response's first text for the document's gold answer, else 0.0.

    A text that was cut off is judged like a complete one: an answer that it gave before counts.
    """
    (judged,) = judge.judge([(doc.get_golds()[0], response.text[0], "stop")])
    return float(judged.verdict == "accepted")
