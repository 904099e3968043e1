"""What a teacher was asked for that no corpus of a run has: responses that a matched arm began and had no room for."""

import math
from collections.abc import Sequence
from pathlib import Path

from toolkit.pipeline.cells import Drawn, drawn_by
from toolkit.pipeline.stages.students import Replicate
from toolkit.synthesis.journal import Usage, read_journal
from toolkit.synthesis.questions import SYNTHESIS


def unused(replicates: Sequence[Replicate]) -> dict[Drawn, Usage]:
    """Count what lies in each journal beyond the ledgers, so that they add up to all that was asked for.

    Arms that sample alike share a journal, in which the longer continues the shorter: what is left over is the longer
    one's, the first of equals. The tokens of tries that brought no text, and were sent again, are left over, too. What
    another experiment asked for in the same journal, at indices that this one never came to, is not counted.

    Returns:
        samples, prompt and completion tokens by teacher, replicate and arm; zeros where nothing is left.
    """
    sources = {drawn_by(replicate.context.run): replicate for replicate in replicates}
    counted = {name: _counted(replicate) for name, replicate in sources.items()}
    found = dict.fromkeys(sources, Usage(0, 0, 0))
    for journal in dict.fromkeys(replicate.source.journal for replicate in sources.values()):
        longest = max(
            (name for name, replicate in sources.items() if replicate.source.journal == journal),
            key=lambda name: counted[name].samples,
        )
        asked = _asked(journal, _most(sources[longest]))
        found[longest] = Usage(*(all_of - own for all_of, own in zip(asked, counted[longest], strict=True)))
    return found


def _counted(replicate: Replicate) -> Usage:
    """Sum the ledger of a source's largest corpus."""
    steps = replicate.ledger(*max(replicate.corpus.corpora)).values()
    return Usage(*(sum(step[name] for step in steps) for name in ("samples", "prompt_tokens", "tokens")))


def _most(replicate: Replicate) -> int:
    """Give how many responses of a question an arm came to; one that is matched may have begun another one."""
    recipe, corpus = replicate.context.recipe, max(replicate.corpus.corpora)
    drawn = replicate.corpus.statistics[corpus]["sampled"] / max(len(replicate.source.questions), 1)
    return math.ceil(drawn) + 1 if recipe.ladder.match else corpus[1]


def _asked(journal: Path, most: int) -> Usage:
    """Sum all that was asked for of the first `most` responses of each question, and for new questions.

    Tries without a text are among the tokens alone.
    """
    samples = prompt_tokens = tokens = 0
    for row in read_journal(journal):
        if row.index >= most and row.question_id != SYNTHESIS:
            continue
        if row.is_completion or row.failed:  # else it is a text that a protocol made of its steps
            samples += row.is_completion
            prompt_tokens += row.prompt_tokens
            tokens += row.completion_tokens
    return Usage(samples, prompt_tokens, tokens)
