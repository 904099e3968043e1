"""Asking the teacher for what the journal lacks; opened when the first response is needed, closed at the end."""

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from toolkit.pipeline.grid import most_draws
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.journal_index import JournalIndex
from toolkit.pipeline.rates import read_rate
from toolkit.pipeline.teacher import open_teacher, protocol_of
from toolkit.progress import Stage
from toolkit.protocols.course import first_prompt
from toolkit.synthesis.courses import Wanted
from toolkit.synthesis.journal import Journal, Response
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.schedule import Round
from toolkit.synthesis.spending import Estimate, Prices, estimate
from toolkit.synthesis.tally import Tally, describe
from toolkit.teachers.completion import Teacher
from toolkit.verification.judge import Judge
from toolkit.workspace import Artifact, to_json, write_atomic

MANY_ERRORS, MANY_SHARE = 8, 0.1  # rows without a response, and their share of those sampled, that end a run


class Asking(contextlib.ExitStack):
    """Samples rounds of draws into a journal; a context manager.

    Args:
        index: of the journal, read to its end.
        questions: question_id, question and answer, in pool order.
    """

    def __init__(
        self, job: Job, stage: Stage, index: JournalIndex, questions: Sequence[Mapping[str, Any]], teacher: Artifact
    ) -> None:
        super().__init__()
        self.job, self.stage, self.index, self.questions, self.artifact = job, stage, index, questions, teacher
        self.sampled, self.cost, self.reasoned, self.errors = 0, 0.0, 0, Counter[str]()
        self.lacking = 0  # responses, when the first was asked for
        serving, sampling = job.recipe.serving, job.recipe.sampling
        self.protocol = protocol_of(job.recipe)
        self.prices = Prices(serving.price_prompt, serving.price_completion, sampling.max_tokens)

    def __enter__(self) -> Self:
        return self

    @functools.cached_property
    def journal(self) -> Journal:
        return self.enter_context(Journal(self.index.journal))

    @functools.cached_property
    def teacher(self) -> Teacher:
        texts = [row["question"] for row in self.questions]
        return self.enter_context(open_teacher(self.job, self.stage, self.artifact, texts))

    @functools.cached_property
    def judge(self) -> Judge:
        return self.enter_context(Judge(self.job.recipe.verification))

    @functools.cached_property
    def retried(self) -> frozenset[tuple[int, int]]:
        """(position, index) of the recorded errors that are asked for again: those of earlier runs."""
        return self.index.errors if self.job.retry_errors else frozenset()

    def rows(self, wanted: Round) -> Iterator[Wanted]:
        """(question id, text, index) of each response of a round that the journal lacks, or is to ask for again."""
        held = self.index.held(len(self.questions), int(wanted.stop.max(initial=0)))
        for position, index in wanted.pairs():
            if not held[position, index] or (position, index) in self.retried:
                row = self.questions[position]
                yield row["question_id"], row["question"], index

    def ask(self, wanted: Round) -> bool:
        """Sample what is missing of a round; False in a dry run that lacks some of it.

        Raises:
            StageError: when the largest cost is reached; the message says how to go on.
        """
        missing = sum(1 for _ in self.rows(wanted))
        if not missing or self.job.dry:
            return not missing
        if not self.sampled:
            self.begin()
        tally = sample(
            self.journal,
            self.rows(wanted),
            self.teacher,
            self.protocol,
            sampling_seed=self.job.recipe.sampling.sampling_seed,
            report=self._report,
            total=missing,
            attempts=self.job.recipe.serving.attempts,
            prices=self.prices,
            max_cost=None if self.job.max_cost is None else max(0.0, self.job.max_cost - sum(self.job.costs)),
            judge=self._accepted,
            errors=self.job.retry_errors,
        )
        self.sampled, self.cost = self.sampled + tally.sampled, self.cost + tally.cost
        self.reasoned += tally.reasoned
        self.job.costs.append(tally.cost)
        self.errors += tally.errors
        _remember_rate(self.index.journal, tally)
        if tally.stopped:
            raise StageError(
                f"sampling stopped at a cost of {sum(self.job.costs):,.4g}: the next response could lift it above "
                f"--max-cost {self.job.max_cost:g}. {self.sampled:,} responses were sampled and are kept; run the same "
                "command with more to go on"
            )
        return True

    def begin(self) -> None:
        """Say what it will take before anything is asked for."""
        ahead = self.estimate()
        self.lacking = ahead.requests
        self.job.progress.say(f"{'':11} to sample: {ahead}")
        self.stage.expect(1, "response")

    def estimate(self) -> Estimate:
        """What is ahead at most: where draws depend on what comes, all that the recipe allows."""
        ladder = self.job.recipe.ladder
        most = most_draws(self.job.run)
        most = np.full_like(most, ladder.max_draws) if ladder.counting == "accepted" else most
        rows = Round(int(most.max()), np.zeros_like(most), most)
        return estimate(
            (first_prompt(self.protocol, text) for _, text, _ in self.rows(rows)),
            max_tokens=self.job.recipe.sampling.max_tokens,
            seen=self.index.usage,
            prices=self.prices,
            rate=_known_rate(self.index.journal),
        )

    def _report(self, tally: Tally) -> None:
        shown = dataclasses.replace(tally, cost=tally.cost + self.cost)
        self.stage.tick("responses", self.sampled + tally.sampled, self.lacking, describe(shown))

    def _accepted(self, rows: Sequence[Response]) -> int:
        answers = {row["question_id"]: row["answer"] for row in self.questions}
        asked = ((answers[row.question_id], row.text, row.finish_reason) for row in rows)
        return sum(judged.verdict == "accepted" for judged in self.judge.judge(asked))

    @property
    def told(self) -> str:
        """What was sampled, what it cost and what came back without a response, for the stage's line."""
        parts = [f"{self.sampled:,} sampled now"]
        parts += [f"cost {self.cost:,.4g}"] if self.cost else []
        if self.reasoned:
            done = {"drop": "dropped", "keep": "kept"}[self.job.recipe.sampling.reasoning]
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
                f"errors in {self.index.journal.name}; what was sampled is kept. `fss sample {self.job.run.name} "
                "--retry-errors` asks for them again; the same command without it goes on without them"
            )


def _rate_file(journal: Path) -> Path:
    return journal.with_suffix(".rate.json")


def _remember_rate(journal: Path, tally: Tally) -> None:
    """For the next estimate of the same source."""
    if tally.sampled and tally.seconds:
        write_atomic(_rate_file(journal), to_json({"responses": tally.sampled, "seconds": round(tally.seconds, 3)}))


def _known_rate(journal: Path) -> float | None:
    known = read_rate(_rate_file(journal))
    return known[1] / known[0] if known else None
