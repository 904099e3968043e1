"""How responses are judged for a corpus: by the recipe, and none that quotes a held-out question is accepted."""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.pipeline.job import Job
from toolkit.questions.pools import read_questions
from toolkit.verification.judge import Judge
from toolkit.verification.verdicts import Judgement
from toolkit.workspace import Artifact, hash_of


class CorpusJudge(NamedTuple):
    """A judge that also gives the verdict `leaked`."""

    judge_answers: Judge
    leaks: Callable[[str], bool]

    def judge(self, rows: Iterable[tuple[str, str, str]]) -> Iterator[Judgement]:
        """A judgement for each (gold answer, response, finish reason), in their order."""
        asked, given = itertools.tee(rows)
        for (_, text, _), judged in zip(given, self.judge_answers.judge(asked), strict=True):
            leaked = judged.verdict == "accepted" and self.leaks(text)
            yield judged._replace(verdict="leaked") if leaked else judged


@contextlib.contextmanager
def open_judge(job: Job, pool: Artifact) -> Iterator[CorpusJudge]:
    """The judge of a run's responses.

    Procedural questions share no numbers with held-out ones, and a leak among them is an error of the toolkit: it is
    left for the check of the corpus to find. Of real ones, a response may well quote another problem.
    """
    with Judge(job.recipe.verification, job.workers.jobs) as judge:
        if procedural(job):
            yield CorpusJudge(judge, lambda text: False)
            return
        from toolkit.corpora.decontamination import leak_finder

        yield CorpusJudge(judge, leak_finder(held_out_questions(pool.path, seeds=False)))


def judged_by(job: Job, pool: Artifact) -> dict[str, Any]:
    """What verdicts depend on beside the responses."""
    inputs = {"answers": pool.file("questions.parquet"), "settings": job.recipe.verification.keyed()}
    if procedural(job):
        return inputs
    names = ("test.parquet", "dev.parquet")
    return inputs | {"held_out": hash_of([pool.file(name) for name in names if name in pool.files])}


def procedural(job: Job) -> bool:
    """Whether equal numbers make two questions of the pool the same."""
    from toolkit.domains import DOMAINS

    return job.recipe.pool.pool in DOMAINS


def held_out_questions(pool: Path, *, seeds: bool) -> dict[str, str]:
    """Test and dev questions by id, and the pool's own with `seeds`."""
    names = ["test", "dev", *(["questions"] if seeds else [])]
    parts = (read_questions(pool, name) for name in names if (pool / f"{name}.parquet").exists())
    return {row["question_id"]: row["question"] for row in itertools.chain.from_iterable(parts)}
