"""The questions: seeds, and the held-out ones that nothing may quote."""

import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.doors import OLDER
from toolkit.evaluation.benchmarks import Benchmark, load_benchmark
from toolkit.keys import keyed_fields
from toolkit.pipeline.context import Context
from toolkit.pipeline.source import refuse_other_source, source_identity
from toolkit.pipeline.teacher import served_as
from toolkit.questions.pools import read_questions
from toolkit.recipe.sections import Pool, Recipe, Verification
from toolkit.workspace import Artifact, file_digest

HELD_OUT = ("test", "dev", "benchmark")  # files of a pool that nothing may quote; the last where there is a benchmark


def pool_stage(context: Context) -> Artifact:
    """Make the questions, split into pool, test and dev sets."""
    from toolkit.corpora.decontamination import leak_finder
    from toolkit.nano.domain_check import check_domain
    from toolkit.questions.pools import write_pool
    from toolkit.synthesis.schedule import refuse_idle

    settings, kind = context.recipe.pool, context.recipe.verification
    inputs = pool_inputs(settings)
    with context.progress.stage("pool") as stage:
        # Cheap, and every later number needs it: a dry run makes it too.
        if procedural(context):
            check_domain(settings.pool)
        make: Callable[..., dict[str, Any]] = partial(write_pool, settings, leak_finder=leak_finder)
        pool, cached = context.workspace.build("pool", inputs, make)
        if _unread_gold(pool, kind):
            # What is left out depends on the kind of answer, which then is part of what the pool is known by.
            inputs |= {"answer_kind": kind.answer_kind}
            make = partial(make, gold_problem=_problem_by(kind))
            pool, cached = context.workspace.build("pool", inputs, make)
        if has_benchmark(context.recipe):
            pool, cached = _with_items(context, pool, inputs, make)
        stage.count(cached)
        known = source_identity(
            None, served_as(context.recipe), pool.file("questions.parquet"), context.recipe.sampling
        )
        refuse_other_source(context, known)  # and again with the teacher, once it is there
        if context.recipe.ladder.counting == "adaptive":
            refuse_idle(context.recipe.ladder, max(context.recipe.subsets), max(context.run.budgets))
        stage.text = described(pool)
    return pool


def _refuse_unread(benchmark: Benchmark, rows: Sequence[Mapping[str, str]]) -> None:
    """Refuse items whose gold answers the benchmark's own judge cannot read, long before models are asked."""
    from toolkit.evaluation.items import EvaluationError

    gold_problem = _problem_by(benchmark.verification)
    unread = [f"item {row['question_id']}: {problem}" for row in rows if (problem := gold_problem(row["answer"]))]
    if unread:
        raise EvaluationError(
            f"benchmark {benchmark.name}: {len(unread):,} of {len(rows):,} answers cannot be read; {unread[0]}; "
            "correct its items or its `verification`"
        )


def described(pool: Artifact) -> str:
    """Say how many questions a pool has, and how many were left out."""
    facts = pool.facts
    text = f"{facts['pool']:,} seed, {facts['test']:,} test and {facts['dev']:,} dev questions"
    if facts.get("benchmark"):
        text += f"; {facts['benchmark']:,} items of the benchmark"
    if facts["dropped"]:
        text += f"; {facts['dropped']:,} seeds left out, too near a held-out question"
    if facts.get("unread"):
        text += f"; {facts['unread']:,} left out, without a readable answer ({facts['unread_example']})"
    return text


def find_pool(context: Context) -> Artifact:
    """Look up the pool of a recipe."""
    inputs, kind = pool_inputs(context.recipe.pool), context.recipe.verification
    pool = context.workspace.planned("pool", inputs)
    if pool.made and _unread_gold(pool, kind):
        inputs |= {"answer_kind": kind.answer_kind}
        pool = context.workspace.planned("pool", inputs)
    if pool.made and has_benchmark(context.recipe):
        pool = context.workspace.planned("pool", inputs | _benchmark_inputs(benchmark_of(context, pool.path)))
    return pool


def has_benchmark(recipe: Recipe) -> bool:
    """Tell whether scores are made on other items than the pool's own test questions."""
    return recipe.evaluation.benchmark != OLDER["benchmark"]


def tested_file(recipe: Recipe) -> str:
    """Name the file of the pool that has the items of its scores."""
    return "benchmark.parquet" if has_benchmark(recipe) else "test.parquet"


def benchmark_of(context: Context, pool: Path) -> Benchmark:
    """Load the benchmark of a run's scores, which keeps what it fetches in a folder of the workspace."""
    name = context.recipe.evaluation.benchmark
    return load_benchmark(name, pool, context.workspace.root / "benchmarks" / name, context.recipe.verification)


def _benchmark_inputs(benchmark: Benchmark) -> dict[str, Any]:
    return {"benchmark": {"name": benchmark.name, "items": file_digest(benchmark.items)}}


def _with_items(
    context: Context, pool: Artifact, inputs: dict[str, Any], make: Callable[..., dict[str, Any]]
) -> tuple[Artifact, bool]:
    """Put a benchmark's items beside the questions, so that whatever is searched for these is searched for those, too.

    The seeds stay, unless some of a file or dataset are too near an item: then others take their places.
    """
    from toolkit.corpora.decontamination import leak_finder
    from toolkit.evaluation.items import read_items

    benchmark = benchmark_of(context, pool.path)
    rows = read_items(benchmark.items)
    _refuse_unread(benchmark, rows)
    items = {item["question_id"]: item["question"] for item in rows}
    seeds = (row["question"] for row in read_questions(pool.path))

    def write(out: Path) -> dict[str, Any]:
        facts = dict(pool.facts)
        if procedural(context) or not any(map(leak_finder(items), seeds)):
            for name in pool.files:
                shutil.copyfile(pool.path / name, out / name)
        else:
            facts = make(out, leak_finder=lambda held_out: leak_finder({**items, **held_out}))
        shutil.copyfile(benchmark.items, out / "benchmark.parquet")
        return facts | {"benchmark": len(items)}

    return context.workspace.build("pool", inputs | _benchmark_inputs(benchmark), write)


def pool_inputs(settings: Pool) -> dict[str, Any]:
    """Give what the pool's key hashes. A local file is known by its bytes, not by its place, a domain by its texts."""
    files = {
        key: Path(name) for key in ("pool", "test_pool") if (name := getattr(settings, key)) and Path(name).is_file()
    }
    named = keyed_fields(settings) | {key: path.name for key, path in files.items()}
    return {
        "settings": named,
        "content": {key: file_digest(path) for key, path in files.items()},
        **domain_inputs(settings.pool),
    }


def domain_inputs(pool: str) -> dict[str, str]:
    """Give what a procedural pool adds to the keys of all that reads its domain, so that an edit of it is another."""
    from toolkit.domains import DOMAINS
    from toolkit.domains.sample import domain_digest

    digest = domain_digest(pool, DOMAINS[pool]) if pool in DOMAINS else None
    return {"domain_digest": digest} if digest else {}


def _unread_gold(pool: Artifact, kind: Verification) -> bool:
    """Tell whether a seed or test answer of the pool is not of the recipe's kind."""
    problem = _problem_by(kind)
    names = ("questions", "test")
    return any(problem(row["answer"]) for name in names for row in read_questions(pool.path, name))


def _problem_by(kind: Verification) -> Callable[[str], str | None]:
    from toolkit.verification.golds import gold_problem

    return partial(gold_problem, settings=kind)


def procedural(context: Context) -> bool:
    """Tell whether equal numbers make two questions of the pool the same."""
    from toolkit.domains import DOMAINS

    return context.recipe.pool.pool in DOMAINS


def counts_of(pool: Artifact) -> dict[str, int]:
    """Give the numbers of a pool's questions that a release tells: those of its own parts."""
    return {name: pool.facts[name] for name in ("pool", "test", "dev", "dropped") if name in pool.facts}


def held_out_questions(pool: Path, *, seeds: bool) -> dict[str, str]:
    """Read test and dev questions and a benchmark's items by id, and the pool's own questions with `seeds`."""
    names = [*HELD_OUT, *(["questions"] if seeds else [])]
    parts = (read_questions(pool, name) for name in names if (pool / f"{name}.parquet").exists())
    return {row["question_id"]: row["question"] for row in itertools.chain.from_iterable(parts)}
