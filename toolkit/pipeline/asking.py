"""Asking: what a journal lacks of some rounds is asked of its teacher, after an estimate of what that takes."""

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from toolkit.pipeline.cells import most_draws
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.judge import CorpusJudge
from toolkit.pipeline.protocol import protocol_of
from toolkit.pipeline.rates import rate_file, read_rate, remember_rate
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.pipeline.teacher import open_student, open_teacher
from toolkit.progress import Stage
from toolkit.protocols.contract import ANSWER
from toolkit.protocols.execution import first_prompts
from toolkit.synthesis.executions import Draw
from toolkit.synthesis.journal import Journal, Response
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.schedule import Round, first_draws
from toolkit.synthesis.spending import Estimate, Prices, estimate
from toolkit.synthesis.step_estimates import ProtocolEstimate, Sampled, estimate_steps
from toolkit.synthesis.tally import Tally, describe
from toolkit.teachers.completion import Teacher
from toolkit.workspace import Artifact

MANY_ERRORS, MANY_SHARE = 8, 0.1  # rows without a response, and their share of those sampled, that end a run


def missing_rows(
    index: JournalIndex, questions: Sequence[Mapping[str, Any]], wanted: Round, again: Container[tuple[int, int]]
) -> Iterator[Draw]:
    """Yield (question id, text, index) of each response of a round that the journal lacks, or that is asked `again`."""
    known = index.held(len(questions), int(wanted.stop.max(initial=0)))
    for position, place in wanted.pairs():
        if not known[position, place] or (position, place) in again:
            yield questions[position]["question_id"], questions[position]["question"], place


def estimate_missing(
    context: Context, index: JournalIndex, questions: Sequence[Mapping[str, Any]], expected: int | None = None
) -> Estimate | ProtocolEstimate:
    """Estimate what a journal lacks at most: where draws depend on what comes, all that the recipe allows.

    Args:
        expected: responses that an arm takes, about, that is matched to another one.
    """
    ladder, most = context.recipe.ladder, most_draws(context.run)[: len(questions)]
    most = np.full_like(most, ladder.max_draws) if ladder.counting == "accepted" else most
    if expected is not None and len(most):
        most = first_draws(expected, len(most))
    rows = missing_rows(index, questions, Round(int(most.max()), np.zeros_like(most), most), _retried(context, index))
    texts, max_tokens = (text for _, text, _ in rows), context.recipe.sampling.max_tokens
    protocol, prices, rate = protocol_of(context.recipe), prices_of(context), _known_rate(index.journal)
    if len(protocol.steps) > 1:
        seen = Sampled(index.ledger, index.responses)
        return estimate_steps(protocol, texts, seen, max_tokens=max_tokens, prices=prices, rate=rate)
    prompts = (messages for _, messages in first_prompts(protocol, texts))
    usage = index.ledger.get(ANSWER)
    return estimate(prompts, max_tokens=max_tokens, seen=usage, prices=prices, rate=rate)


def prices_of(context: Context) -> Prices:
    """Give what the recipe's teacher costs."""
    serving = context.recipe.serving
    return Prices(serving.price_prompt, serving.price_completion, context.recipe.sampling.max_tokens)


def _retried(context: Context, index: JournalIndex) -> frozenset[tuple[int, int]]:
    return index.errors if context.retry_errors else frozenset()


class Asking(contextlib.ExitStack):
    """Samples rounds of draws into a journal; a context manager.

    Args:
        index: of the journal, read to its end.
        questions: question_id, question and answer, in pool order.
        student: the base model, where the protocol asks it.
        expected: see `estimate_missing`.
    """

    def __init__(
        self,
        context: Context,
        stage: Stage,
        index: JournalIndex,
        questions: Sequence[Mapping[str, Any]],
        teacher: Artifact,
        judge: CorpusJudge,
        student: Artifact | None = None,
        expected: int | None = None,
    ) -> None:
        super().__init__()
        self.judge, self.student_artifact, self.expected = judge, student, expected
        self.context, self.stage, self.index, self.questions, self.artifact = context, stage, index, questions, teacher
        self.sampled, self.cost, self.reasoned, self.errors = 0, 0.0, 0, Counter[str]()
        self.lacking = 0  # responses, when the first was asked for
        self.protocol = protocol_of(context.recipe)
        self.prices = prices_of(context)

    def __enter__(self) -> Self:
        return self

    @functools.cached_property
    def journal(self) -> Journal:
        return self.enter_context(Journal(self.index.journal))

    @functools.cached_property
    def teacher(self) -> Teacher:
        texts = [row["question"] for row in self.questions]
        return self.enter_context(open_teacher(self.context, self.stage, self.artifact, texts))

    @functools.cached_property
    def student(self) -> Teacher | None:
        """Give the base model where the protocol asks it."""
        if self.student_artifact is None:
            return None
        return open_student(self.context, self.student_artifact, [row["question"] for row in self.questions])

    @functools.cached_property
    def retried(self) -> frozenset[tuple[int, int]]:
        """Give (position, index) of the recorded errors that are asked for again: those of earlier runs."""
        return _retried(self.context, self.index)

    def rows(self, wanted: Round) -> Iterator[Draw]:
        """Yield (question id, text, index) of each response that the journal lacks, or is to ask for again."""
        return missing_rows(self.index, self.questions, wanted, self.retried)

    def ask(self, wanted: Round) -> None:
        """Sample what is missing of a round.

        Raises:
            StageError: when the largest cost is reached; the message says how to go on.
        """
        missing = sum(1 for _ in self.rows(wanted))
        if not missing:
            return
        if not self.sampled:
            self.begin()
        tally = sample(
            self.journal,
            self.rows(wanted),
            self.teacher,
            self.protocol,
            sampling_seed=self.context.recipe.sampling.sampling_seed,
            report=self._report,
            total=missing,
            attempts=self.context.recipe.serving.attempts,
            prices=self.prices,
            max_cost=self.context.money_left,
            judge=self._accepted,
            errors=self.context.retry_errors,
            student=self.student,
        )
        self.sampled, self.cost = self.sampled + tally.sampled, self.cost + tally.cost
        self.reasoned += tally.reasoned
        self.context.costs.append(tally.cost)
        self.errors += tally.errors
        remember_rate(self.context.recipe, self.index.journal, tally)
        if tally.stopped:
            raise StageError(
                f"sampling stopped at a cost of {sum(self.context.costs):,.4g}: the next response could lift it above "
                f"--max-cost {self.context.max_cost:g}. {self.sampled:,} responses were sampled and are kept; run the "
                "same command with more to go on"
            )

    def begin(self) -> None:
        """Say what it will take before anything is asked for."""
        missing = estimate_missing(self.context, self.index, self.questions, self.expected)
        self.lacking = missing.responses
        self.context.progress.say(f"{'':11} to sample: {missing}")
        self.stage.expect(1, "response")

    def _report(self, tally: Tally) -> None:
        shown = dataclasses.replace(tally, cost=tally.cost + self.cost)
        self.stage.tick("responses", self.sampled + tally.sampled, self.lacking, describe(shown))

    def _accepted(self, rows: Sequence[Response]) -> int:
        answers = {row["question_id"]: row["answer"] for row in self.questions}
        asked = ((answers[row.question_id], row.text, row.finish_reason) for row in rows)
        return sum(judged.verdict == "accepted" for judged in self.judge.judge(asked))

    @property
    def text(self) -> str:
        """Say what was sampled, what it cost and what came back without a response, for the stage's line."""
        parts = [f"{self.sampled:,} sampled now"]
        parts += [f"cost {self.cost:,.4g}"] if self.cost else []
        if self.reasoned:
            done = {"drop": "dropped", "keep": "kept"}[self.context.recipe.sampling.reasoning]
            parts.append(f"reasoning {done} in {self.reasoned:,}, its tokens counted")
        return ", ".join(parts + ([f"without a response: {self._kinds}"] if self.errors else []))

    @property
    def _kinds(self) -> str:
        return ", ".join(f"{count:,} x {kind}" for kind, count in self.errors.most_common(3))

    def refuse_many_errors(self) -> None:
        """End a run that has just recorded many errors: whoever trains on the rest should know it.

        Raises:
            StageError: with their kinds and how to go on.
        """
        failed = self.errors.total()
        if failed >= MANY_ERRORS and failed >= MANY_SHARE * self.sampled:
            raise StageError(
                f"{failed:,} of {self.sampled:,} requests brought no response ({self._kinds}) and are recorded as "
                f"errors in {self.index.journal.name}; what was sampled is kept. `fss sample {self.context.run.name} "
                "--retry-errors` asks for them again; the same command without it goes on without them"
            )


def _known_rate(journal: Path) -> float | None:
    known = read_rate(rate_file(journal))
    return known.responses / known.seconds if known else None
