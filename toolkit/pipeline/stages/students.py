"""Students: one per cell, trained side by side, whatever pair and replicate they are of."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.keys import keyed_fields
from toolkit.models.files import NotFinite
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.judge import judged_by
from toolkit.pipeline.mistakes import BY_STUDENT, TABLE
from toolkit.pipeline.protocol import protocol_of
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.stages.pool import held_out_questions, procedural
from toolkit.pipeline.teacher import NANO
from toolkit.pipeline.token_costs import weights
from toolkit.progress import Stage
from toolkit.protocols import digest_of_prompts, step_pairs
from toolkit.recipe.sections import DOUBLED, Student
from toolkit.workers import Tick
from toolkit.workspace import Artifact, hash_of

SECONDS = 0.05  # of one core per step, from an embedded base of the default size
PREFERENCE = ("preference_steps", "preference_learning_rate", "negatives")  # settings of both dpo and redi
UNREAD = {"sft": (*PREFERENCE, "dpo_beta", "redi_alpha"), "dpo": ("redi_alpha",), "redi": ("dpo_beta",)}
MISTAKES = "mistakes"  # what `pairs` of a student are made of, and the artifact that has them


class Negatives(NamedTuple):
    """What the rejected side of pairs is read from: corpus files, without responses that hold a held-out question."""

    files: list[Path]
    held_out: Mapping[str, str]
    procedural: bool


@dataclasses.dataclass(frozen=True)
class Replicate:
    """One pair of teacher and base in one replicate: its context, of a plain recipe, and what the chain made for it."""

    context: Context
    pool: Artifact
    teacher: Artifact
    base: Artifact
    source: Source
    corpus: Corpus

    def ledger(self, questions: int, budget: int) -> dict[str, dict[str, int]]:
        """Count by step what a corpus took of its teacher, with the calls for new questions."""
        calls = self.source.made.facts["ledger"] if self.source.made else {}
        return {**calls, **self.corpus.ledger(questions, budget)}

    def took(self, questions: int, budget: int) -> dict[str, dict[str, int]]:
        """Count by step what a corpus and the corrections of its student's mistakes took."""
        found = find_mistakes(self, questions, budget)
        return {**self.ledger(questions, budget), **(found.facts.get("ledger", {}) if found else {})}

    def left(self, questions: int, budget: int) -> int | None:
        """Give what the arm may still take of its teacher; None where it is not matched, or its corpus is not there."""
        if self.source.allowed is None or not self.corpus.made:
            return None
        steps = self.ledger(questions, budget).values()
        took = (sum(step[name] for step in steps) for name in ("samples", "prompt_tokens", "tokens"))
        own = weights(self.context.recipe)
        return max(0, self.source.allowed - sum(weight * count for weight, count in zip(own, took, strict=True)))

    @property
    def has_mistakes(self) -> bool:
        """Tell whether its students learn from corrections of their mistakes."""
        return self.context.recipe.student.pairs == MISTAKES

    @property
    def by_student(self) -> tuple[str, ...]:
        """Name the steps that the base model or a student answered: they are none of what the teacher gave."""
        return (*protocol_of(self.context.recipe).by_student, *(BY_STUDENT if self.has_mistakes else ()))


def student_settings(replicate: Replicate, cell: Cell) -> Student:
    """Give how the student of a cell is trained."""
    recipe = replicate.context.recipe
    changed: dict[str, Any] = {"control": cell.control}
    if cell.control == DOUBLED:
        longer: dict[str, Any] = {"steps": 2 * recipe.student.steps, "epochs": 2 * recipe.student.epochs}
        if recipe.student.objective != "sft":
            longer["preference_steps"] = 2 * recipe.student.preference_steps
        changed = {"control": recipe.controls[0], **longer}
    return dataclasses.replace(recipe.student, **changed)


def corpus_settings(replicate: Replicate, cell: Cell) -> Student:
    """Give how a cell is trained on its corpus: of a student that learns from its mistakes, the first stage alone."""
    settings = student_settings(replicate, cell)
    if not replicate.has_mistakes:
        return settings
    steps = settings.steps - settings.preference_steps
    return dataclasses.replace(settings, steps=steps, objective="sft", pairs="responses")


def student_inputs(replicate: Replicate, cell: Cell) -> dict[str, Any]:
    """Give what the student of a cell is trained from, without the settings that it does not read."""
    found = find_mistakes(replicate, cell.questions, cell.budget)
    if found is None:
        return corpus_inputs(replicate, cell)
    first, settings = find_trained(replicate, cell), _read_settings(student_settings(replicate, cell))
    inputs = {"base": replicate.base.digest, "first": first.digest, "pairs": found.file(TABLE)}
    return inputs | {"settings": settings, "train_seed": cell.replicate}


def corpus_inputs(replicate: Replicate, cell: Cell) -> dict[str, Any]:
    """Give what is trained on the corpus of a cell; see `corpus_settings`."""
    student = corpus_settings(replicate, cell)
    files = [part.file(name) for part, name in replicate.corpus.accepted(cell.questions, cell.budget)]
    settings = _read_settings(student)
    inputs = {"base": replicate.base.digest, "corpus": files, "settings": settings, "train_seed": cell.replicate}
    return inputs if student.objective == "sft" else inputs | _negative_inputs(replicate, cell)


def _read_settings(student: Student) -> dict[str, Any]:
    """Give the settings that a training reads."""
    unread = {"epochs" if student.control == "steps" else "steps", "correction_share", *UNREAD[student.objective]}
    if student.objective == "sft":
        unread.add("pairs")
    if student.pairs == MISTAKES:
        unread.add("negatives")
    settings = {name: value for name, value in keyed_fields(student).items() if name not in unread}
    if settings["method"] == "full":
        return {name: value for name, value in settings.items() if not name.startswith("lora_")}
    return settings


def journals_of(replicate: Replicate, first: Artifact) -> str:
    """Give the key of the journals that a student's mistakes and their corrections are in."""
    prompts = digest_of_prompts(Path(step_pairs.__file__))
    asked = {"source": replicate.source.key, "base": replicate.base.digest, "student": first.digest}
    return hash_of(asked | {"prompts": prompts})[:16]


def find_mistakes(replicate: Replicate, questions: int, budget: int) -> Artifact | None:
    """Look up the pairs of a student's mistakes; None for an arm whose students learn from none."""
    if not replicate.has_mistakes:
        return None
    inputs = mistakes_inputs(replicate, cell_of(replicate, questions, budget))
    return replicate.context.workspace.planned(MISTAKES, inputs)


def cell_of(replicate: Replicate, questions: int, budget: int) -> Cell:
    """Give the student of a corpus by the first control."""
    recipe, (seed,) = replicate.context.recipe, replicate.context.run.replicates
    return Cell(recipe.pair, questions, budget, recipe.controls[0], seed, recipe.arm)


def mistakes_inputs(replicate: Replicate, cell: Cell) -> dict[str, Any]:
    """Give what the pairs of a student's mistakes are made from."""
    return {
        "journals": journals_of(replicate, find_trained(replicate, cell)),
        "seeds": cell.questions,
        "left": replicate.left(cell.questions, cell.budget),
        "weights": weights(replicate.context.recipe) if replicate.context.recipe.ladder.match else None,
        **judged_by(replicate.context, replicate.pool),
    }


def _negative_inputs(replicate: Replicate, cell: Cell) -> dict[str, Any]:
    """Give what pairs are made from beside the accepted responses."""
    pool, rejected = replicate.pool, replicate.corpus.rejected(cell.questions, cell.budget)
    held_out = [pool.file(name) for name in ("test.parquet", "dev.parquet") if name in pool.files]
    return {"rejected": [part.file(name) for part, name in rejected], "held_out": held_out}


def _negatives(replicate: Replicate, cell: Cell) -> Negatives | None:
    if corpus_settings(replicate, cell).objective == "sft":
        return None
    files = [part.path / name for part, name in replicate.corpus.rejected(cell.questions, cell.budget)]
    return Negatives(files, held_out_questions(replicate.pool.path, seeds=False), procedural(replicate.context))


def students_stage(context: Context, name: str, cells: Mapping[Cell, Replicate]) -> dict[Cell, Artifact]:
    """Train on the corpus of each cell, as many at once as there are workers; one that diverges is noted and left out.

    Of a student that learns from its mistakes this is the first stage.
    """
    with context.progress.stage(name) as stage:
        stage.expect(len(cells), "step")

        def train(cell: Cell, replicate: Replicate) -> Artifact:
            base = replicate.base
            files = [part.path / file for part, file in replicate.corpus.accepted(cell.questions, cell.budget)]
            settings = corpus_settings(replicate, cell)

            def make(out: Path) -> dict[str, Any]:
                options = _negatives(replicate, cell), out, settings, cell.replicate, f"sha256:{base.digest}"
                facts: dict[str, Any] = context.work(stage, cell.task, train_one, base.path, files, *options)
                return facts

            return context.build(stage, "student", corpus_inputs(replicate, cell), make)

        return train_each(context, stage, cells, train)


def train_each(
    context: Context, stage: Stage, cells: Mapping[Cell, Replicate], train: Callable[[Cell, Replicate], Artifact]
) -> dict[Cell, Artifact]:
    """Call `train` for each cell, as many at once as there are workers; one that diverges is noted and left out."""

    def one(entry: tuple[Cell, Replicate]) -> Artifact | None:
        try:
            return train(*entry)
        except NotFinite as error:
            context.fail(entry[0].task, error)
            return None

    made = zip(cells, context.each(one, cells.items()), strict=True)
    trained = {cell: student for cell, student in made if student}
    stage.text = trained_text(trained)
    return trained


def find_student(replicate: Replicate, cell: Cell) -> Artifact:
    """Look up the student of a cell."""
    return replicate.context.workspace.planned("student", student_inputs(replicate, cell))


def find_trained(replicate: Replicate, cell: Cell) -> Artifact:
    """Look up what is trained on the corpus of a cell: its student, or the first stage of it."""
    return replicate.context.workspace.planned("student", corpus_inputs(replicate, cell))


def plan_students(
    context: Context, name: str, cells: Mapping[Cell, Replicate], students: Mapping[Cell, Artifact]
) -> PlannedStage:
    """Say which students are there, and how many steps the others take at most.

    Args:
        name: of the stage.
        students: of the cells, and maybe of others.
    """
    own = {cell: students[cell] for cell in cells}
    steps = sum(_most_steps(cells[cell], cell) for cell, student in own.items() if not student.made)
    text = trained_text(own) + f", at most {steps:,} steps to do" * bool(steps) + _on_pairs(context) * bool(steps)
    return PlannedStage(name, list(own.values()), text, [steps_ahead(context, steps)])


def steps_ahead(context: Context, steps: int) -> Ahead:
    """Say how long so many steps of training take."""
    known = ((done["seconds"], done["facts"]["steps"]) for done in context.workspace.manifests("student"))
    guess = SECONDS if context.recipe.base.base == NANO else None
    return timed(context, Ahead("student", steps, "steps"), known, guess)


def trained_text(students: Mapping[Cell, Artifact]) -> str:
    """Say how many students there are, and how many steps were trained."""
    steps = sum(int(student.facts.get("steps", 0)) for student in students.values())
    return f"{len(students)} student{'s' * (len(students) != 1)}" + f", {steps:,} steps" * bool(steps)


def _on_pairs(context: Context) -> str:
    """Say which steps compare responses."""
    student = context.recipe.student
    if student.objective == "sft":
        return ""
    share = student.preference_steps / student.steps
    return f", the last {share:.0%} of each student on pairs ({student.objective})"


def _most_steps(replicate: Replicate, cell: Cell) -> int:
    """Optimiser steps of a student, at most: what is not sampled yet may all be accepted."""
    settings, corpus = corpus_settings(replicate, cell), replicate.corpus
    if settings.control == "steps":
        return settings.steps
    rows = corpus.statistics.get((cell.questions, cell.budget), {}).get("accepted", cell.questions * cell.budget)
    return math.ceil(settings.epochs * rows / settings.batch_size)


def train_one(
    base: Path,
    files: list[Path],
    negatives: Negatives | None,
    out: Path,
    settings: Student,
    seed: int,
    base_name: str,
    tick: Tick,
) -> dict[str, Any]:
    """Train one student; runs in a worker."""
    from toolkit.corpora.decontamination import leak_finder
    from toolkit.students.pairs import corpus_pairs
    from toolkit.students.train import train_student

    pairs = None
    if negatives:
        leaks = leak_finder(negatives.held_out, procedural=negatives.procedural)
        pairs = corpus_pairs(files, negatives.files, settings.negatives, leaks)
    return train_student(base, files, out, settings, seed, tick, base_name=base_name, pairs=pairs)
