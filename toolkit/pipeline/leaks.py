"""No held-out question in what is trained on: in the pool, in what teacher and base read, in the corpus."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.corpora.decontamination import assert_clean
from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job
from toolkit.pipeline.judging import held_out_questions, procedural
from toolkit.pipeline.source import jobs_of_models, nano_options
from toolkit.pipeline.teacher import NANO
from toolkit.questions.pools import read_questions
from toolkit.workers import Tick
from toolkit.workspace import Artifact, to_json, write_atomic

ROLES = ("base", "teacher")  # of models that may be embedded, in the order in which what they read is looked through


def training_leaks_stage(job: Job, pool: Artifact, roles: Sequence[str]) -> Artifact:
    """Test and dev questions against the pool, and all of them against every text that embedded models will read.

    Args:
        roles: `teacher`, `base`: of the models that are needed. A check of all models that is there serves, too.

    Raises:
        LeakError: naming the questions found and where.
    """
    inputs = _read_by(job, pool, ROLES)
    if not job.workspace.planned("leaks", inputs).made:
        inputs = _read_by(job, pool, [role for role in ROLES if role in roles])
    options = inputs["read"]
    with job.progress.stage("leaks") as stage:
        stage.expect(1, "text")

        def make(out: Path) -> Mapping[str, Any]:
            texts: dict[str, int] = job.work(stage, "leaks", scan, pool.path, options, procedural(job))
            write_atomic(out / "clean.json", to_json({"texts": texts, "leaks": 0}))
            return {"texts": texts}

        checked = job.build(stage, "leaks", inputs, make)
        texts = sum(checked.facts.get("texts", {}).values())
        stage.text = (
            f"no held-out question in {texts:,} texts to be read" if texts else "held-out questions in all texts"
        )
    return checked


def _read_by(job: Job, pool: Artifact, roles: Sequence[str]) -> dict[str, Any]:
    """What the check of the embedded models of some roles is made from."""
    options = {
        " ".join(called[: 1 + (len(getattr(job.recipe, f"{called[0]}s")) > 1)]): nano_options(of_model, called[0])
        for called, of_model in jobs_of_models(job, roles).items()
        if getattr(getattr(of_model.recipe, called[0]), called[0]) == NANO
    }
    return {"pool": pool.digest, "read": options, "procedural": procedural(job)}


def scan(pool: Path, options: Mapping[str, Mapping[str, Any]], same_numbers: bool, tick: Tick) -> dict[str, int]:
    """Look for held-out questions in the pool and in what each model reads; how many texts each is. Runs in a worker.

    A model is called by its role, and by its name where there are several: `teacher small`.
    """
    found = {}
    for model in ("pool", *options):
        texts = _counted(_pool_texts(pool) if model == "pool" else _training_texts(model, options[model]), tick)
        name = "the pool" if model == "pool" else f"what the {model} reads"
        assert_clean(held_out_questions(pool, seeds=model != "pool"), texts, name, procedural=same_numbers)
        found[model] = texts.count
    return found


class _counted:
    """An iterator that reports and remembers how far it is."""

    def __init__(self, texts: Iterator[str], tick: Tick) -> None:
        self.texts, self.tick, self.count = texts, tick, 0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            self.count += 1
            if self.count % 1000 == 0:
                self.tick(self.count, self.count)
            yield text


def _pool_texts(pool: Path) -> Iterator[str]:
    return (row["question"] for row in read_questions(pool))


def _training_texts(model: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Every document that training draws from the stream, questions and responses apart."""
    from toolkit.nano.pretrain import NanoSettings, documents_drawn
    from toolkit.nano.training_texts import base_texts, teacher_texts
    from toolkit.nano.vocabulary import ASSISTANT

    settings = NanoSettings(**options)
    stream = {"teacher": teacher_texts, "base": base_texts}[model.split()[0]](
        settings.seed, settings.families, settings.largest, settings.domain
    )
    documents = itertools.islice(stream, documents_drawn(settings))
    return itertools.chain.from_iterable(document.split(ASSISTANT) for document in documents)


def corpus_leaks_stage(job: Job, pool: Artifact, corpus: Corpus) -> None:
    """Test and dev questions against every accepted row of the corpus, question and response."""
    inputs = {
        "pool": pool.digest,
        "corpus": [part.digest for part in corpus.parts.values()],
        "procedural": procedural(job),
    }

    def make(out: Path) -> Mapping[str, Any]:
        files = [part.path / name for part, name in corpus.accepted(max(job.recipe.subsets), max(job.run.budgets))]
        texts = _counted(_corpus_texts(files), lambda done, total: stage.tick("leaks", done, total))
        assert_clean(held_out_questions(pool.path, seeds=False), texts, "the corpus", procedural=procedural(job))
        counted = {"corpus": texts.count}
        write_atomic(out / "clean.json", to_json({"texts": counted, "leaks": 0}))
        return {"texts": counted}

    with job.progress.stage("leaks") as stage:
        checked = job.build(stage, "leaks", inputs, make)
        texts = sum(checked.facts.get("texts", {}).values())
        stage.text = f"no test or dev question in {texts:,} texts of the corpus" if texts else "the corpus"


def _corpus_texts(files: Iterable[Path]) -> Iterator[str]:
    """Question and response of every row, read a batch at a time."""
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000, columns=["question", "response"]):
                for column in batch.columns:
                    yield from column.to_pylist()
