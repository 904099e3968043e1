"""The release folder of a run: a Hub dataset repo with one config per budget, as `load_dataset` reads it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from toolkit import __version__
from toolkit.corpora.budgets import cell_files
from toolkit.pipeline.cells import Source
from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.grid import corpora_of, corpus_name, drawn_by, single_runs
from toolkit.pipeline.job import Job
from toolkit.pipeline.judging import procedural
from toolkit.pipeline.recipe_file import recipe_text, released
from toolkit.pipeline.teacher import served_as, shown_prompt, teacher_name
from toolkit.recipe.sections import TOLERANCE, Ladder, Verification
from toolkit.text import joined
from toolkit.workspace import Artifact


def release_stage(job: Job, source: Source, corpus: Corpus, teacher_repo: str | None = None) -> Artifact:
    """Write the release of every rung up to the run's largest budget.

    Args:
        teacher_repo: `org/name@commit` where the weights of a teacher that lies here were pushed.
    """
    recipe = job.recipe
    ladder = recipe.ladder
    sizes = recipe.pool.pool_sizes
    names = {held: corpus_name(recipe, *held) for held in corpora_of(job.run)}
    default = max(held for held in names if held[0] == ladder.ladder_questions)
    provenance = {
        "source": source.key,
        "pool": source.pool.file("questions.parquet"),
        "pool_counts": {name: count for name, count in source.pool.facts.items() if isinstance(count, int)},
        "teacher": source.teacher.digest,
        "served": served_as(recipe),
        **({"teacher_repo": teacher_repo} if teacher_repo else {}),
        "corpus": {
            f"{shell.name}-i{start}-{stop}": part.digest for (shell, (start, stop)), part in corpus.parts.items()
        },
        "sampling": recipe.sampling,
        "counting": ladder.counting,
        **_rule(ladder),
        "verification": recipe.verification,
        "procedural": procedural(job),
        "toolkit": __version__,
    }
    teacher = teacher_name(job, source.teacher)
    rungs = tuple(budget for budget in ladder.budgets if budget <= max(held[1] for held in names))
    text = recipe_text(released(recipe, rungs, teacher, "repo" in source.teacher.files), served_as(recipe))
    inputs = {"provenance": provenance, "recipe": text, "corpora": list(names), "draws": other_draws(job)}

    def make(out: Path) -> dict[str, Any]:
        from toolkit.hub.release import write_release

        with TemporaryDirectory(dir=job.workspace.root / "tmp") as scratch:
            _gather(corpus, Path(scratch))
            manifest = write_release(
                out,
                corpus=Path(scratch),
                pool=source.pool.path,
                cells={name: cell_files(*held, sizes, ladder.budgets) for held, name in names.items()},
                default=names[default],
                statistics={name: corpus.statistics[held] for held, name in names.items()},
                card=_card(job, source, teacher_repo),
                version=recipe.release.version,
                provenance=provenance,
                recipe=text,
            )
        return {"configs": list(manifest["configs"])}

    with job.progress.stage("release") as stage:
        release = job.build(stage, "release", inputs, make)
        named = f"{recipe.release.repo} {recipe.release.version}: " if recipe.release.repo else ""
        stage.text = f"{named}{', '.join(names.values())}, all, test, questions"
    return release


def other_draws(job: Job) -> str:
    """A sentence on the draws of an experiment that the release of its first one does not hold; empty without any."""
    whole = job.whole or job.run
    several = len(whole.recipe.teachers) > 1
    draws = {drawn_by(run): run.recipe.sampling.sampling_seed for run in single_runs(whole)}
    if len(draws) == 1:
        return ""
    seeds: dict[str, list[str]] = {}
    for (teacher, replicate), seed in draws.items():
        if (teacher, replicate) != drawn_by(job.run):
            seeds.setdefault(teacher, []).append(str(seed))
    told = [
        f"sampling seed{'s' * (len(drawn) > 1)} {joined(drawn)}" + f" of the teacher {teacher}" * several
        for teacher, drawn in seeds.items()
    ]
    order = ", each over another order of the questions" * whole.recipe.experiment.reorder
    return (
        f"One of {len(draws)} draws that the experiment's students were trained on; not published: "
        f"{', and '.join(told)}{order}."
    )


def _rule(ladder: Ladder) -> dict[str, Any]:
    """The fields that the ladder's counting reads."""
    if ladder.counting == "adaptive":
        return {"stop_below": ladder.stop_below, "stop_scope": ladder.stop_scope}
    return {"max_draws": ladder.max_draws} if ladder.counting == "accepted" else {}


def _policy(settings: Verification) -> str:
    """How a response was judged, in words."""
    from toolkit.verification.policies import answer_kind

    cut = "the last match of `{pattern}`" if settings.response_pattern else "the last boxed answer"
    within = f"within a relative tolerance of {TOLERANCE if settings.tolerance is None else settings.tolerance:g}"
    counts = "" if settings.tolerance is not None else ", whole numbers that count something exactly"
    compared = answer_kind(settings.answer_kind).COMPARED.format(tolerance=within + counts)
    return (
        f"{cut.format(pattern=settings.response_pattern)} is cut out, normalised, and {compared}; "
        "a response that did not end by itself is truncated, one without an answer unparsable"
    )


def _gather(corpus: Corpus, folder: Path) -> None:
    """One folder with the files of all parts, as links."""
    for part in corpus.parts.values():
        for name in part.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(part.path / name)


def _card(job: Job, source: Source, teacher_repo: str | None) -> Any:
    from toolkit.hub.card import Card

    recipe = job.recipe
    name, revision = teacher_name(job, source.teacher)
    asked = max(recipe.subsets)
    return Card(
        repo=recipe.release.repo,
        pretty_name=recipe.title,
        summary=recipe.release.summary,
        domain=Path(recipe.pool.pool).stem,
        license=recipe.release.license,
        pool=f"{Path(recipe.pool.pool).name}, {asked:,} of {source.pool.facts['pool']:,} questions",
        teacher=name,
        teacher_revision=revision,
        teacher_repo=teacher_repo,
        sampling={
            "temperature": recipe.sampling.temperature,
            "top_p": recipe.sampling.top_p,
            "max_tokens": recipe.sampling.max_tokens,
            "seed": recipe.sampling.sampling_seed,
            "counting": recipe.ladder.counting,
            **_rule(recipe.ladder),
        },
        counting=recipe.ladder.counting,
        prompt=shown_prompt(job, source.teacher, source.questions[0]["question"]),
        policy=_policy(recipe.verification),
        seeds_licence=recipe.release.seeds_licence,
        limits=recipe.release.limits,
        draws=other_draws(job),
    )
