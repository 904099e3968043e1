"""The source and what students start from: pool, teacher, base, the leak check between them, and the responses."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.pipeline.cells import Source, placed
from toolkit.pipeline.grid import most_draws, parts_of
from toolkit.pipeline.job import Job
from toolkit.pipeline.pulled import refuse_other_source, refuse_training, source_identity, source_key
from toolkit.pipeline.teacher import NANO, is_served, nano_domain, refuse_unreadable, remote_model, served_as
from toolkit.progress import Stage
from toolkit.recipe.sections import Pool, Verification
from toolkit.workers import Tick
from toolkit.workspace import Artifact, file_digest, hash_of, keyed_fields, model_files

ModelName = tuple[str, str]  # role (teacher or base) and the name that the recipe gives it


def pool_stage(job: Job) -> Artifact:
    """The questions, split into pool, test and dev sets."""
    from toolkit.corpora.decontamination import leak_finder
    from toolkit.questions.pools import write_pool
    from toolkit.synthesis.schedule import refuse_idle

    settings, kind = job.recipe.pool, job.recipe.verification
    inputs = pool_inputs(settings)
    with job.progress.stage("pool") as stage:
        # Cheap, and every later number needs it: a dry run makes it too.
        pool, cached = job.workspace.build("pool", inputs, lambda out: write_pool(settings, out, leak_finder))
        if _unread_gold(pool, kind):
            # What is left out depends on the kind of answer, which then is part of what the pool is known by.
            inputs |= {"answer_kind": kind.answer_kind}
            readable = partial(write_pool, settings, leak_finder=leak_finder, gold_problem=_problem_by(kind))
            pool, cached = job.workspace.build("pool", inputs, readable)
        stage.count(cached)
        known = source_identity(None, served_as(job.recipe), pool.file("questions.parquet"), job.recipe.sampling)
        refuse_other_source(job, known)  # and again with the teacher, once it is there
        if job.recipe.ladder.counting == "adaptive":
            refuse_idle(job.recipe.ladder, max(job.recipe.subsets), max(job.run.budgets))
        facts = pool.facts
        stage.text = f"{facts['pool']:,} seed, {facts['test']:,} test and {facts['dev']:,} dev questions"
        if facts["dropped"]:
            stage.text += f"; {facts['dropped']:,} seeds left out, too near a held-out question"
        if facts.get("unread"):
            stage.text += f"; {facts['unread']:,} left out, without a readable answer ({facts['unread_example']})"
    return pool


def pool_inputs(settings: Pool) -> dict[str, Any]:
    """What the pool's key hashes. A local file is known by its bytes, not by its place."""
    files = {
        key: Path(name) for key in ("pool", "test_pool") if (name := getattr(settings, key)) and Path(name).is_file()
    }
    named = keyed_fields(settings) | {key: path.name for key, path in files.items()}
    return {"settings": named, "content": {key: file_digest(path) for key, path in files.items()}}


def _unread_gold(pool: Artifact, kind: Verification) -> bool:
    """Whether a seed or test answer of the pool is not of the recipe's kind."""
    problem = _problem_by(kind)
    names = ("questions", "test")
    return any(problem(row["answer"]) for name in names for row in read_questions(pool.path, name))


def _problem_by(kind: Verification) -> Callable[[str], str | None]:
    from toolkit.verification.golds import gold_problem

    return partial(gold_problem, settings=kind)


def read_questions(pool: Path, name: str = "questions") -> list[dict[str, Any]]:
    """The rows of a pool's file, in pool order: question_id, position, question, answer, family."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(pool / f"{name}.parquet").to_pylist()
    return rows


def models_stage(job: Job, pool: Artifact, roles: Sequence[str]) -> dict[ModelName, Artifact]:
    """All models of some roles (`teacher`, `base`), trained side by side if embedded; none reads the `pool`."""
    wanted = jobs_of_models(job, roles)
    with job.progress.stage("models") as stage:
        stage.expect(len(wanted), "step")
        made = job.each(lambda name: _model(wanted[name], stage, name, pool), wanted)
        models = dict(zip(wanted, made, strict=True))
        for (role, name), model in models.items():
            if not model.made:
                job.ahead[role] += getattr(getattr(wanted[role, name].recipe, role), f"{role}_steps")
        stage.text = ", ".join(_model_text(wanted[name], name, model) for name, model in models.items())
    return models


def jobs_of_models(job: Job, roles: Sequence[str]) -> dict[ModelName, Job]:
    """Each model of some roles with a job whose recipe has it as its own."""
    return {
        (role, name): job.with_recipe(dataclasses.replace(job.recipe, **{role: settings}))
        for role in roles
        for name, settings in getattr(job.recipe, f"{role}s").items()
    }


def _model(job: Job, stage: Stage, called: ModelName, pool: Artifact) -> Artifact:
    role, task = called[0], " ".join(called)
    settings = dataclasses.asdict(getattr(job.recipe, role))
    name, revision = settings.pop(role), settings.pop(f"{role}_revision")
    remote = remote_model(job.recipe) if role == "teacher" else None
    if remote:
        return remote
    if name == NANO:
        options = nano_options(job, role)

        def train(out: Path) -> dict[str, Any]:
            if role == "teacher":
                refuse_training(job)
            _refuse_unreadable_by_nano(job, pool)
            facts: dict[str, Any] = job.work(stage, task, train_nano, role, options, out)
            return facts

        if job.dry:
            _refuse_unreadable_by_nano(job, pool)
        return job.build(stage, role, options, train)
    asked = role == "base" or not is_served(job.recipe)
    if Path(name).is_dir():
        job.work(stage, task, check_one, Path(name).resolve(), f"{role} {name}", asked, True)
        files = model_files(Path(name))
        return Artifact(Path(name).resolve(), hash_of(files)[:16], files, {})
    model = _hub_model(name, revision, job.dry)
    if not job.dry:
        job.work(stage, task, check_one, model.path, f"{role} {name}", asked, False)
    return model


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


def _model_text(job: Job, called: ModelName, artifact: Artifact) -> str:
    role, name = called
    told = f"{role} {name}" if len(getattr(job.recipe, f"{role}s")) > 1 else role
    if artifact.made:
        return f"{told} {artifact.files.get('repo', artifact.key[:8])}"
    return f"{told}: {getattr(getattr(job.recipe, role), f'{role}_steps'):,} steps of training"


def _hub_model(name: str, revision: str | None, dry: bool) -> Artifact:
    """A model of the Hub; a dry run asks for its commit only, and its path is its name.

    Raises:
        HubFault: when the Hub does not answer or does not let us.
    """
    from huggingface_hub import HfApi, snapshot_download

    from toolkit.hub.push import explained

    api, unsafe = HfApi(), ["*.bin", "*.pth", "*.pt", "*.gguf"]
    with explained(api, name):
        if dry:
            folder, commit = Path(name), str(api.model_info(name, revision=revision).sha)
        else:
            folder = Path(snapshot_download(name, revision=revision, ignore_patterns=unsafe))
            commit = folder.name  # the cache names the folder so, which identifies the files without reading gigabytes
    files = {"repo": f"{name}@{commit}"}
    return Artifact(folder, hash_of(files)[:16], files, {})


def nano_options(job: Job, role: str) -> dict[str, Any]:
    """What an embedded model is trained from: its own fields, and which questions exist."""
    settings = dataclasses.asdict(getattr(job.recipe, role))
    own = {name.removeprefix(f"{role}_"): value for name, value in settings.items() if name.startswith(f"{role}_")}
    own.pop("revision")
    pool = job.recipe.pool
    # Mathematics is what an embedded model reads when nothing else is said.
    domain = {"domain": pool.pool} if nano_domain(job.recipe) != "mathematics" else {}
    return own | {"families": pool.families or (), "largest": pool.largest_number} | domain


def train_nano(role: str, options: Mapping[str, Any], out: Path, tick: Tick) -> dict[str, Any]:
    """Train an embedded teacher or base into `out`; runs in a worker."""
    from toolkit.nano import pretrain
    from toolkit.quiet import quiet

    train = {"teacher": pretrain.train_teacher, "base": pretrain.train_base}[role]
    with quiet():
        train(pretrain.NanoSettings(**options), out, tick)
    return {"role": role}


def responses_stage(job: Job, pool: Artifact, teacher: Artifact) -> Source:
    """Fill the source's journal up to the run's largest budget; what is in it is never sampled again."""
    from toolkit.pipeline.draws import draw
    from toolkit.pipeline.journal_index import JournalIndex
    from toolkit.pipeline.sampling import Asking

    source = _source(job, pool, teacher)
    ids = [row["question_id"] for row in source.questions]
    with job.progress.stage("responses") as stage, job.workspace.lock(f"responses-{source.key}"):
        index = JournalIndex(source.journal, source.questions)
        with Asking(job, stage, index, source.questions, teacher) as asking:
            draws = draw(job, stage, index, pool, ids, asking.ask)
            asking.refuse_many_errors()
            new = asking.told
            if job.dry:
                ahead = asking.estimate()
                new = f"to sample: {ahead}"
                job.ahead["responses"] += ahead.requests
        if draws is not None:
            source = placed(source, index, job.recipe.ladder.counting, draws)
            new = f"{int(draws.sum()):,} responses, {new if not job.dry else 'none to sample'}"
        stage.text = f"{len(ids):,} questions, {_drawn_as(job)}: {new}"
    return source


def _source(job: Job, pool: Artifact, teacher: Artifact) -> Source:
    """The source before its responses are looked at."""
    recipe = job.recipe
    identity = source_identity(teacher.digest, served_as(recipe), pool.file("questions.parquet"), recipe.sampling)
    refuse_other_source(job, identity)
    key = source_key(identity)
    parts = parts_of(job.run)
    return Source(
        pool,
        teacher,
        read_questions(pool.path)[: max(recipe.subsets)],
        key,
        job.workspace.root / "responses" / f"{key}.jsonl",
        parts,
        {part: hash_of({"planned": key, "rung": part[1]}) for part in parts},
    )


def _drawn_as(job: Job) -> str:
    ladder, most = job.recipe.ladder, most_draws(job.run)
    budget = int(most.max())
    return {
        "sampled": f"{'up to ' * bool(most.min() < budget)}{budget} responses each",
        "accepted": f"up to {budget} distinct accepted responses each in at most {ladder.max_draws} draws",
        "adaptive": f"up to {budget} responses each, while more than {ladder.stop_below:g} new are expected per draw",
    }[ladder.counting]


def _refuse_unreadable_by_nano(job: Job, pool: Artifact) -> None:
    """The tokenizer of an embedded model is known before its weights: a pool beyond it is refused before training."""
    from toolkit.nano.tokenizer import build_tokenizer, unreadable

    questions = [row["question"] for row in read_questions(pool.path)]
    refuse_unreadable(unreadable(build_tokenizer(nano_domain(job.recipe)), questions), len(questions))
