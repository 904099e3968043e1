"""What a student reads before each response of a part, where a protocol says more than the question."""

import itertools
from collections.abc import Callable, Collection, Iterator

from toolkit.corpora.derangement import Key, deranged
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.protocol import has_steps, protocol_of
from toolkit.pipeline.replay import training_prompt
from toolkit.pipeline.source import Part, Source, responses_of
from toolkit.pipeline.stages.journal_index import rows_at
from toolkit.prompt import Messages


def own_prompts(context: Context, source: Source, part: Part) -> Iterator[Messages | None]:
    """Yield what a student reads by the steps of each response itself; None for the question alone."""
    return _prompts(context, source, part, {})


def prompts_of_rows(
    context: Context, source: Source, part: Part, trained: Callable[[], Collection[Key]]
) -> Iterator[Messages | None]:
    """Yield what a student reads before each response; None for the question alone.

    A protocol that swaps a step is given one of another question here, and not before: it sees one question alone,
    while here all rows that train are known. They exchange the step among themselves, so that the control has the same
    texts as the protocol without it; other rows keep their own.

    Args:
        trained: gives question id and index of the rows that train; called where a step is swapped.

    Raises:
        StageError: where they are all of one question.
    """
    swapped = protocol_of(context.recipe).swapped if has_steps(context.recipe) else ""
    if not swapped:
        return own_prompts(context, source, part)
    try:
        donors = deranged(trained(), context.recipe.sampling.sampling_seed)
    except ValueError as error:
        shell, (start, stop) = part
        raise StageError(
            f"{context.recipe.sampling.protocol}: step {swapped!r} of another question: {error} among the accepted "
            f"responses {start} to {stop - 1} of the questions {shell.start} to {shell.stop - 1}, so that there is no "
            "other one; take more questions, or show each response its own"
        ) from error
    return _prompts(context, source, part, donors)


def _prompts(context: Context, source: Source, part: Part, donors: dict[Key, Key]) -> Iterator[Messages | None]:
    if not has_steps(context.recipe):
        return itertools.repeat(None, len(source.rows[part].offsets))
    protocol = protocol_of(context.recipe)
    places = _step_places(source, part, protocol.swapped) if donors else {}

    def instead(key: Key) -> dict[str, str]:
        (found,) = rows_at(source.journal, [places[donors[key]]])
        return {protocol.swapped: found["text"]}

    return (
        training_prompt(protocol, source.questions[row["position"]], row, steps, instead(key) if key in donors else {})
        for row, steps in responses_of(source, part)
        for key in [(row["question_id"], row["index"])]
    )


def _step_places(source: Source, part: Part, step: str) -> dict[Key, int]:
    """Give where a step of each response of a part begins in the journal, in bytes; its text is read when needed."""
    offsets = source.rows[part].steps.tolist()
    rows = zip(offsets, rows_at(source.journal, offsets), strict=True)
    return {(row["question_id"], row["index"]): offset for offset, row in rows if row["step"] == step}
