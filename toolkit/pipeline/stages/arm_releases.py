"""Which arms of an experiment have a release of their own, and under which name.

Every arm whose responses are drawn otherwise than those of an arm before it has a dataset, `<repo>-<arm>`; the first
one has `<repo>`. Arms of one source that are matched differently, at samples and at tokens, have a dataset each: their
corpora end at different responses, within an index. So do those of an arm that keeps some of what it may take for
corrections of mistakes. As budgets of one release each would have to be cut where the other
one ends, so that published files would change with what another arm takes. Within a dataset nothing is stored twice.
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from toolkit.pipeline.cells import drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.stages.students import Replicate
from toolkit.pipeline.token_costs import correction_share


class Way(NamedTuple):
    """One arm in one replicate, up to its corpus."""

    context: Context
    source: Source
    corpus: Corpus


def of_first_draw(contexts: Sequence[Context]) -> list[Context]:
    """Give the contexts of the first teacher in the first replicate, one of each arm; these are published."""
    first = drawn_by(contexts[0].run)
    return [one for one in contexts if drawn_by(one.run)[:2] == first[:2]]


def ways_of(replicates: Sequence[Replicate]) -> list[Way]:
    """Give the first draw of each arm, the first arm first."""
    pair, replicate = replicates[0].context.recipe.pair, replicates[0].context.run.replicates
    own = [one for one in replicates if (one.context.recipe.pair, one.context.run.replicates) == (pair, replicate)]
    return [Way(one.context, one.source, one.corpus) for one in own]


def arm_releases(ways: Sequence[Way]) -> list[Way]:
    """Give the arms that have a release beside the first one's, each with the name of its own dataset.

    An arm that samples as the first one does has none, whatever it is matched at: it counts the same responses.
    """
    found: dict[tuple[str, str | None, Fraction], Way] = {}
    for way in ways:
        recipe = way.context.recipe
        if way.source.key != ways[0].source.key:
            found.setdefault((way.source.key, recipe.ladder.match, correction_share(recipe)), _named(way))
    return list(found.values())


def _named(way: Way) -> Way:
    recipe = way.context.recipe
    if recipe.release.repo is None:
        return way
    release = dataclasses.replace(recipe.release, repo=f"{recipe.release.repo}-{recipe.arm}")
    return way._replace(context=way.context.with_recipe(dataclasses.replace(recipe, release=release)))
