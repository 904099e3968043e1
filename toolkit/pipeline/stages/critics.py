"""What critics did: the steps of a source's responses judged without asking anybody, for protocols that have them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.corpora.metrics.critics import (
    Criticised,
    Refined,
    Share,
    Shares,
    critique_shares,
    pooled,
    refinement_shares,
)
from toolkit.pipeline.cells import drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.protocol import protocol_of
from toolkit.pipeline.replay import response_of
from toolkit.pipeline.source import Source, responses_of
from toolkit.pipeline.stages.corpus import verdict_inputs
from toolkit.pipeline.stages.journal_index import Row
from toolkit.pipeline.stages.students import Replicate
from toolkit.protocols import critique_guided, self_refine
from toolkit.protocols.contract import Draft
from toolkit.synthesis.executions import completion_of
from toolkit.teachers.completion import Completion
from toolkit.verification.judge import Judge
from toolkit.verification.mentions import mentions
from toolkit.workspace import Artifact, to_json, write_atomic

AT_ONCE = 256  # responses whose steps are judged together
Steps = list[tuple[str, Completion]]  # of a response, the last one included, each with its name


class Made(NamedTuple):
    """The known answer to a question, and the steps of a response to it."""

    gold: str
    steps: Steps


def refined(judge: Judge, responses: Sequence[Made]) -> Iterator[Refined]:
    """Read drafts and reviews as the protocol does, and judge what stands after each."""
    read = [_texts(made.steps) for made in responses]
    right = _right(
        judge, ((made.gold, text) for made, (texts, _) in zip(responses, read, strict=True) for text in texts)
    )
    for made, (texts, unread) in zip(responses, read, strict=True):
        last = made.steps[-1][1].text
        yield Refined(tuple(islice(right, len(texts))), len(texts) > 1 and self_refine.is_satisfied(last), unread)


def _texts(steps: Steps) -> tuple[list[Draft], int]:
    """Give the draft and what stands after each review, and how many reviews object without a solution."""
    (_, first), *reviews = steps
    texts, unread = [Draft(first.text, first.finish_reason)], 0
    for _, review in reviews:
        better = self_refine.rewritten(review)
        texts.append(better or texts[-1])
        unread += better is None and not self_refine.is_satisfied(review.text)
    return texts, unread


def criticised(judge: Judge, responses: Sequence[Made]) -> Iterator[Criticised]:
    """Judge first and refined answers, and look for the known answer in the critique between them."""
    steps = [dict(made.steps) for made in responses]
    asked = [Draft(own[name].text, own[name].finish_reason) for own in steps for name in ("probe", "refine")]
    right = _right(judge, zip([made.gold for made in responses for _ in range(2)], asked, strict=True))
    for made, own in zip(responses, steps, strict=True):
        critique = own["critique"].text
        said = critique_guided.conclusion(critique)
        yield Criticised(next(right), next(right), said, mentions(judge, made.gold, critique))


def _right(judge: Judge, texts: Iterable[tuple[str, Draft]]) -> Iterator[bool]:
    rows = ((gold, draft.text, draft.finish_reason) for gold, draft in texts)
    return (judged.verdict == "accepted" for judged in judge.judge(rows))


Count = Callable[[Judge, Sequence[Made], int], Shares]
COUNTS: dict[str, Count] = {
    "self_refine": lambda judge, made, rounds: refinement_shares(refined(judge, made), rounds),
    "critique_guided": lambda judge, made, rounds: critique_shares(criticised(judge, made)),
}


def critics_stage(context: Context, replicates: Sequence[Replicate]) -> None:
    """Count what critics did to the responses of every source whose protocol has some."""
    own = _with_critics(replicates)
    if not own:
        return
    with context.progress.stage("critics") as stage:
        for replicate in own:
            single, source = replicate.context, replicate.source
            context.build(stage, "critics", _inputs(single, source), partial(_make, single, source))
        stage.text = f"{len(own)} source{'s' * (len(own) > 1)} whose answers were criticised"


def plan_critics(replicates: Sequence[Replicate]) -> list[PlannedStage]:
    """Say whether it is counted what critics did."""
    found = [find_critics(replicate) for replicate in _with_critics(replicates)]
    return [PlannedStage("critics", [one for one in found if one], "what critics did to answers")] if found else []


def find_critics(replicate: Replicate) -> Artifact | None:
    """Look up what critics did to a source's responses; None for a protocol without critics."""
    context = replicate.context
    if context.recipe.sampling.protocol not in COUNTS:
        return None
    return context.workspace.planned("critics", _inputs(context, replicate.source))


def shares_of(replicates: Iterable[Replicate]) -> Shares:
    """Give what critics did in some replicates together, as far as it is counted."""
    found = (find_critics(replicate) for replicate in replicates)
    counted = (one.facts["shares"] for one in found if one and one.made)
    return pooled({name: Share(*share) for name, share in shares.items()} for shares in counted)


def _with_critics(replicates: Sequence[Replicate]) -> list[Replicate]:
    """Give one replicate for each source that has critics: pairs with the same teacher share theirs."""
    sources = {drawn_by(one.context.run): one for one in replicates}
    return [one for one in sources.values() if one.context.recipe.sampling.protocol in COUNTS]


def _inputs(context: Context, source: Source) -> dict[str, Any]:
    return {"verdicts": [verdict_inputs(context, source, part) for part in source.parts]}


def _make(context: Context, source: Source, out: Path) -> dict[str, Any]:
    protocol, responses = protocol_of(context.recipe), _responses(source)
    count, parts = COUNTS[context.recipe.sampling.protocol], list[Shares]()
    with Judge(context.recipe.verification, context.workers.jobs) as judge:
        while chunk := list(islice(responses, AT_ONCE)):
            parts.append(count(judge, chunk, protocol.times("review")))
    shares = {name: list(share) for name, share in pooled(parts).items()}
    write_atomic(out / "critics.json", to_json(shares))
    return {"shares": shares}


def _responses(source: Source) -> Iterator[Made]:
    """Yield all responses of a source that came about."""
    for part in source.parts:
        for row, steps in responses_of(source, part):
            if row["finish_reason"] != "error":
                yield Made(source.questions[row["position"]]["answer"], _steps(row, steps))


def _steps(row: Row, steps: Sequence[Row]) -> Steps:
    rows = [response_of(found) for found in (*steps, row)]
    return [(found.step, completion_of(found)) for found in rows if found.is_completion]
