"""Judge anybody's rows by the toolkit's policies, some hundred at a time, whatever their cells hold."""

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

UNJUDGED = "unjudged"  # for a row whose gold answer, response or kind cannot be read
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
class JudgeColumns:
    """Names of a table's columns; all but `gold` and `response` may be None."""

    gold: str
    response: str
    kind: str | None = None
    finish_reason: str | None = None
    label: str | None = None

    @property
    def names(self) -> list[str]:
        """Return the names of the columns that must exist."""
        return [name for name in (self.gold, self.response, self.kind, self.finish_reason, self.label) if name]


class JudgedRow(NamedTuple):
    """A row, its number (from 0) and its verdict.

    `problem` says why a row is unjudged; `right` is its label, None where there is none or it cannot be read.
    """

    number: int
    record: dict[str, Any]
    kind: str
    gold: str
    verdict: str
    extracted: str | None
    problem: str | None
    right: bool | None


class _Request(NamedTuple):
    kind: str
    gold: str
    text: str
    reason: str
    problem: str | None = None


class RowJudge:
    """Judges rows, each by the policy of its kind; a context manager, which stops its workers.

    Args:
        columns: the columns of gold answer, response and so on.
        policies: settings by kind; the first applies to rows that name no kind.
        workers: largest number of processes, for each kind that needs some.
        gold_pattern: the pattern by which `parse_answer` cuts the gold answer out of its column.
    """

    def __init__(
        self, columns: JudgeColumns, policies: Mapping[str, Verification], workers: int, gold_pattern: str | None = None
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
        """Return the number of rows rejected because comparing their formulas took too long."""
        return sum(judge.killed for judge in self._judges.values())

    def judge(self, records: Iterable[dict[str, Any]]) -> Iterator[JudgedRow]:
        """Yield every row with its verdict, in order; holds about a thousand of them."""
        for chunk in batched(enumerate(records), _CHUNK):
            requests = [self._request(record) for _, record in chunk]
            verdicts = self._verdicts(requests)
            for (number, record), request, (verdict, extracted) in zip(chunk, requests, verdicts, strict=True):
                right = self._right(record)
                yield JudgedRow(number, record, request.kind, request.gold, verdict, extracted, request.problem, right)

    def _verdicts(self, requests: list[_Request]) -> list[tuple[str, str | None]]:
        judgements: list[tuple[str, str | None]] = [(UNJUDGED, None)] * len(requests)
        for kind, judge in self._judges.items():
            places = [place for place, request in enumerate(requests) if request.kind == kind and not request.problem]
            rows = ((requests[place].gold, requests[place].text, requests[place].reason) for place in places)
            for place, judgement in zip(places, judge.judge(rows), strict=True):
                judgements[place] = judgement.verdict, judgement.extracted
        return judgements

    def _request(self, record: dict[str, Any]) -> _Request:
        columns, kind = self._columns, next(iter(self._policies))
        gold = text = ""
        reason = "stop"
        try:
            if columns.kind:
                kind = _one_of(columns.kind, record, {name: name for name in self._policies})
            if columns.finish_reason:
                reason = _one_of(columns.finish_reason, record, _REASON_OF)
            gold = self._gold(record, self._policies[kind])
            text = _cell(columns.response, record, blank=True) if reason != "error" else ""
        except CellError as error:
            return _Request(kind, gold, text, reason, str(error))
        return _Request(kind, gold, text, reason)

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


def _one_of(column: str, record: Mapping[str, Any], words: Mapping[str, str]) -> str:
    word = _cell(column, record)
    if word.lower() not in words:
        raise CellError(f"{column} is {shown(word)}; known: {', '.join(dict.fromkeys(words.values()))}")
    return words[word.lower()]
