"""What the arms of an experiment will ask for, an entry per arm: replicates with the same ahead are said once."""

from collections.abc import Mapping, Sequence

from toolkit.pipeline.cells import Drawn, drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.responses import plan_responses

Named = Mapping[Drawn, PlannedStage]


def fold_responses(sources: Sequence[tuple[Context, Source]]) -> list[PlannedStage]:
    """Plan the responses of every source; arms and replicates of the same text become one stage.

    An arm that samples as an earlier one reads its journal. It is said to, and nothing is ahead of it: what it may ask
    for beyond the other cannot be told before that is there.
    """
    owners: dict[str, Drawn] = {}
    planned: dict[Drawn, PlannedStage] = {}
    for context, source in sources:
        name = drawn_by(context.run)
        owner = owners.setdefault(source.key, name)
        stage = plan_responses(context, source)
        if owner != name and stage.ahead and planned[owner].ahead:
            said = stage.text.partition(", to sample:")[0]
            stage = stage._replace(text=f"{said}: those of arm {owner.arm}, and what it lacks of them", ahead=())
        planned[name] = stage
    return _folded(planned)


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
    ahead = [work for stage in stages for work in stage.ahead]
    return PlannedStage("responses", artifacts, f"{named}: {stages[0].text}", ahead)


def counted_words(count: int, word: str) -> str:
    """Write a number of things: `1 arm`, `6 arms`."""
    return f"{count} {word}{'s' * (count != 1)}"
