"""What each arm of an experiment took of its teacher, by step, with what was asked for and is in no corpus."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.pipeline.cells import drawn_by
from toolkit.pipeline.stages.students import MISTAKES, Replicate, find_mistakes
from toolkit.pipeline.token_costs import flops_of
from toolkit.pipeline.unused import unused
from toolkit.recipe.sections import Serving
from toolkit.synthesis.journal import Usage

if TYPE_CHECKING:
    from toolkit.reports.step_costs import StepCost


def ledger_inputs(replicates: Sequence[Replicate]) -> dict[str, Any]:
    """Give what the ledger of some corpora is made from."""
    corpora = [[*_named(one), *(part.digest for part in one.corpus.parts.values())] for one in replicates]
    calls = [one.source.made.digest for one in replicates if one.source.made]
    rates = [_rates(one) for one in replicates]
    return {"corpora": corpora, "calls": calls, "rates": rates, **mistakes_of(replicates)}


def mistakes_of(replicates: Sequence[Replicate]) -> dict[str, Any]:
    """Give what students that learn from their mistakes took; nothing where there are none."""
    found = [find_mistakes(one, *corpus) for one in replicates for corpus in one.corpus.corpora]
    digests = [one.digest for one in found if one]
    return {MISTAKES: digests} if digests else {}


def write_ledger(replicates: Sequence[Replicate], out: Path) -> dict[str, Any]:
    """Write what each corpus took of its teacher, a row per step, and what lies in journals beside them."""
    from toolkit.reports.step_costs import write_step_costs

    left = unused(replicates)
    costs = [cost for one in replicates for cost in _costs_of(one, left[drawn_by(one.context.run)])]
    write_step_costs(out, costs)
    return {"rows": len(costs)}


def _costs_of(replicate: Replicate, left: Usage) -> "Iterator[StepCost]":
    for corpus in replicate.corpus.corpora:
        for step, counts in replicate.took(*corpus).items():
            yield _cost(replicate, corpus, step, counts)
    if any(left):
        counts = {"samples": left.samples, "kept": 0, "prompt_tokens": left.prompt_tokens}
        yield _cost(replicate, max(replicate.corpus.corpora), "unused", counts | {"tokens": left.completion_tokens})


def _cost(replicate: Replicate, corpus: tuple[int, int], step: str, counts: dict[str, int]) -> "StepCost":
    """Give the row of a step; what a student's base answers costs its teacher nothing."""
    from toolkit.reports.step_costs import COUNTS, StepCost

    context, (experiment, arm, protocol, match, draw) = replicate.context, _named(replicate)
    samples, kept, prompt_tokens, tokens = (float(counts[name]) for name in COUNTS)
    by_student = step in replicate.by_student
    flops = None if by_student else flops_of(context, replicate.teacher, counts["prompt_tokens"] + counts["tokens"])
    cost = None if by_student else _money(context.recipe.serving, prompt_tokens, tokens)
    took = samples, kept, prompt_tokens, tokens
    return StepCost(experiment, arm, protocol, match, *corpus, draw, step, *took, cost, flops, by_student)


def _money(serving: Serving, prompt_tokens: float, tokens: float) -> float | None:
    if not (serving.price_prompt or serving.price_completion):
        return None
    return (prompt_tokens * serving.price_prompt + tokens * serving.price_completion) / 1e6


def _rates(replicate: Replicate) -> list[float | None]:
    serving = replicate.context.recipe.serving
    return [serving.price_prompt, serving.price_completion, flops_of(replicate.context, replicate.teacher, 1)]


def _named(replicate: Replicate) -> tuple[str, str, str, str | None, int]:
    """Name an arm's draw as the table does: experiment, arm, protocol, match and draw."""
    recipe = replicate.context.recipe
    (draw,) = replicate.context.run.replicates
    return recipe.name, recipe.arm, recipe.sampling.protocol, recipe.ladder.match, draw
