"""No held-out question in what is trained on: in the pool, in what teacher and base read, in the corpus."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.corpora.decontamination import assert_clean
from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job
from toolkit.pipeline.source import NANO, nano_options, read_questions
from toolkit.workers import Tick
from toolkit.workspace import Artifact, to_json, write_atomic


def training_leaks_stage(job: Job, pool: Artifact) -> None:
    """Before anything is trained: test and dev questions against the pool, all of them against what models will read.

    Raises:
        LeakError: naming the questions found and where.
    """
    roles = [role for role in ("teacher", "base") if getattr(getattr(job.recipe, role), role) == NANO]
    with job.progress.stage("leaks") as stage:
        stage.expect(len(roles) + 1, "text")

        def check(role: str) -> Artifact:
            options = nano_options(job, role) if role in roles else {}
            inputs = {"pool": pool.digest, "role": role, "options": options, "procedural": procedural(job)}

            def make(out: Path) -> Mapping[str, Any]:
                texts: int = job.work(stage, f"leaks-{role}", scan, pool.path, role, options, procedural(job))
                write_atomic(out / "clean.json", to_json({"role": role, "texts": texts, "leaks": 0}))
                return {"texts": texts}

            return job.build(stage, "leaks", inputs, make)

        checked = job.each(check, ["pool", *roles])
        texts = sum(done.facts.get("texts", 0) for done in checked)
        stage.text = (
            f"no held-out question in {texts:,} texts to be read" if texts else "held-out questions in all texts"
        )


def procedural(job: Job) -> bool:
    """Whether equal numbers make two questions of the pool the same."""
    from toolkit.questions.pools import PROCEDURAL

    return job.recipe.pool.pool in PROCEDURAL


def scan(pool: Path, role: str, options: Mapping[str, Any], same_numbers: bool, tick: Tick) -> int:
    """Look for held-out questions in what `role` reads and return how many texts that is; runs in a worker."""
    held_out = held_out_questions(pool, seeds=role != "pool")
    texts = _counted(_pool_texts(pool) if role == "pool" else _training_texts(role, options), tick)
    assert_clean(held_out, texts, f"what the {role} reads" if role != "pool" else "the pool", procedural=same_numbers)
    return texts.count


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


def held_out_questions(pool: Path, *, seeds: bool) -> dict[str, str]:
    """Test and dev questions by id, and the pool's own with `seeds`."""
    names = ["test", "dev", *(["questions"] if seeds else [])]
    parts = (read_questions(pool, name) for name in names if (pool / f"{name}.parquet").exists())
    return {row["question_id"]: row["question"] for row in itertools.chain.from_iterable(parts)}


def _pool_texts(pool: Path) -> Iterator[str]:
    return (row["question"] for row in read_questions(pool))


def _training_texts(role: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Every document that training draws from the stream, questions and responses apart."""
    from toolkit.nano.diet import base_texts, teacher_texts
    from toolkit.nano.pretrain import NanoSettings, documents_drawn
    from toolkit.nano.tokenizer import ASSISTANT

    settings = NanoSettings(**options)
    stream = {"teacher": teacher_texts, "base": base_texts}[role](settings.seed, settings.families, settings.largest)
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
        import pyarrow.parquet as pq

        files = [part.path / name for part, name in corpus.accepted(max(job.run.budgets))]
        columns = (pq.read_table(file, columns=["question", "response"]).to_pydict() for file in files)
        texts = [text for table in columns for text in (*table["question"], *table["response"])]
        assert_clean(held_out_questions(pool.path, seeds=False), texts, "the corpus", procedural=procedural(job))
        write_atomic(out / "clean.json", to_json({"texts": len(texts), "leaks": 0}))
        return {"texts": len(texts)}

    with job.progress.stage("leaks") as stage:
        checked = job.build(stage, "leaks", inputs, make)
        texts = checked.facts.get("texts", 0)
        stage.text = f"no test or dev question in {texts:,} texts of the corpus" if texts else "the corpus"
