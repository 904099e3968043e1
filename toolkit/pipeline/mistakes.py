"""From the mistakes of a student on the seed questions to the pairs of SuperCorrect's second stage (arXiv 2410.09008).

The student answers each seed question, its wrong answers are read as templates, the first wrong step of each is found
(by its arithmetic, else by the teacher), and teacher and student correct it under one prompt. Every completion is in a
journal, so that a run that was killed goes on, and what the student wrote is counted apart from what the teacher did.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.pipeline.stages.journal_index import Judges
from toolkit.prompt import contents
from toolkit.protocols.contract import Protocol, Question
from toolkit.protocols.step_pairs import (
    CORRECT,
    LOCATE,
    Correction,
    Mistake,
    StepPair,
    correcting,
    first_wrong_step,
    read_correction,
    read_location,
    step_pair,
)
from toolkit.protocols.templates import TemplateError, read_template
from toolkit.synthesis.journal import Journal, Response, read_journal

TABLE = "pairs.parquet"
ATTEMPT, SELF_CORRECT = "attempt", "self-correct"  # what the ledger calls the student's steps
BY_STUDENT = (ATTEMPT, SELF_CORRECT)
JOURNALS = {ATTEMPT: "attempts.jsonl", CORRECT: "corrections.jsonl", SELF_CORRECT: "self-corrections.jsonl"}
Row = Mapping[str, Any]
Ask = Callable[..., object]  # `sample` without all but journal, draws and `protocol`: fills the journal
Steps = dict[str, dict[str, int]]  # step -> samples, kept, prompt_tokens, tokens


class Asked(NamedTuple):
    """Who is asked, and where the journals lie."""

    student: Ask
    teacher: Ask
    folder: Path


class Limit(NamedTuple):
    """What corrections may take of a teacher.

    Attributes:
        most: of samples, or of tokens as they are weighed.
        weights: of a sample, of a token of its prompt, and of one that it writes; whole numbers.
        longest: what one completion takes at most, about.
    """

    most: int
    weights: tuple[int, int, int]
    longest: int

    def allows(self, steps: Sequence[int], rows: Sequence[Response]) -> int:
        """Tell how many mistakes may be corrected next.

        Args:
            steps: completions that each of the next mistakes takes at most.
            rows: completions so far.
        """
        left, longest = self.left(rows), max([self.longest, *map(self._cost, rows)])
        fitting = sum(total * longest <= left for total in accumulate(steps))
        return fitting or int(left > 0 and not self.weights[0])  # a last one may go beyond with its tokens

    def left(self, rows: Sequence[Response]) -> int:
        """Give what is left after some completions; below 0 where the last of them went beyond."""
        return self.most - sum(map(self._cost, rows))

    def _cost(self, row: Response) -> int:
        counts = 1, row.prompt_tokens, row.completion_tokens
        return sum(weight * count for weight, count in zip(self.weights, counts, strict=True))


def mistake_pairs(
    asked: Asked,
    seeds: Sequence[Row],
    judge: Judges,
    out: Path,
    *,
    limit: Limit | None = None,
    leaks: Callable[[str], bool] = lambda text: False,
) -> dict[str, Any]:
    """Write `pairs.parquet` into a folder that is there, maybe without a row.

    Args:
        seeds: question_id, question and answer of the seed questions alone: a student must not be trained on mistakes
            at held-out ones.
        judge: gives the verdict on each answer of the student.
        limit: mistakes are corrected in the order of the seeds until it is reached; samples never go beyond. None
            corrects all.
        leaks: whether a text contains a held-out question; such a pair is left out.

    Returns:
        questions, mistakes, pairs; `dropped`, by reason, the wrong answers that are in no pair; with a limit what is
        `left` of it; and `ledger`, by step of teacher and student: samples, kept (behind pairs), prompt_tokens, tokens
    """
    from toolkit.students.pairs import write_pairs

    texts = {row["question_id"]: row["question"] for row in seeds}
    dropped = Counter[str]()
    answers = _ask(asked, ATTEMPT, None, texts)
    mistakes = dict(_mistakes(answers, {row["question_id"]: row["answer"] for row in seeds}, judge, dropped))
    taught = _taught(asked, mistakes, texts, limit)
    found = _located(asked, mistakes, taught, dropped)
    tried = _ask(asked, SELF_CORRECT, correcting(found), {question: texts[question] for question in found})
    pairs = [*_pairs(found, texts, taught, tried, dropped)]
    clean = [pair for pair in pairs if not any(map(leaks, _texts(pair, texts[pair.question_id])))]
    dropped["with a held-out question"] += len(pairs) - len(clean)
    write_pairs(out / TABLE, clean)
    counts = {"questions": len(seeds), "mistakes": len(mistakes), "pairs": len(clean), "dropped": dict(+dropped)}
    left = {"left": limit.left(_completions(asked, CORRECT, taught))} if limit else {}
    return counts | left | {"ledger": _ledger(asked, texts, taught, found, clean)}


def added(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up what became of the answers of several students."""
    counts = {name: sum(one[name] for one in facts) for name in ("questions", "mistakes", "pairs")}
    left = {"left": sum(one["left"] for one in facts)} if any("left" in one for one in facts) else {}
    return counts | left | {"dropped": dict(sum((Counter[str](one["dropped"]) for one in facts), Counter[str]()))}


def described(facts: Mapping[str, Any], match: str = "") -> str:
    """Say what became of students' answers, and what is left over of what they are matched at."""
    told = "".join(f", {count:,} {why}" for why, count in facts["dropped"].items())
    asked = f"{facts['questions']:,} answers to seed questions"
    left = f"; {facts['left']:,} {match} of what the arm may take left over" if facts.get("left", 0) > 0 else ""
    return f"{facts['mistakes']:,} mistakes in {asked}, {facts['pairs']:,} pairs{told}{left}"


def _ask(asked: Asked, name: str, protocol: Protocol | None, texts: Mapping[str, str]) -> dict[str, Response]:
    """Give one response to each question, by id; the journal says which are there."""
    ask = asked.student if name in BY_STUDENT else asked.teacher
    with Journal(asked.folder / JOURNALS[name]) as journal:
        if texts:
            ask(journal, [(question, text, 0) for question, text in texts.items()], protocol=protocol)
        return {row.question_id: row for row in journal if row.question_id in texts}


def _completions(asked: Asked, name: str, questions: Container[str]) -> list[Response]:
    """List what somebody wrote for some questions; a journal may have those of more, of a run that went further."""
    file = asked.folder / JOURNALS[name]
    rows = read_journal(file) if file.exists() else ()
    return [row for row in rows if row.is_completion and row.question_id in questions]


def _mistakes(
    answers: Mapping[str, Response], golds: Mapping[str, str], judge: Judges, dropped: Counter[str]
) -> Iterator[tuple[str, Mistake]]:
    """Yield the wrong answers that can be read, in the order of the seeds, with the step that arithmetic shows to be
    wrong."""
    rows = [answers[question] for question in golds if not answers[question].failed]
    judged = judge.judge((golds[row.question_id], row.text, row.finish_reason) for row in rows)
    for row, judgement in zip(rows, judged, strict=True):
        if judgement.verdict != "rejected":
            continue
        try:
            steps = read_template(row.text).steps
        except TemplateError as error:
            dropped[f"wrong and no template ({error})"] += 1
            continue
        yield row.question_id, Mistake(steps, first_wrong_step(steps))


def _taught(
    asked: Asked, mistakes: Mapping[str, Mistake], texts: Mapping[str, str], limit: Limit | None
) -> dict[str, Response]:
    """Give the teacher's corrections of the first mistakes, as many as the limit allows.

    How many are asked for at once depends on what came before alone, so that a run that was killed asks for the same.
    """
    taught: dict[str, Response] = {}
    while len(taught) < len(mistakes):
        rest = list(mistakes)[len(taught) :]
        if limit:
            steps = [1 + (mistakes[question].number is None) for question in rest]
            rest = rest[: limit.allows(steps, _completions(asked, CORRECT, taught))]
        if not rest:
            break
        chosen = {question: texts[question] for question in (*taught, *rest)}
        taught = _ask(asked, CORRECT, correcting(mistakes), chosen)
    return taught


def _located(
    asked: Asked, mistakes: Mapping[str, Mistake], taught: Mapping[str, Response], dropped: Counter[str]
) -> dict[str, Mistake]:
    """Give the corrected mistakes whose wrong step is known, those too that the teacher found."""
    said = {row.question_id: row.text for row in _completions(asked, CORRECT, taught) if row.step == LOCATE}
    found = {}
    for question, mistake in mistakes.items():
        number = mistake.number or read_location(said.get(question, ""), len(mistake.steps))
        if question not in taught:
            dropped["beyond what the arm may take"] += 1
        elif number is None:
            dropped["wrong at a step that was not found"] += 1
        else:
            found[question] = mistake._replace(number=number)
    return found


def _pairs(
    mistakes: Mapping[str, Mistake],
    texts: Mapping[str, str],
    taught: Mapping[str, Response],
    tried: Mapping[str, Response],
    dropped: Counter[str],
) -> Iterator[StepPair]:
    for question, (steps, number) in mistakes.items():
        ours = [_correction(side[question]) for side in (taught, tried)]
        if ours[0] is None or ours[1] is None:
            dropped[f"corrected unreadably by the {'student' if ours[0] else 'teacher'}"] += 1
            continue
        pair = step_pair(Question(question, texts[question]), steps, ours[0], ours[1], number=number)
        if pair is None or pair.chosen == pair.rejected:
            dropped["corrected wrongly by the teacher, or alike"] += 1
        else:
            yield pair


def _correction(row: Response) -> Correction | None:
    return read_correction(row.text) if row.finish_reason == "stop" else None


def _texts(pair: StepPair, question: str) -> tuple[str, str, str]:
    """Give what a student learns from beside the question, whose numbers would make the steps look like another one."""
    return contents(pair.prompt).replace(question, "\n"), pair.chosen, pair.rejected


def _ledger(
    asked: Asked, texts: Container[str], taught: Container[str], found: Container[str], pairs: Iterable[StepPair]
) -> Steps:
    """Count the completions and tokens of each step, without those that a journal has of a run that went further."""
    kept, ledger = {pair.question_id for pair in pairs}, Steps()
    for name, questions in ((ATTEMPT, texts), (CORRECT, taught), (SELF_CORRECT, found)):
        for row in _completions(asked, name, questions):
            step = name if name in BY_STUDENT else row.step
            counts = ledger.setdefault(step, dict.fromkeys(("samples", "kept", "prompt_tokens", "tokens"), 0))
            own = 1, int(row.question_id in kept), row.prompt_tokens, row.completion_tokens
            for field, count in zip(counts, own, strict=True):
                counts[field] += count
    return {step: ledger[step] for step in (ATTEMPT, LOCATE, CORRECT, SELF_CORRECT) if step in ledger}
