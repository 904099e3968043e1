"""Anybody's rows judged by our policies, some hundred at a time, whatever stands in them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from toolkit.questions.pools import parse_answer
from toolkit.recipe.sections import Verification
from toolkit.records.cells import CellError, cell_text, shown
from toolkit.records.writing import batched
from toolkit.verification.golds import gold_problem
from toolkit.verification.judge import Judge

UNJUDGED = "unjudged"  # beside the verdicts: a row without a gold, a response or a kind that can be read
_CHUNK = 1024
_YES = {"true", "1", "1.0", "yes", "correct", "right", "accept", "accepted", "pass"}
_NO = {"false", "0", "0.0", "no", "incorrect", "wrong", "reject", "rejected", "fail"}
_REASONS = {
    "stop": ("stop", "eos", "eos_token", "stop_sequence", "end_turn"),
    "length": ("length", "max_tokens", "max_output_tokens", "model_length"),
    "error": ("error", "failed"),
}
_REASON_OF = {word: reason for reason, words in _REASONS.items() for word in words}


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns; all but `gold` and `response` may be None."""

    gold: str
    response: str
    kind: str | None = None
    finish_reason: str | None = None
    label: str | None = None

    @property
    def names(self) -> list[str]:
        """Those that must be there."""
        return [name for name in (self.gold, self.response, self.kind, self.finish_reason, self.label) if name]


class Judged(NamedTuple):
    """A row (from 0) and what was made of it.

    `problem` says why a row is unjudged; `right` is what its label says, None where there is none or it cannot be read.
    """

    number: int
    record: dict[str, Any]
    kind: str
    gold: str
    verdict: str
    extracted: str | None
    problem: str | None
    right: bool | None


class _Ask(NamedTuple):
    kind: str
    gold: str
    text: str
    reason: str
    problem: str | None = None


class RowJudge:
    """Judges rows, each by the policy of its kind; a context manager, which stops its workers.

    Args:
        columns: where gold, response and so on stand.
        policies: settings by kind; the first is that of rows that name none.
        workers: processes at most, for each kind that needs some.
        gold_pattern: cuts the gold out of its column, as `parse_answer` has it.
    """

    def __init__(
        self, columns: Columns, policies: Mapping[str, Verification], workers: int, gold_pattern: str | None = None
    ) -> None:
        self._columns, self._policies, self._pattern = columns, policies, gold_pattern
        self._judges = {kind: Judge(settings, workers) for kind, settings in policies.items()}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "RowJudge":
        for judge in self._judges.values():
            self._stack.enter_context(judge)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    @property
    def killed(self) -> int:
        """Rows rejected because comparing their formulas took too long."""
        return sum(judge.killed for judge in self._judges.values())

    def judge(self, records: Iterable[dict[str, Any]]) -> Iterator[Judged]:
        """Yield every row with its verdict, in order; holds about a thousand of them."""
        for chunk in batched(enumerate(records), _CHUNK):
            asks = [self._ask(record) for _, record in chunk]
            verdicts = self._verdicts(asks)
            for (number, record), ask, (verdict, extracted) in zip(chunk, asks, verdicts, strict=True):
                right = self._right(record)
                yield Judged(number, record, ask.kind, ask.gold, verdict, extracted, ask.problem, right)

    def _verdicts(self, asks: list[_Ask]) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = [(UNJUDGED, None)] * len(asks)
        for kind, judge in self._judges.items():
            places = [place for place, ask in enumerate(asks) if ask.kind == kind and not ask.problem]
            rows = ((asks[place].gold, asks[place].text, asks[place].reason) for place in places)
            for place, judgement in zip(places, judge.judge(rows), strict=True):
                found[place] = judgement.verdict, judgement.extracted
        return found

    def _ask(self, record: dict[str, Any]) -> _Ask:
        columns, kind = self._columns, next(iter(self._policies))
        gold = text = ""
        reason = "stop"
        try:
            if columns.kind:
                kind = _known(columns.kind, record, {name: name for name in self._policies})
            if columns.finish_reason:
                reason = _known(columns.finish_reason, record, _REASON_OF)
            gold = self._gold(record, self._policies[kind])
            text = _cell(columns.response, record, blank=True) if reason != "error" else ""
        except CellError as error:
            return _Ask(kind, gold, text, reason, str(error))
        return _Ask(kind, gold, text, reason)

    def _gold(self, record: dict[str, Any], settings: Verification) -> str:
        whole = _cell(self._columns.gold, record)
        gold = parse_answer(whole, self._pattern) if self._pattern else whole
        if gold is None:
            raise CellError(f"{self._columns.gold} {shown(whole[-60:])} has no answer under {self._pattern!r}")
        problem = gold_problem(gold, settings)
        if problem:
            raise CellError(problem)
        return gold

    def _right(self, record: dict[str, Any]) -> bool | None:
        label = record.get(self._columns.label) if self._columns.label else None
        if isinstance(label, bool):
            return label
        word = str(label).strip().lower()
        return True if word in _YES else False if word in _NO else None


def _cell(column: str, record: Mapping[str, Any], *, blank: bool = False) -> str:
    try:
        return cell_text(record.get(column), blank=blank)
    except CellError as error:
        raise CellError(f"{column} {error}") from error


def _known(column: str, record: Mapping[str, Any], words: Mapping[str, str]) -> str:
    word = _cell(column, record)
    if word.lower() not in words:
        raise CellError(f"{column} is {shown(word)}; known: {', '.join(dict.fromkeys(words.values()))}")
    return words[word.lower()]
