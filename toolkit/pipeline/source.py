"""The source and what students start from: pool, teacher, base, the leak check between them, and the responses."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.corpora.budgets import increments, shells
from toolkit.pipeline.cells import Source, digests_of
from toolkit.pipeline.job import Job, StageError
from toolkit.progress import Stage
from toolkit.workers import Tick
from toolkit.workspace import Artifact, file_digest, folder_files, hash_of

NANO = "nano"  # the teacher or base that is trained on the spot
SAMPLING_BATCH = 512  # responses generated and written together; larger batches fall out of the CPU caches


def pool_stage(job: Job) -> Artifact:
    """The questions, split into pool, test and dev sets."""
    from toolkit.corpora.decontamination import leak_finder
    from toolkit.questions.pools import write_pool

    settings = job.recipe.pool
    # A local file is known by its bytes, not by its place.
    files = {
        key: Path(name) for key in ("pool", "test_pool") if (name := getattr(settings, key)) and Path(name).is_file()
    }
    named = dataclasses.asdict(settings) | {key: path.name for key, path in files.items()}
    inputs = {"settings": named, "content": {key: file_digest(path) for key, path in files.items()}}
    with job.progress.stage("pool") as stage:
        # Cheap, and every later number needs it: a dry run makes it too.
        pool, cached = job.workspace.build("pool", inputs, lambda out: write_pool(settings, out, leak_finder))
        stage.count(cached)
        facts = pool.facts
        stage.text = f"{facts['pool']:,} seed, {facts['test']:,} test and {facts['dev']:,} dev questions"
        if facts["dropped"]:
            stage.text += f"; {facts['dropped']:,} seeds left out, too near a held-out question"
    return pool


def read_questions(pool: Path, name: str = "questions") -> list[dict[str, Any]]:
    """The rows of a pool's file, in pool order: question_id, position, question, answer, family."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(pool / f"{name}.parquet").to_pylist()
    return rows


def models_stage(job: Job, pool: Artifact) -> tuple[Artifact, Artifact]:
    """Teacher and base, trained side by side where they are embedded. They read no question of the `pool`."""
    with job.progress.stage("models") as stage:
        stage.expect(2, "step")
        teacher, base = job.each(lambda role: _model(job, stage, role, pool), ["teacher", "base"])
        made = {"teacher": teacher, "base": base}
        stage.text = ", ".join(_model_text(job, role, artifact) for role, artifact in made.items())
    return teacher, base


def _model(job: Job, stage: Stage, role: str, pool: Artifact) -> Artifact:
    settings = dataclasses.asdict(getattr(job.recipe, role))
    name, revision = settings.pop(role), settings.pop(f"{role}_revision")
    if name == NANO:
        options = nano_options(job, role)

        def train(out: Path) -> dict[str, Any]:
            _refuse_unreadable_by_nano(pool)
            facts: dict[str, Any] = job.work(stage, role, train_nano, role, options, out)
            return facts

        if job.dry:
            _refuse_unreadable_by_nano(pool)
        return job.build(stage, role, options, train)
    if Path(name).is_dir():
        files = folder_files(Path(name))
        return Artifact(Path(name).resolve(), hash_of(files)[:16], files, {})
    return _hub_model(name, revision)


def _model_text(job: Job, role: str, artifact: Artifact) -> str:
    settings = getattr(job.recipe, role)
    if artifact.made:
        return f"{role} {artifact.key[:8]}"
    return f"{role}: {getattr(settings, f'{role}_steps'):,} steps of training"


def _hub_model(name: str, revision: str | None) -> Artifact:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(name, revision=revision, ignore_patterns=["*.bin", "*.pth", "*.pt", "*.gguf"]))
    # The cache folder is named by the commit, which identifies the files without reading gigabytes.
    files = {"repo": f"{name}@{folder.name}"}
    return Artifact(folder, hash_of(files)[:16], files, {})


def nano_options(job: Job, role: str) -> dict[str, Any]:
    """What an embedded model is trained from: its own fields, and which questions exist."""
    settings = dataclasses.asdict(getattr(job.recipe, role))
    own = {name.removeprefix(f"{role}_"): value for name, value in settings.items() if name.startswith(f"{role}_")}
    own.pop("revision")
    return own | {"families": job.recipe.pool.families or (), "largest": job.recipe.pool.largest_number}


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
    recipe = job.recipe
    inputs = {"teacher": teacher.digest, "questions": pool.file("questions.parquet"), "sampling": recipe.sampling}
    key = hash_of(inputs)[:16]
    journal = job.workspace.root / "responses" / f"{key}.jsonl"
    questions = read_questions(pool.path)[: recipe.ladder.ladder_questions]
    budget = max(job.run.budgets)
    with job.progress.stage("responses") as stage, job.workspace.lock(f"responses-{key}"):
        todo = _fill(job, stage, journal, questions, budget, teacher)
        rungs = [rung for rung in increments(recipe.ladder.budgets) if rung[1] <= budget]
        parts = shells(recipe.pool.pool_sizes, recipe.ladder.ladder_questions)
        cells = [(shell, rung) for rung in rungs for shell in parts]
        planned = {cell: hash_of({"planned": key, "rung": cell[1]}) for cell in cells}
        source = Source(pool, teacher, questions, key, journal, cells, planned)
        if not (job.dry and todo):
            source.digests.update(digests_of(source))
        tokens = todo * recipe.sampling.max_tokens
        new = f"{todo:,} to sample, at most {tokens:,} tokens" if job.dry else f"{todo:,} sampled now"
        stage.text = f"{len(questions) * budget:,} responses ({len(questions)} questions x {budget}), {new}"
    return source


def _fill(
    job: Job, stage: Stage, path: Path, questions: Sequence[Mapping[str, Any]], budget: int, teacher: Artifact
) -> int:
    """Sample what the journal lacks; returns how many responses that were (in a dry run: would be)."""
    from toolkit.synthesis.journal import Journal
    from toolkit.synthesis.sampler import missing, sample

    wanted = [(row["question_id"], row["question"]) for row in questions]
    if job.dry and not path.exists():
        return len(wanted) * budget
    with Journal(path) as journal:
        todo = len(missing(journal, [question_id for question_id, _ in wanted], budget))
        if todo and not job.dry:
            stage.expect(1, "response")
            sample(
                journal,
                wanted,
                budget,
                _open_teacher(job, teacher, [text for _, text in wanted]),
                sampling_seed=job.recipe.sampling.sampling_seed,
                batch_size=SAMPLING_BATCH,
                progress=lambda done: stage.tick("responses", done, todo),
            )
    return todo


def _open_teacher(job: Job, teacher: Artifact, questions: list[str]) -> Any:
    from toolkit.teachers.local import LocalTeacher

    sampling = job.recipe.sampling
    local = LocalTeacher(
        teacher.path, temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens
    )
    _refuse_unreadable(local.unreadable(questions), len(questions))
    return local


def _refuse_unreadable_by_nano(pool: Artifact) -> None:
    """The tokenizer of an embedded model is known before its weights: a pool beyond it is refused before training."""
    from toolkit.nano.tokenizer import build_tokenizer, unreadable

    questions = [row["question"] for row in read_questions(pool.path)]
    _refuse_unreadable(unreadable(build_tokenizer(), questions), len(questions))


def _refuse_unreadable(unread: Sequence[str], count: int) -> None:
    if unread:
        raise StageError(
            f"the teacher's tokenizer cannot read {len(unread):,} of {count:,} questions, the first: "
            f"{unread[0][:200]!r}. Take a teacher that was made for this pool (recipe keys `teacher`, `pool`)"
        )
