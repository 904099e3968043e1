"""Look up what the corpora of arms cost and what they look like."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isfinite
from statistics import mean

from toolkit.reports.arms import RESPONSES, match_name
from toolkit.reports.corpora import COMPLETION, LEDGER, NOT_TESTED, PROMPT, CorpusValue

Draws = dict[int, float]  # corpus draw -> value


class Ledger:
    """The values of a table of corpora by arm, key of `MATCHES` and budget.

    An arm's corpus without a `match` serves all of them.
    """

    def __init__(self, values: Iterable[CorpusValue]) -> None:
        self._draws: dict[tuple[str, str, int | None], dict[str, Draws]] = defaultdict(lambda: defaultdict(dict))
        self.units: dict[str, str] = {}
        self.protocols: dict[str, str] = {}  # of every arm
        self.untested: dict[str, str] = {}  # arm -> why it has no students
        for each in values:
            corpus = each.corpus
            self.protocols[corpus.arm] = corpus.protocol
            if each.metric == NOT_TESTED:
                self.untested[corpus.arm] = each.unit or NOT_TESTED
            elif each.value is not None and isfinite(each.value):
                draws = self._draws[corpus.arm, match_name(corpus.match), corpus.budget][each.metric]
                draws[corpus.corpus_draw or 0] = each.value
                self.units[each.metric] = each.unit or ""

    def of(self, arm: str, match: str, budget: int) -> Mapping[str, Draws]:
        """Return an arm's values by metric and corpus draw; empty where none are known."""
        return self._draws.get((arm, match, budget)) or self._draws.get((arm, RESPONSES, budget)) or {}

    def metrics(self) -> list[str]:
        """List the metrics of what corpora look like, without what is counted."""
        return sorted(self.units.keys() - set(LEDGER))

    def mean(self, arm: str, match: str, budget: int, metric: str) -> float | None:
        """Return the mean over corpus draws; None where it is not known."""
        draws = self.of(arm, match, budget).get(metric)
        return mean(draws.values()) if draws else None

    def tokens(self, arm: str, match: str, budget: int) -> float | None:
        """Return the mean number of tokens, of prompts and completions; None where either is not known."""
        parts = [self.mean(arm, match, budget, name) for name in (PROMPT, COMPLETION)]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None
