"""The release folder of a run: a Hub dataset repo with one config per budget, as `load_dataset` reads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import __version__
from toolkit.corpora.budgets import cell_files, cell_name
from toolkit.corpora.new_questions import CALLS, DROPPED, KEPT, count_calls
from toolkit.pipeline.cells import corpora_of, drawn_by, single_runs
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.protocol import makes_questions
from toolkit.pipeline.recipe_file import arms_text, recipe_text, released
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.stages.pool import counts_of, procedural
from toolkit.pipeline.stages.responses import for_responses
from toolkit.pipeline.stages.students import MISTAKES
from toolkit.pipeline.stages.synthesis_tables import synthesis_tables
from toolkit.pipeline.teacher import served_as, shown_prompt, teacher_name
from toolkit.pipeline.token_costs import own_weights
from toolkit.recipe.sections import TOLERANCE, Ladder, Verification
from toolkit.text import joined
from toolkit.workspace import Artifact

if TYPE_CHECKING:
    from toolkit.hub.cards.arm import Arm
    from toolkit.hub.cards.release import Card
    from toolkit.hub.release import ReleaseDraft, ReleaseTables


def release_stage(context: Context, source: Source, corpus: Corpus, teacher_repo: str | None = None) -> Artifact:
    """Write the release of every rung up to the run's largest budget, under the recipe's version.

    Args:
        teacher_repo: `org/name@commit` where the weights of a teacher that lies here were pushed.
    """
    inputs = _release_inputs(context, source, corpus, teacher_repo)

    def make(out: Path) -> dict[str, Any]:
        from toolkit.hub.release import write_release

        tables = release_tables(context, source, corpus)
        manifest = write_release(out, draft_release(context, source, corpus, teacher_repo, tables))
        return {"configs": list(manifest.configs)}

    with context.progress.stage("release") as stage:
        release = context.build(stage, "release", inputs, make)
        stage.text = _described(context)
    return release


def plan_release(context: Context, source: Source, corpus: Corpus) -> PlannedStage:
    """Say whether the release is there, and which configurations it has."""
    found = context.workspace.planned("release", _release_inputs(context, source, corpus, None))
    return PlannedStage("release", [found], _described(context))


def _release_inputs(context: Context, source: Source, corpus: Corpus, teacher_repo: str | None) -> dict[str, Any]:
    return {
        "provenance": _provenance(context, source, corpus, teacher_repo),
        "recipe": _recipe_text(context, source),
        "corpora": list(_configs(context).values()),
        "draws": other_draws(context),
    }


def _described(context: Context) -> str:
    release = context.recipe.release
    arm, more = arm_of(context), f", {KEPT}, {CALLS}" * makes_questions(context.recipe)
    named = f"{release.repo} {release.version}: " if release.repo else f"arm {arm}: " * bool(arm)
    return f"{named}{', '.join(_configs(context).values())}, all, test, questions{more}"


def arm_of(context: Context) -> str:
    """Name the arm of an experiment that a release is of; empty for the first one, and for a recipe without arms."""
    first = (context.whole or context.run).recipe.arm
    return context.recipe.arm if context.recipe.arm != first else ""


def release_tables(context: Context, source: Source, corpus: Corpus) -> "ReleaseTables":
    """Read the tables that the release holds, whatever its version."""
    from toolkit.hub.release import read_tables

    names, recipe = _configs(context), context.recipe
    sizes, budgets = recipe.pool.pool_sizes, recipe.ladder.budgets
    more = _new_questions(context, source)
    return read_tables(
        corpus={name: part.path / name for part in corpus.parts.values() for name in part.files},
        pool=source.pool.path,
        cells={name: cell_files(*cell, sizes, budgets) for cell, name in names.items()},
        default=names[max(cell for cell in names if cell[0] == recipe.ladder.ladder_questions)],
        statistics={name: corpus.statistics[cell] for cell, name in names.items()},
        ledger=_ledgers(context, corpus, more.get(CALLS)),
        more=more,
    )


def _new_questions(context: Context, source: Source) -> dict[str, Path]:
    """Give the tables of an arm that makes new questions, by the name of their configuration."""
    made = synthesis_tables(context, source) if arm_of(context) else None
    files = {name: made.path / f"{name}.parquet" for name in (KEPT, DROPPED, CALLS)} if made else {}
    return {name: path for name, path in files.items() if path.name in (made.files if made else ())}


def _ledgers(context: Context, corpus: Corpus, calls: Path | None) -> dict[str, dict[str, Any]]:
    """Count what each configuration took by step: of an arm always, as that is what it is compared by."""
    if not arm_of(context):
        return {name: dict(corpus.ledgers[cell]) for cell, name in _configs(context).items() if cell in corpus.ledgers}
    made = count_calls(calls) if calls else {}
    return {name: {**made, **corpus.ledger(*cell)} for cell, name in _configs(context).items()}


def draft_release(
    context: Context, source: Source, corpus: Corpus, teacher_repo: str | None, tables: "ReleaseTables"
) -> "ReleaseDraft":
    """Gather all that the release is made of under the recipe's version; see `release_stage`."""
    from toolkit.hub.release import ReleaseDraft

    return ReleaseDraft(
        tables=tables,
        card=_card(context, source, teacher_repo),
        version=context.recipe.release.version,
        provenance=_provenance(context, source, corpus, teacher_repo),
        recipe=_recipe_text(context, source),
    )


def _configs(context: Context) -> dict[tuple[int, int], str]:
    """Name the configuration of every corpus of the run, by (questions, budget).

    Responses of an arm that is matched are not `budget` per question, and named by what they are matched at.
    """
    recipe = context.recipe
    is_matched = bool(arm_of(context) and recipe.ladder.match and not makes_questions(recipe))
    counting: str = recipe.ladder.match if is_matched and recipe.ladder.match else recipe.ladder.counting
    sizes, ladder = recipe.pool.pool_sizes, recipe.ladder.ladder_questions
    return {cell: cell_name(*cell, sizes, ladder, counting) for cell in corpora_of(context.run)}


def _provenance(context: Context, source: Source, corpus: Corpus, teacher_repo: str | None) -> dict[str, Any]:
    recipe = context.recipe
    return {
        "source": source.key,
        "pool": source.pool.file("questions.parquet"),
        "pool_counts": counts_of(source.pool),
        "teacher": source.teacher.digest,
        "served": served_as(recipe),
        **({"student": source.student.digest} if source.student else {}),
        **({"teacher_repo": teacher_repo} if teacher_repo else {}),
        "corpus": {
            f"{shell.name}-i{start}-{stop}": part.digest for (shell, (start, stop)), part in corpus.parts.items()
        },
        "sampling": recipe.sampling,
        "counting": recipe.ladder.counting,
        **_rule(recipe.ladder),
        "verification": recipe.verification,
        "procedural": procedural(context),
        "toolkit": __version__,
        **_arm_provenance(context, source),
    }


def _arm_provenance(context: Context, source: Source) -> dict[str, Any]:
    """Give what else the release of an arm is made from; nothing for others."""
    if not arm_of(context):
        return {}
    made, plain, prices = synthesis_tables(context, source), _plain_repo(context), _prices(context)
    kept = _kept_for_corrections(context, source)
    return {
        "arm": {
            "name": arm_of(context),
            "match": context.recipe.ladder.match,
            "budget": max(context.run.budgets),
            "questions": max(context.recipe.subsets),
            "allowed": source.allowed,
            **({"corrections": kept} if kept else {}),
            **({"weights": own_weights(context.recipe)} if context.recipe.ladder.match == "money" else {}),
        },
        **({"plain": plain} if plain else {}),
        **({"prices": list(prices)} if prices else {}),
        **({"questions": dict(made.facts)} if made else {}),
    }


def _kept_for_corrections(context: Context, source: Source) -> int:
    """Give how much of what an arm may take its responses leave to corrections of its students' mistakes."""
    return (source.allowed or 0) - (for_responses(context.recipe, source.allowed) or 0)


def _plain_repo(context: Context) -> str | None:
    """Name the dataset of the experiment's first arm."""
    return (context.whole or context.run).recipe.release.repo


def _prices(context: Context) -> tuple[float, float] | None:
    serving = context.recipe.serving
    prices = serving.price_prompt, serving.price_completion
    return prices if any(prices) else None


def _recipe_text(context: Context, source: Source) -> str:
    """Write the recipe of the source with the budgets that the release has."""
    recipe = context.recipe
    largest = max(budget for _, budget in corpora_of(context.run))
    rungs = tuple(budget for budget in recipe.ladder.budgets if budget <= largest)
    teacher = teacher_name(context, source.teacher)
    text = recipe_text(released(recipe, rungs, teacher, "repo" in source.teacher.files), served_as(recipe))
    return text + arms_text(recipe) if makes_questions(recipe) else text


def other_draws(context: Context) -> str:
    """Say which draws of an experiment the release of its first one does not hold; empty without any."""
    whole = context.whole or context.run
    several = len(whole.recipe.teachers) > 1
    runs = [run for run in single_runs(whole) if not arm_of(context) or run.recipe.arm == context.recipe.arm]
    draws = {drawn_by(run): run.recipe.sampling.sampling_seed for run in runs}
    if len(draws) == 1:
        return ""
    seeds: dict[str, list[str]] = {}
    for drawn, seed in draws.items():
        if drawn != drawn_by(context.run):
            seeds.setdefault(drawn.teacher, []).append(str(seed))
    parts = [
        f"sampling seed{'s' * (len(own) > 1)} {joined(own)}" + f" of the teacher {teacher}" * several
        for teacher, own in seeds.items()
    ]
    order = ", each over another order of the questions" * whole.recipe.experiment.reorder
    return (
        f"One of {len(draws)} draws that the experiment's students were trained on; not published: "
        f"{', and '.join(parts)}{order}."
    )


def _rule(ladder: Ladder) -> dict[str, Any]:
    """Give the fields that the ladder's counting reads."""
    if ladder.counting == "adaptive":
        return {"stop_below": ladder.stop_below, "stop_scope": ladder.stop_scope}
    return {"max_draws": ladder.max_draws} if ladder.counting == "accepted" else {}


def _policy(settings: Verification) -> str:
    """Say in words how a response was judged."""
    from toolkit.verification.policies import answer_kind

    cut = "the last match of `{pattern}`" if settings.response_pattern else "the last boxed answer"
    within = f"within a relative tolerance of {TOLERANCE if settings.tolerance is None else settings.tolerance:g}"
    counts = "" if settings.tolerance is not None else ", whole numbers that count something exactly"
    compared = answer_kind(settings.answer_kind).COMPARED.format(tolerance=within + counts)
    return (
        f"{cut.format(pattern=settings.response_pattern)} is cut out, normalised, and {compared}; "
        "a response that did not end by itself is truncated, one without an answer unparsable"
    )


def _arm(context: Context, source: Source) -> "Arm":
    from toolkit.hub.cards.arm import Arm

    recipe = context.recipe
    return Arm(
        name=arm_of(context),
        protocol=recipe.sampling.protocol,
        budget=max(context.run.budgets),
        questions=max(recipe.subsets),
        options=recipe.sampling.protocol_options,
        prompts=list(recipe.sampling.protocol_prompts),
        match=recipe.ladder.match,
        allowed=source.allowed,
        learns_from_mistakes=recipe.student.pairs == MISTAKES,
        corrections=_kept_for_corrections(context, source),
        plain=_plain_repo(context),
        makes_questions=makes_questions(recipe),
        expands=recipe.documents is not None,
        prices=_prices(context),
        weights=own_weights(recipe),
    )


def _card(context: Context, source: Source, teacher_repo: str | None) -> "Card":
    from toolkit.hub.cards.release import Card

    recipe = context.recipe
    name, revision = teacher_name(context, source.teacher)
    questions = max(recipe.subsets)
    return Card(
        repo=recipe.release.repo,
        pretty_name=recipe.title,
        summary=recipe.release.summary,
        domain=Path(recipe.pool.pool).stem,
        license=recipe.release.license,
        pool=f"{Path(recipe.pool.pool).name}, {questions:,} of {source.pool.facts['pool']:,} questions",
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
        prompt=shown_prompt(context, source.teacher, source.questions[0]["question"]),
        policy=_policy(recipe.verification),
        seeds_licence=recipe.release.seeds_licence,
        limits=recipe.release.limits,
        draws=other_draws(context),
        arm=_arm(context, source) if arm_of(context) else None,
    )
