"""Which of the questions that calls brought are kept, and why each of the others is not. A pure function of the calls.

A rerun with another threshold therefore sifts what the journal has and asks nobody.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from toolkit.protocols.calls import new_id
from toolkit.protocols.contract import MadeQuestion, NewQuestion, ProtocolFault, Question, QuestionProtocol
from toolkit.protocols.reading import collapsed

EMPTY, DUPLICATE, HELD_OUT, NOT_NEEDED = "empty", "duplicate", "held out", "not needed"
Called = tuple[int, Sequence[NewQuestion]]  # index of a call, and what it brought
Check = tuple[str, Callable[[NewQuestion], bool]]  # reason, and whether it applies


class SynthesisedQuestion(NamedTuple):
    """A new question of the result.

    Attributes:
        parents: ids of seeds and new questions that its call read; one of these may be among the dropped.
        call: index of the call that brought it, from 0 on over all rounds.
        note, extracted: see `NewQuestion`.
    """

    question_id: str
    question: str
    parents: tuple[str, ...]
    round: int
    protocol: str
    call: int
    note: str
    extracted: str = ""


class DroppedQuestion(NamedTuple):
    """A question that a call brought and that is not kept, with the first reason that applies."""

    question_id: str
    text: str
    reason: str
    round: int
    call: int
    parents: tuple[str, ...]


class Survival(NamedTuple):
    """How many candidates of a round came to a check, and how many were left behind it."""

    reason: str
    before: int
    after: int


class RoundCounts(NamedTuple):
    """What became of a round. Candidates are those accepted and those dropped, each for one reason.

    Attributes:
        calls: of the round, `failed` ones among them, which brought nothing.
        dropped: reason -> candidates, in the order in which the reasons are asked for.
        audits: name -> accepted ones that a filter would have dropped which drops nothing.
    """

    round: int
    calls: int
    failed: int
    candidates: int
    accepted: int
    dropped: Mapping[str, int]
    audits: Mapping[str, int]

    @property
    def survival(self) -> list[Survival]:
        """Give what each check left over."""
        left, steps = self.candidates, list[Survival]()
        for reason, count in self.dropped.items():
            steps.append(Survival(reason, left, left - count))
            left -= count
        return steps

    def __str__(self) -> str:
        failed = f" ({self.failed:,} failed)" if self.failed else ""
        text = (
            f"round {self.round}: {self.calls:,} calls{failed}, {self.candidates:,} candidates, {self.accepted:,} kept"
        )
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in self.dropped.items() if count)
        audits = ", ".join(f"{count:,} {name}" for name, count in self.audits.items())
        text += f"; dropped: {dropped}" if dropped else ""
        return text + (f"; of those kept, others would drop: {audits}" if audits else "")


class Candidates:
    """Sifts what calls brought, round by round.

    Args:
        held_out: says whether a text has a held-out question in it.
        wanted: how many are kept at most.

    Attributes:
        kept: in order of round, call and place.
    """

    def __init__(
        self, protocol: QuestionProtocol, given: Sequence[Question], held_out: Callable[[str], bool], wanted: int
    ) -> None:
        self.protocol, self.wanted = protocol, wanted
        self.kept: list[SynthesisedQuestion] = []
        self.dropped: list[DroppedQuestion] = []
        self.counts: list[RoundCounts] = []
        self._texts, self._notes = [question.text for question in given], list[str]()
        self._known = {collapsed(text) for text in self._texts}
        self._checks = self._checks_of(protocol, held_out)

    def take(self, round_: int, calls: Iterable[Called], failed: int = 0) -> None:
        """Sift what the calls of a round brought, in their order; `failed` more brought nothing."""
        reasons, audits, count = Counter[str](), Counter[str](), failed
        for call, questions in calls:
            count += 1
            for new in questions:
                new = new._replace(text=new.text.strip())
                reasons[self._sifted(new, round_, call, audits)] += 1
        accepted = reasons.pop("", 0)
        own = sorted(reasons.keys() - {reason for reason, _ in self._checks})
        dropped = {reason: reasons[reason] for reason in (*own, *(reason for reason, _ in self._checks))}
        audited = {name: audits[name] for name in self.protocol.audits}
        total = accepted + sum(dropped.values())
        self.counts.append(RoundCounts(round_, count, failed, total, accepted, dropped, audited))

    def made(self) -> list[MadeQuestion]:
        """Give what was kept so far, as the calls of the next round read it."""
        return [MadeQuestion(row.question_id, row.question, row.parents, row.round, row.note) for row in self.kept]

    def _checks_of(self, protocol: QuestionProtocol, held_out: Callable[[str], bool]) -> list[Check]:
        texts = [(reason, self._on_text(drops)) for reason, drops in protocol.filters.items()]
        notes = [(reason, self._on_note(drops)) for reason, drops in protocol.note_filters.items()]
        return [
            (EMPTY, lambda new: not new.text),
            *texts,
            *notes,
            (DUPLICATE, lambda new: collapsed(new.text) in self._known),
            (HELD_OUT, lambda new: held_out(new.text)),
            (NOT_NEEDED, lambda new: len(self.kept) >= self.wanted),
        ]

    def _on_text(self, drops: Callable[[str, Sequence[str]], bool]) -> Callable[[NewQuestion], bool]:
        return lambda new: drops(new.text, self._texts)

    def _on_note(self, drops: Callable[[str, Sequence[str]], bool]) -> Callable[[NewQuestion], bool]:
        return lambda new: drops(new.note, self._notes)

    def _sifted(self, new: NewQuestion, round_: int, call: int, audits: Counter[str]) -> str:
        """Keep a question or drop it; give why it is dropped."""
        name = self.protocol.name
        reason = new.dropped or next(
            (reason for reason, check in self._checks if self._applies(reason, check, new)), ""
        )
        if reason:
            self.dropped.append(DroppedQuestion(new_id(name, new), new.text, reason, round_, call, new.parents))
            return reason
        for audit, drops in self.protocol.audits.items():
            audits[audit] += self._applies(audit, self._on_text(drops), new)
        self.kept.append(
            SynthesisedQuestion(new_id(name, new), new.text, new.parents, round_, name, call, new.note, new.extracted)
        )
        self._texts.append(new.text)
        self._notes.append(new.note)
        self._known.add(collapsed(new.text))
        return ""

    def _applies(self, reason: str, check: Callable[[NewQuestion], bool], new: NewQuestion) -> bool:
        try:
            return bool(check(new))
        except Exception as error:
            raise ProtocolFault(
                f"protocol {self.protocol.name}: its filter {reason!r} raised {type(error).__name__}: "
                f"{str(error)[:300]} on {new.text!r:.80}; correct it. What was asked for is kept"
            ) from error
