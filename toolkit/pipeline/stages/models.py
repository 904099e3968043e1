"""Teachers and bases: found or trained, while what embedded ones read is searched for held-out questions."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.corpora.decontamination import assert_clean
from toolkit.keys import keyed_fields
from toolkit.pipeline.cells import drawn_by
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.source import refuse_training
from toolkit.pipeline.stages.pool import domain_inputs, has_benchmark, held_out_questions, procedural
from toolkit.pipeline.teacher import NANO, is_served, nano_domain, nano_formats, refuse_unreadable, remote_model
from toolkit.progress import Stage
from toolkit.questions.pools import read_questions
from toolkit.recipe.load import Run
from toolkit.recipe.sections import Recipe
from toolkit.text import listed
from toolkit.workers import Counted, Tick
from toolkit.workspace import Artifact, hash_of, model_files, to_json, write_atomic

ModelName = tuple[str, str]  # role (teacher or base) and the name that the recipe gives it
SECONDS = {"teacher": 0.05, "base": 0.035}  # of one core per step of an embedded model of the default size
NUMBERED = re.compile(r"^\d+\. ")  # the beginning of an item of a list
ROLES = ("base", "teacher")  # of models that may be embedded, in the order in which what they read is looked through


def checked_models(context: Context, pool: Artifact, roles: Sequence[str]) -> dict[ModelName, Artifact]:
    """Make models beside the check of what they read, which ends long before and stops them when it finds something."""
    checks_stage(context, pool, roles)
    stages: list[Callable[[], Any]] = [
        lambda: training_leaks_stage(context, pool, roles),
        lambda: models_stage(context, pool, roles),
    ]
    models: dict[ModelName, Artifact] = context.each(lambda stage: stage(), stages)[1]
    return models


def models_stage(context: Context, pool: Artifact, roles: Sequence[str]) -> dict[ModelName, Artifact]:
    """Make all models of some roles (`teacher`, `base`), side by side if embedded; none reads the `pool`."""
    own = contexts_of_models(context, roles)
    with context.progress.stage("models") as stage:
        stage.expect(len(own), "step")
        models = dict(zip(own, context.each(lambda name: _model(own[name], stage, name), own), strict=True))
        stage.text = _models_text(own, models)
    return models


def plan_models(context: Context, models: Mapping[ModelName, Artifact]) -> PlannedStage:
    """Say which models are there, and how many steps the others will be trained for."""
    own = contexts_of_models(context, list(dict.fromkeys(role for role, _ in models)))
    text = _models_text(own, models)
    ahead = [_ahead(own[name], name[0]) for name, model in models.items() if not model.made]
    return PlannedStage("models", list(models.values()), text, ahead)


def checks_stage(context: Context, pool: Artifact, roles: Sequence[str]) -> None:
    """Refuse models that would fail later, before any work; see `refuse_unusable`."""
    with context.progress.stage("checks") as stage:
        refuse_unusable(context, stage, pool, roles)


def refuse_unusable(context: Context, stage: Stage, pool: Artifact, roles: Sequence[str]) -> None:
    """Refuse models that would fail after work was spent, as far as they are here; a dry run does it, too.

    Raises:
        StageError: the tokenizer of an embedded model cannot read the pool.
        ModelError: a model's folder is damaged, or lacks what it needs.
    """
    untrained: list[str] = []
    for called, own in contexts_of_models(context, roles).items():
        role = called[0]
        name = getattr(getattr(own.recipe, role), role)
        if role == "teacher" and remote_model(own.recipe):
            continue
        if name == NANO and not context.workspace.planned(role, nano_options(own, role)).made:
            _refuse_formats(own)
            untrained.append(role)
        elif Path(name).is_dir():
            _check(own, stage, called, Path(name).resolve(), code=True)
    if untrained:
        _refuse_unreadable_by_nano(context, pool, list(dict.fromkeys(untrained)))


def find_models(context: Context, roles: Sequence[str]) -> dict[ModelName, Artifact]:
    """Look up all models of some roles; one of the Hub is known by its commit."""
    return {called: _found(own, called[0]) for called, own in contexts_of_models(context, roles).items()}


def _found(context: Context, role: str) -> Artifact:
    settings = getattr(context.recipe, role)
    name, revision = getattr(settings, role), getattr(settings, f"{role}_revision")
    remote = remote_model(context.recipe) if role == "teacher" else None
    if remote:
        return remote
    if name == NANO:
        return context.workspace.planned(role, nano_options(context, role))
    return _local_model(Path(name)) if Path(name).is_dir() else _named_at_hub(name, revision)


def _ahead(context: Context, role: str) -> Ahead:
    settings = getattr(context.recipe, role)
    known = ((done["seconds"], done["inputs"]["steps"]) for done in context.workspace.manifests(role))
    guess = SECONDS[role] if getattr(settings, role) == NANO else None
    return timed(context, Ahead(role, getattr(settings, f"{role}_steps"), "steps"), known, guess)


def contexts_of_models(context: Context, roles: Sequence[str]) -> dict[ModelName, Context]:
    """Give each model of some roles a context whose recipe has it as its own."""
    recipe = context.recipe
    bases: dict[ModelName, dict[str, Any]] = {("base", name): {"base": base} for name, base in recipe.bases.items()}
    teachers: dict[ModelName, dict[str, Any]] = {
        ("teacher", name): {"teacher": teacher, "serving": serving}
        for name, (teacher, serving) in recipe.every_teacher.items()
    }
    return {
        called: context.with_recipe(dataclasses.replace(recipe, **settings))
        for role in roles
        for called, settings in (teachers | bases).items()
        if called[0] == role
    }


def teacher_of(run: Run, models: Mapping[ModelName, Artifact]) -> Artifact:
    """Give the teacher of a single run's source: its pair's, or the one that its arm names."""
    return models["teacher", run.recipe.taught_by or drawn_by(run).teacher]


class Beside(NamedTuple):
    """Models that a source may need beside its teacher.

    Attributes:
        first: the teacher of the first arm in its pair, which says what an arm with another one may take.
        student: the base of its pair, which a protocol may ask.
    """

    first: Artifact | None = None
    student: Artifact | None = None


ALONE = Beside()


def beside_teacher(run: Run, models: Mapping[ModelName, Artifact]) -> Beside:
    """Give the models beside the teacher of a single run's source, as far as the run has them."""
    first = models["teacher", drawn_by(run).teacher] if run.recipe.taught_by else None
    return Beside(first, models.get(("base", run.recipe.pair.split(">")[1])))


def _model(context: Context, stage: Stage, called: ModelName) -> Artifact:
    role, task = called[0], " ".join(called)
    settings = getattr(context.recipe, role)
    name, revision = getattr(settings, role), getattr(settings, f"{role}_revision")
    remote = remote_model(context.recipe) if role == "teacher" else None
    if remote:
        return remote
    if name == NANO:
        options = nano_options(context, role)

        def train(out: Path) -> dict[str, Any]:
            if role == "teacher":
                refuse_training(context)
            facts: dict[str, Any] = context.work(stage, task, train_nano, role, options, out)
            return facts

        return context.build(stage, role, options, train)
    if Path(name).is_dir():
        return _local_model(Path(name))
    model = _hub_model(name, revision)
    _check(context, stage, called, model.path, code=False)
    return model


def _check(context: Context, stage: Stage, called: ModelName, folder: Path, *, code: bool) -> None:
    role = called[0]
    name = getattr(getattr(context.recipe, role), role)
    is_run_here = role == "base" or not is_served(context.recipe)
    context.work(stage, " ".join(called), check_one, folder, f"{role} {name}", is_run_here, code)


def check_one(folder: Path, named: str, asked: bool, code: bool, tick: Tick) -> None:
    """Refuse a model that would fail after work was spent; runs in a worker, since it reads what strangers made.

    Args:
        asked: in this process, so that it is looked at whole.
        code: refuse a folder that names code, where it is only not run otherwise.
    """
    from toolkit.models.networks import check_model
    from toolkit.quiet import quiet

    with quiet():
        check_model(folder, named, asked=asked, code=code)


def _models_text(own: Mapping[ModelName, Context], models: Mapping[ModelName, Artifact]) -> str:
    """Name the models on a line; below it, what teachers of several formats can do."""
    named = ", ".join(_model_text(own[name], name, model) for name, model in models.items())
    skills = (line for model in models.values() for line in skill_lines(model.facts.get("skills", {})))
    return "\n".join([named, *(f"{'':13}{line}" for line in skills)])


def _model_text(context: Context, called: ModelName, artifact: Artifact) -> str:
    role, name = called
    title = f"{role} {name}" if _is_one_of_several(context.recipe, role) else role
    if artifact.made:
        return f"{title} {artifact.files.get('repo', artifact.key[:8])}"
    return f"{title}: {getattr(getattr(context.recipe, role), f'{role}_steps'):,} steps of training"


def _is_one_of_several(recipe: Recipe, role: str) -> bool:
    return len(recipe.every_teacher if role == "teacher" else recipe.bases) > 1


def skill_lines(skills: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Write what `toolkit.pipeline.skills` measured as a person reads it, a line for each format."""
    return [f"{name}: {listed(f'{what} {value:.1%}' for what, value in of.items())}" for name, of in skills.items()]


def _local_model(folder: Path) -> Artifact:
    files = model_files(folder)
    return Artifact(folder.resolve(), hash_of(files)[:16], files, {})


def _hub_model(name: str, revision: str | None) -> Artifact:
    """Fetch a model of the Hub.

    Raises:
        HubFault: when the Hub does not answer or does not let us.
    """
    from huggingface_hub import HfApi, snapshot_download

    from toolkit.hub.faults import explained

    with explained(HfApi(), name):
        unsafe = ["*.bin", "*.pth", "*.pt", "*.gguf"]
        folder = Path(snapshot_download(name, revision=revision, ignore_patterns=unsafe))
    return _at_commit(name, folder.name, folder)  # the cache names the folder by the commit


def _named_at_hub(name: str, revision: str | None) -> Artifact:
    """Ask the Hub for a model's commit only; the path is its name.

    Raises:
        HubFault: see `_hub_model`.
    """
    from huggingface_hub import HfApi

    from toolkit.hub.faults import explained

    api = HfApi()
    with explained(api, name):
        return _at_commit(name, str(api.model_info(name, revision=revision).sha), Path(name))


def _at_commit(name: str, commit: str, folder: Path) -> Artifact:
    """Give a model that its commit identifies, without a look at gigabytes."""
    files = {"repo": f"{name}@{commit}"}
    return Artifact(folder, hash_of(files)[:16], files, {})


def nano_options(context: Context, role: str) -> dict[str, Any]:
    """Give what an embedded model is trained from: its own fields, and which questions exist."""
    settings = keyed_fields(getattr(context.recipe, role))
    own = {name.removeprefix(f"{role}_"): value for name, value in settings.items() if name.startswith(f"{role}_")}
    own.pop("revision")
    pool = context.recipe.pool
    # Mathematics is what an embedded model reads when nothing else is said.
    domain = {"domain": pool.pool} if nano_domain(context.recipe) != "mathematics" else {}
    domain |= domain_inputs(nano_domain(context.recipe))
    # A student may read what the teacher reads, such as a critique, so that its base knows the words of all formats.
    formats = nano_formats(context.recipe)
    more = {"formats": formats} if len(formats) > 1 and role == "base" else {}
    return own | {"families": pool.families or (), "largest": pool.largest_number} | domain | more


def train_nano(role: str, options: Mapping[str, Any], out: Path, tick: Tick) -> dict[str, Any]:
    """Train an embedded teacher or base into `out`; runs in a worker."""
    from toolkit.nano import pretrain
    from toolkit.pipeline.skills import measure_skills
    from toolkit.quiet import quiet

    train = {"teacher": pretrain.train_teacher, "base": pretrain.train_base}[role]
    settings = pretrain.NanoSettings(**options)
    with quiet():
        train(settings, out, tick)
        skills = measure_skills(out, settings) if role == "teacher" and len(settings.formats) > 1 else {}
    return {"role": role} | ({"skills": skills} if skills else {})


def _refuse_formats(context: Context) -> None:
    from toolkit.nano.formats import lacking

    domain, formats = nano_domain(context.recipe), nano_formats(context.recipe)
    if lacking(domain, formats):
        raise StageError(
            f"teacher_formats: {listed(lacking(domain, formats))}: an embedded teacher learns only [solve] from the "
            f"domain {domain}, which has no mistakes and no parser; take `pool: mathematics`, or leave them out"
        )


def _refuse_unreadable_by_nano(context: Context, pool: Artifact, roles: Sequence[str]) -> None:
    """Refuse questions that embedded models' tokenizer cannot read; it is known before the weights are."""
    from toolkit.nano.tokenizer import build_tokenizer, unreadable

    files = ["questions", *(["benchmark"] if has_benchmark(context.recipe) else [])]
    questions = [row["question"] for name in files for row in read_questions(pool.path, name)]
    tokenizer = build_tokenizer(nano_domain(context.recipe), nano_formats(context.recipe))
    refuse_unreadable(unreadable(tokenizer, questions), len(questions), roles)


def training_leaks_stage(context: Context, pool: Artifact, roles: Sequence[str]) -> Artifact:
    """Search the pool for test and dev questions, and every text that embedded models will read for all of them.

    Args:
        roles: `teacher`, `base`: of the models that are needed. A check of all models that is there serves, too.

    Raises:
        LeakError: naming the questions found and where.
    """
    inputs = _check_inputs(context, pool, roles)
    options = inputs["read"]
    with context.progress.stage("leaks") as stage:
        stage.expect(1, "text")

        def make(out: Path) -> Mapping[str, Any]:
            texts: dict[str, int] = context.work(stage, "leaks", scan, pool.path, options, procedural(context))
            write_atomic(out / "clean.json", to_json({"texts": texts, "leaks": 0}))
            return {"texts": texts}

        checked = context.build(stage, "leaks", inputs, make)
        texts = sum(checked.facts.get("texts", {}).values())
        stage.text = (
            f"no held-out question in {texts:,} texts to be read" if texts else "held-out questions in all texts"
        )
    return checked


def find_training_leaks(context: Context, pool: Artifact, roles: Sequence[str]) -> Artifact:
    """Look up the check of what embedded models read."""
    return context.workspace.planned("leaks", _check_inputs(context, pool, roles))


def _check_inputs(context: Context, pool: Artifact, roles: Sequence[str]) -> dict[str, Any]:
    every = _read_by(context, pool, ROLES)
    if context.workspace.planned("leaks", every).made:
        return every
    return _read_by(context, pool, [role for role in ROLES if role in roles])


def _read_by(context: Context, pool: Artifact, roles: Sequence[str]) -> dict[str, Any]:
    """Give what the check of the embedded models of some roles is made from."""
    options = {
        " ".join(called[: 1 + _is_one_of_several(context.recipe, called[0])]): nano_options(of_model, called[0])
        for called, of_model in contexts_of_models(context, roles).items()
        if getattr(getattr(of_model.recipe, called[0]), called[0]) == NANO
    }
    return {"pool": pool.digest, "read": options, "procedural": procedural(context)}


def scan(pool: Path, options: Mapping[str, Mapping[str, Any]], same_numbers: bool, tick: Tick) -> dict[str, int]:
    """Look for held-out questions in the pool and in what each model reads; how many texts each is. Runs in a worker.

    A model is called by its role, and by its name where there are several: `teacher small`.
    """
    found = {}
    for model in ("pool", *options):
        texts = Counted(_pool_texts(pool) if model == "pool" else _training_texts(model, options[model]), tick)
        name = "the pool" if model == "pool" else f"what the {model} reads"
        assert_clean(held_out_questions(pool, seeds=model != "pool"), texts, name, procedural=same_numbers)
        found[model] = texts.count
    return found


def _pool_texts(pool: Path) -> Iterator[str]:
    return (row["question"] for row in read_questions(pool))


def _training_texts(model: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield every document that training draws from the stream, questions, attempts and responses apart."""
    from toolkit.nano.pretrain import NanoSettings, documents_drawn
    from toolkit.nano.training_texts import base_texts, teacher_texts
    from toolkit.nano.vocabulary import ASSISTANT

    settings = NanoSettings(**options)
    drawn = settings.seed, settings.families, settings.largest, settings.domain
    stream = base_texts(*drawn) if model.split()[0] == "base" else teacher_texts(*drawn, settings.formats)
    for document in itertools.islice(stream, documents_drawn(settings)):
        first, *answers = document.split(ASSISTANT)
        # A page of more than a question has it on a line of its own: beside the numbers of an attempt or of a list a
        # question is missed, or found where it is not.
        texts = (*first.splitlines(), *answers) if answers else (first,)
        yield from (NUMBERED.sub("", text) for text in texts)
