"""The judge of a source: by the recipe, and none that quotes a held-out question is accepted."""

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.pool import HELD_OUT, held_out_questions, procedural
from toolkit.verification.judge import Judge
from toolkit.verification.verdicts import Judgement
from toolkit.workspace import Artifact, hash_of

# In the place of the answer that a new question without a label has not: by the kind of answer, one that can be read.
UNLABELLED: dict[str, str] = defaultdict(lambda: "0", choice="A")


class CorpusJudge(NamedTuple):
    """A judge that also gives the verdict `leaked`; `answers` judges the answers alone.

    A question without an answer, which is new and got no label, has no accepted response.
    """

    answers: Judge
    leaks: Callable[[str], bool]

    def judge(self, rows: Iterable[tuple[str, str, str]]) -> Iterator[Judgement]:
        """Give a judgement for each (gold answer, response, finish reason), in their order."""
        rows, same = itertools.tee(rows)
        unlabelled = UNLABELLED[self.answers.settings.answer_kind]
        asked = ((gold or unlabelled, text, reason) for gold, text, reason in rows)
        for (gold, text, _), judged in zip(same, self.answers.judge(asked), strict=True):
            known = judged if gold or judged.verdict != "accepted" else judged._replace(verdict="rejected")
            yield self.without_leaks(known, text)

    def without_leaks(self, judged: Judgement, text: str) -> Judgement:
        """Give a judgement again: an accepted response is `leaked` where a text that trains with it has a leak."""
        leaked = judged.verdict == "accepted" and self.leaks(text)
        return judged._replace(verdict="leaked") if leaked else judged


@contextlib.contextmanager
def open_judge(context: Context, pool: Artifact) -> Iterator[CorpusJudge]:
    """Open the judge of a source's responses, once for sampling, counting and the corpus.

    Procedural questions share no numbers with held-out ones, and a leak among them is an error of the toolkit: it is
    left for the check of the corpus to find. Of real ones, a response may well quote another problem.
    """
    with Judge(context.recipe.verification, context.workers.jobs) as judge:
        if procedural(context):
            yield CorpusJudge(judge, lambda text: False)
            return
        from toolkit.corpora.decontamination import leak_finder

        yield CorpusJudge(judge, leak_finder(held_out_questions(pool.path, seeds=False)))


def judged_by(context: Context, pool: Artifact) -> dict[str, Any]:
    """Give what verdicts depend on beside the responses."""
    inputs = {"answers": pool.file("questions.parquet"), "settings": context.recipe.verification.keyed()}
    if procedural(context):
        return inputs
    names = [f"{part}.parquet" for part in HELD_OUT]
    return inputs | {"held_out": hash_of([pool.file(name) for name in names if name in pool.files])}
