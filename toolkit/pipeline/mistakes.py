"""From the mistakes of a student on the seed questions to the pairs of SuperCorrect's second stage (arXiv 2410.09008).

The student answers each seed question, its wrong answers are read as templates, the first wrong step of each is found
(by its arithmetic, else by the teacher), and teacher and student correct it under one prompt. Every completion is in a
journal of its own kind, so that a run that was killed goes on, and what the student wrote is counted apart from what
the teacher did.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.pipeline.context import StageError
from toolkit.pipeline.stages.journal_index import Judges
from toolkit.protocols.contract import Protocol, Question
from toolkit.protocols.step_pairs import (
    Correction,
    Mistake,
    StepPair,
    correcting,
    first_wrong_step,
    locating,
    read_correction,
    read_location,
    step_pair,
)
from toolkit.protocols.templates import TemplateError, read_template
from toolkit.students.pairs import write_pairs
from toolkit.synthesis.journal import Journal, Response, Usage, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.completion import Teacher

TABLE = "pairs.parquet"
# Journals, in the order in which they are written. The first and the last are of the student.
ANSWERS, LOCATIONS, TAUGHT, TRIED = "answers", "locations", "corrections", "own-corrections"
OF_STUDENT = (ANSWERS, TRIED)
Row = Mapping[str, Any]


class Asked(NamedTuple):
    """Who is asked, where the journals lie, and the seed of all draws."""

    student: Teacher
    teacher: Teacher
    folder: Path
    sampling_seed: int = 0


def mistake_pairs(asked: Asked, seeds: Sequence[Row], judge: Judges) -> dict[str, Any]:
    """Write `pairs.parquet` and the journals behind it into a folder that is there.

    Args:
        seeds: question_id, question and answer of the seed questions alone: a student must not be trained on mistakes
            at held-out ones.
        judge: gives the verdict on each answer of the student.

    Returns:
        questions, mistakes, pairs; `dropped`, by reason, the wrong answers that are in no pair; and `ledger`, by
        `teacher` and `student` and by journal: samples, prompt_tokens, completion_tokens.

    Raises:
        StageError: where no pair is left; it says what became of the answers.
    """
    texts = {row["question_id"]: row["question"] for row in seeds}
    answers = _ask(asked, ANSWERS, None, texts)
    dropped = Counter[str]()
    mistakes = dict(_mistakes(answers, {row["question_id"]: row["answer"] for row in seeds}, judge, dropped))
    found = _located(asked, mistakes, texts, dropped)
    of_found = {question: texts[question] for question in found}
    taught, tried = (_ask(asked, name, correcting(found), of_found) for name in (TAUGHT, TRIED))
    pairs = list(_pairs(found, texts, taught, tried, dropped))
    if not pairs:
        told = ", ".join(f"{count:,} {why}" for why, count in dropped.items()) or "no answer was wrong"
        raise StageError(
            f"no pair of a teacher's and a student's correction: of {len(seeds):,} answers to seed questions {told}. "
            "Take more seed questions, a student that makes mistakes, or a teacher that writes what the prompts ask for"
        )
    write_pairs(asked.folder / TABLE, pairs)
    counts = {"questions": len(seeds), "mistakes": len(mistakes), "pairs": len(pairs), "dropped": dict(dropped)}
    return counts | {"ledger": ledger(asked.folder)}


def ledger(folder: Path) -> dict[str, dict[str, Usage]]:
    """Count the completions and tokens of teacher and student, apart, by journal."""
    counts: dict[str, dict[str, Usage]] = {"teacher": {}, "student": {}}
    for name in (ANSWERS, LOCATIONS, TAUGHT, TRIED):
        file = folder / f"{name}.jsonl"
        rows = [row for row in read_journal(file) if row.is_completion] if file.exists() else []
        tokens = sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)
        counts["student" if name in OF_STUDENT else "teacher"][name] = Usage(len(rows), *tokens)
    return counts


def _ask(asked: Asked, name: str, protocol: Protocol | None, texts: Mapping[str, str]) -> dict[str, Response]:
    """Give one response to each question, by id, asking only for those that the journal lacks."""
    model = asked.student if name in OF_STUDENT else asked.teacher
    draws = ((question_id, text, 0) for question_id, text in texts.items())
    with Journal(asked.folder / f"{name}.jsonl") as journal:
        sample(journal, draws, model, protocol, sampling_seed=asked.sampling_seed, report=lambda tally: None)
        return {row.question_id: row for row in journal if not row.pending and row.question_id in texts}


def _mistakes(
    answers: Mapping[str, Response], golds: Mapping[str, str], judge: Judges, dropped: Counter[str]
) -> Iterator[tuple[str, Mistake]]:
    """Yield the wrong answers that can be read, with the step that arithmetic shows to be wrong."""
    rows = [row for row in answers.values() if not row.failed]
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


def _located(
    asked: Asked, mistakes: Mapping[str, Mistake], texts: Mapping[str, str], dropped: Counter[str]
) -> dict[str, Mistake]:
    """Give the mistakes whose wrong step is known, those too that the teacher finds; in the order of `mistakes`."""
    unknown = {question: mistake for question, mistake in mistakes.items() if mistake.number is None}
    said = _ask(asked, LOCATIONS, locating(unknown), {question: texts[question] for question in unknown})
    found = {}
    for question, mistake in mistakes.items():
        number = mistake.number or read_location(said[question].text, len(mistake.steps))
        if number is None:
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
