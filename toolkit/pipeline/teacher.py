"""The run's teacher: what it is known by, and what answers for it, in this process or behind HTTP."""

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.protocol import made_from, makes_questions, protocol_of, question_protocol_of
from toolkit.progress import Stage
from toolkit.prompt import Messages, contents
from toolkit.protocols.execution import first_prompts
from toolkit.protocols.step_pairs import correcting
from toolkit.recipe.load import one_arm
from toolkit.recipe.sections import Recipe, Sampling
from toolkit.recipe.sections import Teacher as TeacherSettings
from toolkit.synthesis.step_estimates import call_prompts, step_prompts
from toolkit.teachers.completion import Teacher
from toolkit.workspace import Artifact, hash_of

if TYPE_CHECKING:
    from toolkit.teachers.backends.local import LocalTeacher

NANO = "nano"  # the teacher or base that is trained on the spot


def is_served(recipe: Recipe) -> bool:
    """Tell whether the teacher is asked over HTTP."""
    return bool(recipe.serving.urls or recipe.serving.server or recipe.serving.provider)


def served_as(recipe: Recipe) -> dict[str, Any] | None:
    """Give what of its serving changes a teacher's answers; None for one in this process."""
    if not is_served(recipe):
        return None
    return {"api": recipe.teacher.api, "quantize": recipe.teacher.quantize, "provider": recipe.serving.provider}


def remote_model(recipe: Recipe) -> Artifact | None:
    """Give the artifact of a teacher whose weights are elsewhere, by name and revision; None where they are here.

    Its path is only its name: nothing lies there.
    """
    name, revision = recipe.teacher.teacher, recipe.teacher.teacher_revision
    if not is_served(recipe) or name == NANO or Path(name).is_dir():
        return None
    files = {"repo": f"{name}@{revision}"}
    return Artifact(Path(name), hash_of(files)[:16], files, {})


def embedded_pairs(recipe: Recipe) -> list[str]:
    """List the pairs whose teacher or base is trained on the spot, whatever the recipe calls them."""
    return [
        f"{teacher}>{base}"
        for (teacher, first), (base, second) in itertools.product(recipe.teachers.items(), recipe.bases.items())
        if NANO in (first.teacher, second.base)
    ]


def nano_domain(recipe: Recipe) -> str:
    """Name the domain whose texts an embedded model reads: the pool's, where it is procedural, else mathematics."""
    from toolkit.domains import DOMAINS

    return recipe.pool.pool if recipe.pool.pool in DOMAINS else "mathematics"


def teacher_name(context: Context, teacher: Artifact) -> tuple[str, str]:
    """Name the teacher for rows and cards: its repo at its commit, or a plain name, never a path, and its weights' key.

    A served one has the revision that the recipe states.
    """
    settings = context.recipe.teacher
    if "repo" in teacher.files:
        name, _, revision = teacher.files["repo"].rpartition("@")
        return name, revision
    is_folder = Path(settings.teacher).is_dir()
    return Path(settings.teacher).name if is_folder else settings.teacher, settings.teacher_revision or teacher.key


def nano_formats(recipe: Recipe) -> tuple[str, ...]:
    """List the formats that an embedded model of a recipe reads: of all its embedded teachers, in one order."""
    from toolkit.nano.formats import FORMATS, SOLVE

    teachers = [teacher for teacher, _ in recipe.every_teacher.values()]
    learnt = {name for one in teachers if one.teacher == NANO for name in one.teacher_formats}
    return (SOLVE, *(name for name in FORMATS if name in learnt))


@contextlib.contextmanager
def open_teacher(context: Context, stage: Stage, teacher: Artifact, questions: Sequence[str]) -> Iterator[Teacher]:
    """Open what answers as the recipe says until the body ends, `questions` first of all.

    Raises:
        StageError: when its tokenizer cannot read the questions.
        ServeError: when a server that the recipe starts does not come up.
    """
    protocol = protocol_of(context.recipe)
    prompts = list(first_prompts(protocol, questions))
    if is_served(context.recipe):
        with open_served(context, teacher, context.recipe.sampling, [messages for _, messages in prompts]) as served:
            yield served
        return
    from toolkit.teachers.backends.local import LocalTeacher

    name = "@".join(teacher_name(context, teacher))
    local = LocalTeacher(teacher.path, context.recipe.sampling, model=name, threads=context.workers.jobs)
    unread = [question for question, prompt in prompts if not local.reads(prompt)]
    refuse_unreadable(unread, len(questions), ["teacher"])
    yield local


def open_student(context: Context, student: Artifact, questions: Sequence[str]) -> "LocalTeacher":
    """Load the base model that answers a protocol's steps of the student, greedily, in this process.

    Raises:
        StageError: when its tokenizer cannot read the questions.
    """
    from toolkit.teachers.backends.local import LocalTeacher

    base = context.recipe.base
    named = Path(base.base).name if Path(base.base).is_dir() else base.base
    model = student.files.get("repo") or f"{named}@{base.base_revision or student.key}"
    local = LocalTeacher(student.path, context.recipe.sampling, model=model, threads=context.workers.jobs, greedy=True)
    protocol = protocol_of(context.recipe)
    prompts = ((question, step_prompts(protocol, question)) for question in questions)
    unread = [text for text, steps in prompts if not all(local.reads(steps[name]) for name in protocol.by_student)]
    refuse_unreadable(unread, len(questions), ["base"])
    return local


@contextlib.contextmanager
def open_served(
    context: Context, teacher: Artifact, sampling: Sampling, prompts: Sequence[Messages], *, greedy: bool = False
) -> Iterator[Teacher]:
    """Open a teacher behind HTTP, with any sampling; a server that the recipe names runs until the body ends.

    What is yielded can be sent to another process as long as it is not entered. Inside `fss teacher serve RUN --
    COMMAND` the server is that one.
    """
    from toolkit.teachers import serve
    from toolkit.teachers.backends.endpoint import EndpointTeacher

    serving, here = context.recipe.serving, named_here(context, teacher)
    with contextlib.ExitStack() as stack:
        urls = serving.urls
        if serving.server:
            urls = tuple(filter(None, os.environ.get(serve.URLS, "").split(",")))
            started = serve.serving(here, serving, context.recipe.sampling, say=context.progress.say)
            urls = urls or stack.enter_context(started)
            here, serving = serve.client_settings(here, serving)
            here = dataclasses.replace(here, teacher_revision=here.teacher_revision or teacher.key)
        yield EndpointTeacher(here, serving, sampling, urls=urls, prompts=prompts, greedy=greedy)


def named_here(context: Context, teacher: Artifact) -> TeacherSettings:
    """Give the recipe's teacher by its folder on this machine, if it is here."""
    settings = context.recipe.teacher
    return settings if remote_model(context.recipe) else dataclasses.replace(settings, teacher=str(teacher.path))


def shown_prompt(context: Context, teacher: Artifact, question: str) -> str:
    """Give what the teacher reads for a question in each step, as far as is known: a server has its own chat template.

    Texts of earlier steps stand as `[name]`.
    """
    prompts = step_prompts(protocol_of(context.recipe), question)
    if len(prompts) == 1:
        return _filled(context, teacher, contents(*prompts.values()))
    return "\n\n".join(
        f"[{step}]\n{_filled(context, teacher, contents(messages))}" for step, messages in prompts.items()
    )


def shown_arm_prompts(context: Context, teacher: Artifact, questions: Sequence[Mapping[str, Any]]) -> str:
    """Give what `shown_prompt` gives for the first question, of all arms: each prompt once, below whose it is.

    Args:
        questions: question_id and question of the seeds, in pool order.
    """
    steps: dict[str, list[str]] = {}
    for arm in context.recipe.arms:
        recipe = one_arm(context.recipe, arm)
        prompts = step_prompts(protocol_of(recipe), questions[0]["question"])
        if makes_questions(recipe):
            prompts = {**call_prompts(question_protocol_of(recipe), made_from(recipe, questions)), **prompts}
        if recipe.student.pairs == "mistakes":
            prompts |= step_prompts(correcting({}), questions[0]["question"])
        for step, messages in prompts.items():
            steps.setdefault(contents(messages), []).append(f"{arm}: {step}")
    return "\n\n".join(f"[{'; '.join(names)}]\n{_filled(context, teacher, text)}" for text, names in steps.items())


def _filled(context: Context, teacher: Artifact, text: str) -> str:
    if remote_model(context.recipe):
        return text
    from toolkit.pipeline.prompt import fill_prompt, nano_prompt

    reading = nano_domain(context.recipe), nano_formats(context.recipe)
    return fill_prompt(teacher.path, text) if teacher.made else nano_prompt(text, *reading)


def refuse_unreadable(unread: Sequence[str], count: int, roles: Sequence[str]) -> None:
    """Refuse questions that the tokenizer of some models (`teacher`, `base`) reads only as unknown."""
    if unread:
        whose, keys = " and ".join(roles), " and ".join(f"`{role}`" for role in roles)
        raise StageError(
            f"the tokenizer of the {whose} cannot read {len(unread):,} of {count:,} questions, the first: "
            f"{unread[0][:200]!r}. The embedded models read only the pool that they are made for: name with {keys} a "
            "model that reads these questions, as the profile `paper` of a recipe and examples/your_own_pool.yaml do"
        )
