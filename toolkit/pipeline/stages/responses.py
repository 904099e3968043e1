"""Responses: what the journal of a source lacks is asked of its teacher, round by round."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.pipeline.asking import Asking, estimate_missing, prices_of
from toolkit.pipeline.cells import most_draws, parts_of
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.judge import CorpusJudge, judged_by
from toolkit.pipeline.protocol import made_from, makes_questions, protocol_of, question_protocol_of
from toolkit.pipeline.rates import rates_like, teacher_kind
from toolkit.pipeline.source import (
    Source,
    journal_of,
    refuse_other_source,
    source_identity,
    source_key,
    with_rows,
)
from toolkit.pipeline.stages.journal_index import Integers, JournalIndex
from toolkit.pipeline.stages.models import ALONE, Beside
from toolkit.pipeline.stages.questions import (
    find_labels,
    find_questions,
    labels_stage,
    questions_stage,
    seeds_of,
    with_labels,
    with_questions,
)
from toolkit.pipeline.teacher import open_teacher, served_as
from toolkit.pipeline.token_costs import TOKENS, correction_share, own_weights, plain_recipe, token_costs
from toolkit.progress import Stage
from toolkit.protocols.contract import QuestionProtocol
from toolkit.questions.pools import read_questions
from toolkit.recipe.sections import Recipe
from toolkit.synthesis.journal import Journal
from toolkit.synthesis.questions import Synthesised, synthesise_questions
from toolkit.synthesis.schedule import Round, StopDecision, decision_lines, matched_rounds, rounds
from toolkit.synthesis.step_estimates import ProtocolEstimate, estimate_questions
from toolkit.synthesis.tally import describe
from toolkit.workspace import Artifact, hash_of, write_atomic

AS = {"samples": "as many samples", "tokens": "as many tokens", "compute": "as much compute", "money": "as much money"}
SECONDS = 0.0015  # of one core per request of an embedded teacher of the default size


def responses_stage(
    context: Context, pool: Artifact, teacher: Artifact, judge: CorpusJudge, beside: Beside = ALONE
) -> Source:
    """Fill the source's journal up to the run's largest budget; what is in it is never sampled again.

    Args:
        beside: what the source may need beside its teacher.
    """
    source = _source(context, pool, teacher, beside)
    allowed = allowance(context, pool, teacher, beside.first)
    if context.recipe.ladder.match and allowed is None:
        raise StageError("the responses of the first arm are not all there, and they say what this arm may take")
    source, allowed = dataclasses.replace(source, allowed=allowed), for_responses(context.recipe, allowed)
    if makes_questions(context.recipe):
        with context.workspace.lock(f"responses-{source.journal.stem}"):
            synthesise = functools.partial(_synthesise, context, source, teacher)
            source, allowed = with_questions(source, questions_stage(context, source, allowed, synthesise)), None
    ids = [row["question_id"] for row in source.questions]
    with context.progress.stage("responses") as stage, context.workspace.lock(f"responses-{source.journal.stem}"):
        index = _index(context, source)
        models = source.student, source.expected
        with Asking(context, stage, index, source.questions, teacher, judge, *models) as asking:
            draws = draw(context, stage, index, pool, judge, ids, asking.ask, allowed)
            asking.refuse_many_errors()
            stage.text = f"{_described(context, source)}: {int(draws.sum()):,} responses, {asking.text}"
        source = with_rows(source, index, context.recipe.ladder.counting, draws)
    return with_labels(source, labels_stage(context, source, judge.answers)) if source.made else source


def _synthesise(
    context: Context,
    source: Source,
    teacher: Artifact,
    stage: Stage,
    journal: Journal,
    protocol: QuestionProtocol,
    wanted: int,
    *,
    held_out: Callable[[str], bool],
) -> Synthesised:
    """Ask a source's teacher for new questions.

    Raises:
        StageError: when the largest cost is reached.
    """
    seeds = seeds_of(context, source, held_out)
    with open_teacher(context, stage, teacher, [seed.text for seed in seeds]) as opened:
        made = synthesise_questions(
            journal,
            seeds,
            opened,
            protocol,
            wanted=wanted,
            held_out=held_out,
            sampling_seed=context.recipe.sampling.sampling_seed,
            report=lambda tally: stage.tick("questions", tally.sampled, tally.total or tally.sampled, describe(tally)),
            attempts=context.recipe.serving.attempts,
            prices=prices_of(context),
            max_cost=context.money_left,
            errors=context.retry_errors,
        )
    context.costs.append(made.cost)
    if made.stopped:
        raise StageError(f"{made.stopped}; what came is kept, and the same command with more goes on")
    return made


def plan_responses(context: Context, source: Source) -> PlannedStage:
    """Say how many responses a source lacks, and what they cost at most."""
    text = _described(context, source)
    if source.rows:
        return PlannedStage("responses", (), f"{text}: none to sample")
    if makes_questions(context.recipe) and not (source.made and source.made.made):
        asked = _estimate_questions(context, source)
        text = f"new questions with {max(context.run.budgets)} responses each, to sample: {asked}"
        return PlannedStage("responses", [source.made] if source.made else [], text, [_ahead(context, asked.requests)])
    index = _index(context, source)
    index.read()
    missing = estimate_missing(context, index, source.questions, source.expected)
    unit = "responses" if missing.requests == missing.responses else "requests"
    return PlannedStage("responses", (), f"{text}, to sample: {missing}", [_ahead(context, missing.requests, unit)])


def _estimate_questions(context: Context, source: Source) -> ProtocolEstimate:
    """Estimate calls and answers of an arm that makes new questions: as many as seeds, or as its samples leave room."""
    recipe, calls, budget = context.recipe, question_protocol_of(context.recipe), max(context.run.budgets)
    room = int(most_draws(context.run).sum()) // (len(calls.steps) + budget)
    return estimate_questions(
        calls,
        protocol_of(recipe),
        made_from(recipe, read_questions(source.pool.path)[: max(recipe.subsets)]),
        room if recipe.ladder.match else max(recipe.subsets),
        budget,
        max_tokens=recipe.sampling.max_tokens,
        prices=prices_of(context),
    )


def find_source(context: Context, pool: Artifact, teacher: Artifact, beside: Beside = ALONE) -> Source:
    """Look up a source; it is without rows where some are missing, not counted yet, or asked for again."""
    source, ladder = _source(context, pool, teacher, beside), context.recipe.ladder
    allowed = allowance(context, pool, teacher, beside.first)
    if ladder.match and allowed is None:
        return source
    source, allowed = dataclasses.replace(source, allowed=allowed), for_responses(context.recipe, allowed)
    if makes_questions(context.recipe):
        questions = find_questions(context, source, allowed)
        source, allowed = with_questions(source, questions), None
        if not questions.made:
            return source
    index = _index(context, source)
    index.read()
    if not pool.made or (ladder.counting != "sampled" and not _known_paths(context, index, pool)):
        return source
    if context.retry_errors and index.errors:
        return source
    count, draws = len(source.questions), None
    for wanted in _rounds(context, index, count, allowed, lambda decision: None):
        held = index.held(count, int(wanted.stop.max(initial=0)))
        if not all(held[pair] for pair in wanted.pairs()):
            return source
        draws = wanted.stop
    if draws is None:
        return source
    source = with_rows(source, index, ladder.counting, draws)
    return with_labels(source, find_labels(context, source)) if source.made else source


def allowance(context: Context, pool: Artifact, teacher: Artifact, first: Artifact | None = None) -> int | None:
    """Give what an arm may take of its teacher, in the unit of `match`: as much as the first arm does at its budget.

    Compute is counted in tokens of the arm's own teacher, and money in a unit of which all prices are whole numbers.

    Returns:
        None where nothing is matched, or where it is not known yet.
    """
    recipe, most, first = context.recipe, most_draws(context.run), first or teacher
    if recipe.ladder.match in (None, "samples") or recipe.plain is None:
        return int(most.sum()) if recipe.ladder.match else None
    costs = token_costs(context, teacher, first)
    source = _source(context.with_recipe(plain_recipe(recipe)), pool, first)
    index = JournalIndex(source.journal, source.questions)
    index.read()
    shape = len(source.questions), int(most.max())
    counted = np.arange(shape[1]) < most[:, None]
    if costs is None or not pool.made or not index.held(*shape)[counted].all():
        return None
    took = (int(index.costs("tokens", *shape, weights)[counted].sum()) for weights in ((1, 0), (0, 1)))
    return math.floor(sum(weight * tokens for weight, tokens in zip(costs.first, took, strict=True)))


def for_responses(recipe: Recipe, allowed: int | None) -> int | None:
    """Give what responses may take of what a matched arm may: all but what is kept for corrections of mistakes."""
    share = correction_share(recipe)
    return allowed if allowed is None or not share else math.floor(allowed * (1 - share))


def _expected(context: Context, teacher: Artifact, first: Artifact) -> int | None:
    """Give about how many responses an arm takes that is matched to another, at the same mean length of a step."""
    if not context.recipe.ladder.match:
        return None
    costs, steps = token_costs(context, teacher, first) or TOKENS, protocol_of(context.recipe).most_steps
    return math.floor(most_draws(context.run).sum() * costs.ratio * (1 - correction_share(context.recipe))) // steps


def _rounds(
    context: Context,
    index: JournalIndex,
    questions: int,
    allowed: int | None,
    record: Callable[[StopDecision], None],
) -> Iterator[Round]:
    """Yield the rounds of draws of a run; `allowed` is what an arm may take that is matched to another one."""
    ladder, budget, most = context.recipe.ladder, max(context.run.budgets), most_draws(context.run)[:questions]
    if ladder.match is None or allowed is None:
        return rounds(ladder, questions, budget, index.path, record, most)
    by_tokens, shape = ladder.match != "samples", (questions, _most_matched(context))
    weights = own_weights(context.recipe)
    longest = context.recipe.sampling.max_tokens * weights[1] if by_tokens else 1
    guess = protocol_of(context.recipe).most_steps * longest
    costs = functools.partial(index.costs, "tokens" if by_tokens else "samples", *shape, weights)
    return matched_rounds(allowed, budget, shape, costs, guess, whole=by_tokens)


def _most_matched(context: Context) -> int:
    """Give the most responses of a question that an arm may take that is matched to another."""
    ladder, budget = context.recipe.ladder, max(context.run.budgets)
    return budget if ladder.match == "samples" else max(budget, ladder.max_draws)


def _index(context: Context, source: Source) -> JournalIndex:
    return JournalIndex(source.journal, source.questions, protocol_of(context.recipe).by_student)


def _source(context: Context, pool: Artifact, teacher: Artifact, beside: Beside = ALONE) -> Source:
    """Give the source before its responses are looked at; a student only where its protocol asks one."""
    recipe = context.recipe
    student = beside.student if protocol_of(recipe).by_student else None
    questions, known = pool.file("questions.parquet"), student.digest if student else None
    identity = source_identity(teacher.digest, served_as(recipe), questions, recipe.sampling, known)
    refuse_other_source(context, identity)
    key = source_key(identity)
    parts = parts_of(context.run)
    return Source(
        pool,
        teacher,
        read_questions(pool.path)[: max(recipe.subsets)] if pool.made else [],
        key,
        journal_of(context.workspace, identity, recipe.sampling),
        parts,
        {part: hash_of({"planned": key, "rung": part[1]}) for part in parts},
        student=student,
        first=beside.first,
        expected=_expected(context, teacher, beside.first or teacher),
    )


def _ahead(context: Context, requests: int, unit: str = "requests") -> Ahead:
    """Say how long it takes: a response of several steps takes as long as all of its requests."""
    known = ((rate.seconds, rate.requests) for rate in rates_like(context))
    guess = SECONDS if teacher_kind(context.recipe) == "embedded" else None
    return timed(context, Ahead("responses", requests, unit), known, guess, alone=True)


def _described(context: Context, source: Source) -> str:
    ladder, most = context.recipe.ladder, most_draws(context.run)
    budget = int(most.max())
    each = {
        "sampled": f"{'up to ' * bool(most.min() < budget)}{budget} responses each",
        "accepted": f"up to {budget} distinct accepted responses each in at most {ladder.max_draws} draws",
        "adaptive": f"up to {budget} responses each, while more than {ladder.stop_below:g} new are expected per draw",
    }[ladder.counting]
    if makes_questions(context.recipe):
        return f"{len(source.questions):,} new questions, {budget} responses each"
    each = f"{AS[ladder.match]} as {budget} responses each take in the first arm" if ladder.match else each
    return f"{len(source.questions):,} questions, {each}"


def draw(
    context: Context,
    stage: Stage,
    index: JournalIndex,
    pool: Artifact,
    judge: CorpusJudge,
    question_ids: Sequence[str],
    ask: Callable[[Round], None],
    allowed: int | None = None,
) -> Integers:
    """Bring the journal up to the run's largest budget; (questions,) how many of each question's draws count.

    Why adaptive draws ended is written beside the journal, as `<journal>.stops.jsonl`.

    Args:
        index: of the journal.
        pool: whose answers and held-out questions `judge` judges by.
        question_ids: in pool order.
        ask: given each round, samples what the journal lacks of it.
        allowed: see `allowance`.
    """
    ladder, judged = context.recipe.ladder, context.recipe.ladder.counting != "sampled"
    decisions: list[StopDecision] = []
    draws = np.zeros(len(question_ids), np.int64)
    index.read()
    if judged and not _known_paths(context, index, pool):
        index.label(judge)
    for wanted in _rounds(context, index, len(question_ids), allowed, decisions.append):
        ask(wanted)
        index.read()
        if judged:
            index.label(judge)
        draws = wanted.stop
    _refuse_short(context, index, draws, allowed)
    if judged:
        context.build(stage, "paths", _inputs(context, index, pool), lambda out: _save(index, out))
    if ladder.counting == "adaptive":
        write_atomic(index.journal.with_suffix(".stops.jsonl"), decision_lines(decisions, question_ids))
    return draws


def _refuse_short(context: Context, index: JournalIndex, draws: Integers, allowed: int | None) -> None:
    """Refuse an arm that has taken less than the first one and may draw no more: they would not be compared alike."""
    match, most = context.recipe.ladder.match, _most_matched(context)
    if match in (None, "samples") or allowed is None or draws.min(initial=most) < most:
        return
    took = int(index.costs("tokens", len(draws), most, own_weights(context.recipe)).sum())
    if took < allowed:
        raise StageError(
            f"max_draws: at {most} responses per question the arm has taken {took / allowed:.1%} of the first arm's "
            f"{match}; raise max_draws to about {math.ceil(most * allowed / took)}. What was sampled is kept"
        )


def _inputs(context: Context, index: JournalIndex, pool: Artifact) -> dict[str, Any]:
    return {"responses": index.digest(), **judged_by(context, pool)}


def _save(index: JournalIndex, out: Path) -> dict[str, Any]:
    index.save_paths(out / "paths.parquet")
    return {"responses": len(index)}


def _known_paths(context: Context, index: JournalIndex, pool: Artifact) -> bool:
    """Take the paths of a run that left the same journal; judging a large one again would take its time."""
    found = context.workspace.planned("paths", _inputs(context, index, pool))
    if found.made:
        index.load_paths(found.path / "paths.parquet")
    return found.made
