"""Labels of new questions: the answer that most of the teacher's responses agree on.

A majority label is no gold answer: it says what the teacher believes. So votes and share stand beside it, and where the
truth can be computed, the precision of labels is measured.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from toolkit.synthesis.journal import Response
from toolkit.verification.golds import gold_problem
from toolkit.verification.judge import Judge

LEAST_SHARE, LEAST_VOTES = 0.5, 2
Same = Callable[[str, str], bool]  # whether two answers are equal


class Label(NamedTuple):
    """The label of a question.

    Attributes:
        label: as the first response wrote it; None without one.
        votes: responses with an answer that can be read.
        share: of these, those that agree on the most frequent answer; in [0, 1].
        verified: whether the label was also found with the question, in a document.
    """

    label: str | None
    label_kind: Literal["gold", "majority", "none"]
    votes: int
    share: float
    verified: bool = False


class Precision(NamedTuple):
    """How many labels are right, among the questions whose truth is known."""

    labelled: int
    right: int

    @property
    def precision(self) -> float | None:
        """Give the share of right labels; None without any."""
        return self.right / self.labelled if self.labelled else None


def gold_label(answer: str) -> Label:
    """Give the label of a question whose answer is known."""
    return Label(answer, "gold", 0, 1.0)


def majority_label(
    answers: Iterable[str | None], same: Same, *, least_share: float = LEAST_SHARE, least_votes: int = LEAST_VOTES
) -> Label:
    """Give the label that most answers agree on; none for a tie, or for too few.

    Equal answers that are written differently are joined (1/2 and 0.5), where either one as the gold answer accepts the
    other. OpenMathInstruct-2 (arXiv:2410.01560) counts texts, and lets the first of a tie win.

    Args:
        answers: in order of index; None where a response has none. They count in no share.
        same: such as `Judge.same`.
        least_share: the most frequent answer has more than this share of those read; in [0, 1].
        least_votes: and as many votes at least.
    """
    read = [answer for answer in answers if answer is not None]
    classes = sorted(_classes(read, same), key=len, reverse=True)  # is stable: of equal sizes the first stays first
    if not classes:
        return Label(None, "none", 0, 0.0)
    most, others = classes[0], classes[1:]
    share = len(most) / len(read)
    is_tied = bool(others) and len(others[0]) == len(most)
    if is_tied or share <= least_share or len(most) < least_votes:
        return Label(None, "none", len(read), share)
    return Label(most[0], "majority", len(read), share)


def _classes(answers: Sequence[str], same: Same) -> list[list[str]]:
    """Join equal answers, each with the first class whose first answer it equals."""
    classes: list[list[str]] = []
    for answer in answers:
        found = next((one for one in classes if same(one[0], answer) or same(answer, one[0])), None)
        if found is None:
            classes.append([answer])
        else:
            found.append(answer)
    return classes


def label_responses(
    judge: Judge,
    responses: Iterable[Response],
    *,
    least_share: float = LEAST_SHARE,
    least_votes: int = LEAST_VOTES,
) -> Label:
    """Give the majority label of a question's responses; see `majority_label`.

    Those that failed, were cut, or have no answer that could be a gold one do not vote.
    """
    rows = sorted(responses, key=lambda row: row.index)
    votes = [vote(judge, row.text, row.finish_reason) for row in rows]
    return majority_label(votes, judge.same, least_share=least_share, least_votes=least_votes)


def vote(judge: Judge, text: str, finish_reason: str) -> str | None:
    """Give the answer that a response votes for; None where it has none that could be a gold one."""
    answer = judge.extract(text) if finish_reason == "stop" else None
    return answer if answer and gold_problem(answer, judge.settings) is None else None


def verified_label(extracted: str, voted: Label, judge: Judge) -> Label:
    """Give the answer that was extracted with a question as its label, where it equals that of the votes; else none.

    A document may be wrong, and who extracts from it may invent: MAmmoTH2 (arXiv:2405.03548) trusts both.
    """
    usable = gold_problem(extracted, judge.settings) is None
    if voted.label is not None and usable and judge.same(extracted, voted.label):
        return voted._replace(label=extracted, verified=True)
    return Label(None, "none", voted.votes, voted.share)


def label_precision(labels: Iterable[tuple[Label, str | None]], same: Same) -> Precision:
    """Count the right ones of some labels, each with the truth of its question; None where that is not known."""
    known = [(label.label, truth) for label, truth in labels if label.label is not None and truth is not None]
    return Precision(len(known), sum(same(truth, label) for label, truth in known))
