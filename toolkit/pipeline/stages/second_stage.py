"""The second stage of students that learn from their mistakes: these are asked for and corrected, then trained on.

A student of the first stage answers the seed questions greedily. What it and the teacher wrote lies in a folder of
journals below `responses`, which all runs with the same source and the same student share.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.corpora.decontamination import leak_finder
from toolkit.pipeline.asking import MANY_ERRORS, MANY_SHARE, prices_of
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.fold import counted_words
from toolkit.pipeline.judge import open_judge
from toolkit.pipeline.mistakes import TABLE, Ask, Asked, Limit, added, described, mistake_pairs
from toolkit.pipeline.stages.pool import held_out_questions, procedural
from toolkit.pipeline.stages.responses import for_responses
from toolkit.pipeline.stages.students import (
    MISTAKES,
    Replicate,
    find_student,
    find_trained,
    journals_of,
    mistakes_inputs,
    steps_ahead,
    student_inputs,
    student_settings,
    train_each,
    trained_text,
)
from toolkit.pipeline.teacher import open_teacher, refuse_unreadable
from toolkit.pipeline.token_costs import correction_share, weights
from toolkit.progress import Stage
from toolkit.protocols.contract import Protocol
from toolkit.protocols.step_pairs import CORRECT, correcting
from toolkit.recipe.sections import Student
from toolkit.synthesis.executions import Draw
from toolkit.synthesis.journal import Journal
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.step_estimates import Sampled, estimate_steps
from toolkit.synthesis.tally import Tally, describe
from toolkit.teachers.completion import Teacher
from toolkit.workers import Tick
from toolkit.workspace import Artifact, remove, to_json, write_atomic

if TYPE_CHECKING:
    from toolkit.teachers.backends.local import LocalTeacher

ADAPTER = "adapter_config.json"


def with_second_stage(context: Context, cells: Mapping[Cell, Replicate]) -> dict[Cell, Artifact]:
    """Give the students of cells after their second stage, those that have one and whose first stage is there.

    A student without a pair to learn from is noted and left out, like one that diverges.
    """
    own = {cell: replicate for cell, replicate in cells.items() if replicate.has_mistakes}
    return _trained_on(context, own, mistakes_stage(context, own)) if own else {}


def mistakes_stage(context: Context, cells: Mapping[Cell, Replicate]) -> dict[Cell, Artifact]:
    """Make the pairs of each student's mistakes, one student after the other: each is asked as fast as it can answer.

    Raises:
        StageError: when the largest cost is reached, or many corrections did not come.
    """
    with context.progress.stage("mistakes") as stage:
        stage.expect(len(cells), "answer")
        found = {}
        for cell, replicate in cells.items():
            make = partial(_make_pairs, stage, replicate, cell)
            found[cell] = replicate.context.build(stage, MISTAKES, mistakes_inputs(replicate, cell), make)
        stage.text = _counted(cells, found)
    return found


def _make_pairs(stage: Stage, replicate: Replicate, cell: Cell, out: Path) -> dict[str, Any]:
    context, first = replicate.context, find_trained(replicate, cell)
    seeds, key = replicate.source.questions[: cell.questions], journals_of(replicate, first)
    leaks = leak_finder(held_out_questions(replicate.pool.path, seeds=False), procedural=procedural(context))
    texts = [row["question"] for row in seeds]
    with (
        context.workspace.lock(f"responses-{key}"),
        open_judge(context, replicate.pool) as judge,
        open_teacher(context, stage, replicate.teacher, texts) as teacher,
    ):
        student = _open_student(replicate, first, texts, out)
        askers = _ask_student(context, stage, cell, student), _ask_teacher(context, stage, cell, teacher)
        asked = Asked(*askers, context.workspace.root / "responses" / key)
        facts = mistake_pairs(asked, seeds, judge, out, limit=_limit(replicate, cell), leaks=leaks)
    write_atomic(out / "mistakes.json", to_json(facts))
    return facts


def _limit(replicate: Replicate, cell: Cell) -> Limit | None:
    """Give what corrections may take, so that the last one goes beyond by its own tokens at most."""
    recipe, left = replicate.context.recipe, replicate.left(cell.questions, cell.budget)
    if left is None:
        return None
    own, texts = weights(recipe), [row["question"] for row in replicate.source.questions[: cell.questions]]
    one = estimate_steps(correcting({}), [max(texts, key=len)], Sampled({}, 0), max_tokens=recipe.sampling.max_tokens)
    longest = max(sum(weight * count for weight, count in zip(own, step.most, strict=True)) for step in one.steps)
    return Limit(left, own, longest)


def _open_student(replicate: Replicate, first: Artifact, questions: list[str], out: Path) -> "LocalTeacher":
    """Load a student of the first stage, with an adapter merged into its base, to answer greedily in this process.

    Raises:
        StageError: when its tokenizer cannot read what it is to correct.
    """
    from toolkit.students.weights import merge_student
    from toolkit.teachers.backends.local import LocalTeacher

    context, folder = replicate.context, first.path
    if ADAPTER in first.files:
        folder = out / "merged"
        merge_student(replicate.base.path, first.path, folder)
    name, threads = f"student@{first.key}", context.workers.jobs
    student = LocalTeacher(folder, context.recipe.sampling, model=name, threads=threads, greedy=True)
    remove(out / "merged")
    write = correcting({}).steps[CORRECT]
    unread = [text for text in questions if not student.reads(write(question=text, before="", step=""))]
    refuse_unreadable(unread, len(questions), ["base"])
    return student


def _ask_student(context: Context, stage: Stage, cell: Cell, student: Teacher) -> Ask:
    seed, report = context.recipe.sampling.sampling_seed, partial(_report, stage, f"{cell.task} itself")
    return partial(sample, teacher=student, sampling_seed=seed, report=report)


def _ask_teacher(context: Context, stage: Stage, cell: Cell, teacher: Teacher) -> Ask:
    """Give what asks a teacher under the limits and prices of its recipe.

    Raises:
        StageError: when the largest cost is reached, or many corrections did not come; what came is kept.
    """
    options: dict[str, Any] = {
        "sampling_seed": context.recipe.sampling.sampling_seed,
        "report": partial(_report, stage, cell.task),
        "attempts": context.recipe.serving.attempts,
        "prices": prices_of(context),
        "errors": context.retry_errors,
    }

    def ask(journal: Journal, draws: list[Draw], *, protocol: Protocol | None) -> None:
        tally = sample(journal, draws, teacher, protocol, max_cost=context.money_left, **options)
        context.costs.append(tally.cost)
        if tally.stopped:
            raise StageError(f"corrections of {cell.task}: {tally.stopped}; what came is kept, and more goes on")
        failed = tally.errors.total()
        if failed >= MANY_ERRORS and failed >= MANY_SHARE * tally.sampled:
            kinds = ", ".join(f"{count:,} x {kind}" for kind, count in tally.errors.most_common(3))
            raise StageError(
                f"{failed:,} of {tally.sampled:,} corrections of {cell.task} did not come ({kinds}); what came is "
                "kept. `--retry-errors` asks for them again; the same command without it goes on without them"
            )

    return ask


def _report(stage: Stage, task: str, tally: Tally) -> None:
    stage.tick(task, tally.sampled, tally.total or tally.sampled, describe(tally))


def _counted(cells: Mapping[Cell, Replicate], found: Mapping[Cell, Artifact]) -> str:
    """Say by arm what became of the answers of its students."""
    lines = []
    for arm, match in dict.fromkeys((cell.arm, by.context.recipe.ladder.match) for cell, by in cells.items()):
        facts = [found[cell].facts for cell in cells if cell.arm == arm]
        told = described(added(facts), match or "")
        lines.append(f"{arm}, {counted_words(len(facts), 'student')}: {told}")
    return f"\n{'':13}".join(lines)


def _trained_on(
    context: Context, cells: Mapping[Cell, Replicate], found: Mapping[Cell, Artifact]
) -> dict[Cell, Artifact]:
    """Train students of the first stage on pairs, as many at once as there are workers."""
    learners = {cell: replicate for cell, replicate in cells.items() if found[cell].facts["pairs"]}
    for cell in (cell for cell in cells if cell not in learners):
        context.fail(cell.task, StageError(f"no pair to learn from: {described(found[cell].facts)}"))
    with context.progress.stage("pairs") as stage:
        stage.expect(len(learners), "step")

        def train(cell: Cell, replicate: Replicate) -> Artifact:
            first, settings = find_trained(replicate, cell), student_settings(replicate, cell)
            files = replicate.base.path, first.path, found[cell].path / TABLE

            def make(out: Path) -> dict[str, Any]:
                options = out, settings, cell.replicate, f"sha256:{replicate.base.digest}"
                facts: dict[str, Any] = context.work(stage, cell.task, train_on, *files, *options)
                return facts

            return context.build(stage, "student", student_inputs(replicate, cell), make)

        return train_each(context, stage, learners, train)


def train_on(
    base: Path, first: Path, pairs: Path, out: Path, settings: Student, seed: int, base_name: str, tick: Tick
) -> dict[str, Any]:
    """Train one student on; runs in a worker. Its `steps` are those of this stage."""
    from toolkit.students.pairs import read_pairs
    from toolkit.students.train import continue_student

    facts = continue_student(base, first, read_pairs(pairs), out, settings, seed, tick, base_name=base_name)
    return facts | {"steps": facts["preference_steps"]}


def plan_second_stage(context: Context, cells: Mapping[Cell, Replicate]) -> list[PlannedStage]:
    """Say what each arm asks of students and teacher, and how many steps its students are trained on."""
    own = {cell: replicate for cell, replicate in cells.items() if replicate.has_mistakes}
    arms = {cell.arm: {one: by for one, by in own.items() if one.arm == cell.arm} for cell in own}
    students = {cell: find_student(replicate, cell) for cell, replicate in own.items()}
    missing = [cell for cell, student in students.items() if not student.made]
    steps = sum(student_settings(own[cell], cell).preference_steps for cell in missing)
    text = trained_text(students) + f", {steps:,} steps to do" * bool(steps)
    asked = [_plan_mistakes(context, arm, of_arm) for arm, of_arm in arms.items()]
    return [*asked, PlannedStage("pairs", [*students.values()], text, [steps_ahead(context, steps)])] if own else []


def _plan_mistakes(context: Context, arm: str, cells: Mapping[Cell, Replicate]) -> PlannedStage:
    workspace = context.workspace
    found = {cell: workspace.planned(MISTAKES, mistakes_inputs(by, cell)) for cell, by in cells.items()}
    missing = [cell for cell, one in found.items() if not one.made]
    if not missing:
        return PlannedStage("mistakes", [*found.values()], _counted(cells, found))
    answers, text = _estimate(cells[missing[0]], missing[0])
    known = ((done["seconds"], _answers(done["facts"])) for done in workspace.manifests(MISTAKES))
    ahead = timed(context, Ahead("mistakes", answers * len(missing), "answers"), known, None, alone=True)
    each = f"{arm}, {counted_words(len(missing), 'student')}" + ", each" * (len(missing) > 1)
    return PlannedStage("mistakes", [*found.values()], f"{each}: {text}", [ahead])


def _estimate(replicate: Replicate, cell: Cell) -> tuple[int, str]:
    """Estimate the answers of student and teacher, at most, and say what they are."""
    context, recipe = replicate.context, replicate.context.recipe
    texts = [row["question"] for row in replicate.source.questions[: cell.questions]]
    options: dict[str, Any] = {"max_tokens": recipe.sampling.max_tokens, "prices": prices_of(context)}
    taught = estimate_steps(correcting({}), texts, Sampled({}, 0), **options)
    share, allowed, most, within = correction_share(recipe), replicate.source.allowed, taught.requests, ""
    if share:
        within = f", within the last {float(share):.0%} of what the arm may take"
    if recipe.ladder.match == "samples" and allowed is not None:
        most = min(most, allowed - (for_responses(recipe, allowed) or 0))
        within += f", {most:,} requests"
    text = (
        f"{len(texts):,} answers to seed questions, and at most as many corrections of its own mistakes; the teacher's "
        f"corrections{within}, to sample: {taught}"
    )
    return 2 * len(texts) + most, text


def _answers(facts: Mapping[str, Any]) -> int:
    return sum(step["samples"] for step in facts["ledger"].values())
