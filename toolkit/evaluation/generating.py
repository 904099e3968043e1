"""Models that only write answers, behind the interface that lighteval expects."""

from collections.abc import Callable, Sequence
from typing import Any

from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_input import GenerationParameters
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

from toolkit.evaluation.items import EvaluationError, answers_per_item
from toolkit.recipe.sections import Evaluation

# (questions, number of texts for each) -> the texts of each question, in order
Answer = Callable[[Sequence[str], int], list[list[str]]]


class Generating(LightevalModel):
    """A model that answers documents with `samples` texts each; subclasses write them.

    Args:
        name: what the model is called in results.
        settings: temperature, answers per item, new tokens, seed.
    """

    def __init__(self, name: str, settings: Evaluation) -> None:
        self.settings = settings
        self.samples = answers_per_item(settings)
        self.config = ModelConfig(
            model_name=name,
            generation_parameters=GenerationParameters(
                temperature=settings.eval_temperature, max_new_tokens=settings.eval_max_tokens, seed=settings.eval_seed
            ),
        )
        self._cache = _NoCache()

    @property
    def add_special_tokens(self) -> bool:
        return False

    def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        raise EvaluationError("answers are generated, not ranked: use a task with generative metrics")

    def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        raise EvaluationError("answers are generated, not ranked: use a task with generative metrics")


class ServedModel(Generating):
    """A model behind a server, which is asked through `answer`."""

    tokenizer: Any = None
    max_length = 2**20  # tokens; nothing is cut here
    chat_template = "of the server"

    def __init__(self, name: str, answer: Answer, settings: Evaluation) -> None:
        super().__init__(name, settings)
        self.answer = answer

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Answer each document with one response of `samples` texts, in the order of the documents."""
        texts = self.answer([doc.query for doc in docs], self.samples)
        return [ModelResponse(input=doc.query, text=own) for doc, own in zip(docs, texts, strict=True)]


class _NoCache:
    """No cache: lighteval keys cached responses on the configuration and not on the weights, so none may be reused."""

    def _init_registry(self, registry: Any) -> None:
        """Do nothing; lighteval calls this so that a cache can hash the task."""
