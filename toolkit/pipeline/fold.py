"""What the arms of an experiment will ask for, an entry per arm: replicates with the same ahead are said once."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.pipeline.cells import Drawn, drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.responses import plan_responses

Named = Mapping[Drawn, PlannedStage]


def fold_responses(sources: Sequence[tuple[Context, Source]]) -> list[PlannedStage]:
    """Plan the responses of every source; arms and replicates of the same text become one stage.

    An arm that samples as an earlier one reads its journal: ahead of it is only what it is estimated to take beyond.
    """
    owners: dict[Path, Drawn] = {}
    asked: dict[Drawn, PlannedStage] = {}  # as if each were alone
    planned: dict[Drawn, PlannedStage] = {}
    for context, source in sources:
        name = drawn_by(context.run)
        owner = owners.setdefault(source.journal, name)
        stage = plan_responses(context, source)
        planned[name] = _beyond(owner, asked[owner], stage) if owner != name else stage
        asked[name] = stage
    return _folded(planned)


def _beyond(owner: Drawn, first: PlannedStage, stage: PlannedStage) -> PlannedStage:
    """Give the stage of an arm that reads the journal of an earlier one, `owner`, whose stage is `first`."""
    if not (first.ahead and stage.ahead):
        return stage
    (work,), there = stage.ahead, sum(one.units for one in first.ahead)
    more = max(work.units - there, 0)
    seconds = None if work.seconds is None else work.seconds * more / max(work.units, 1)
    text = f"{stage.text.partition(', to sample:')[0]}: those of arm {owner.arm}, and about {more:,.0f} requests more"
    return stage._replace(text=text, ahead=[dataclasses.replace(work, units=more, seconds=seconds)])


def _folded(planned: Named) -> list[PlannedStage]:
    """Join the stages of each teacher and arm that say the same."""
    groups: dict[tuple[str, str, str], dict[Drawn, PlannedStage]] = {}
    for name, stage in planned.items():
        groups.setdefault((name.teacher, name.arm, stage.text), {})[name] = stage
    several = len({name.teacher for name in planned}) > 1
    return [_joined(group, several, len({name.replicate for name in planned})) for group in groups.values()]


def _joined(group: Named, several: bool, replicates: int) -> PlannedStage:
    """Join stages of one text.

    Args:
        several: whether there are several teachers, so that each is named.
        replicates: of the experiment.
    """
    first, stages = next(iter(group)), list(group.values())
    if len(group) == replicates:
        which = counted_words(replicates, "replicate")
    else:
        which = f"replicate{'s' * (len(group) > 1)} {', '.join(str(name.replicate) for name in group)}"
    named = f"teacher {first.teacher}, " * several + f"{first.arm}, {which}" + ", each" * (len(group) > 1)
    artifacts = [artifact for stage in stages for artifact in stage.artifacts]
    ahead = [dataclasses.replace(work, unit="requests") for stage in stages for work in stage.ahead]
    return PlannedStage("responses", artifacts, f"{named}: {stages[0].text}", ahead)


def counted_words(count: int, word: str) -> str:
    """Write a number of things: `1 arm`, `6 arms`."""
    return f"{count} {word}{'s' * (count != 1)}"
