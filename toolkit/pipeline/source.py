"""The source, pool and teacher: what it is known by, which one a pulled recipe continues, and its responses by part.

With another teacher, pool or prompt than the one that a recipe continues, a run stops.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.budgets import Shell
from toolkit.corpora.ranks import accepted_ranks
from toolkit.hub.version import differences
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.stages.journal_index import Integers, JournalIndex, Row, rows_at
from toolkit.protocols import prompts_digest, reading_options
from toolkit.recipe.sections import Sampling
from toolkit.text_files import read_object
from toolkit.workspace import Artifact, Workspace, canonical, hash_of, to_json, write_atomic

FOLDER = "pulled"  # of the workspace: a file per pulled recipe
MENDS = {
    "teacher": "its weights are restored by `fss pull`, and no other teacher's responses may join them",
    "served": "say where the teacher answers with `server`, `urls` or `provider`; `api` and `quantize` stay",
    "questions": "put the settings of the pool back",
    "sampling": "put them back",
    "student": "name the base model of the release again: it answers steps of the protocol",
    "prompts": "the toolkit's prompts of this protocol changed; take the version that the release names",
}


def source_identity(
    teacher: str | None,
    served: Mapping[str, Any] | None,
    questions: str,
    sampling: Sampling,
    student: str | None = None,
) -> dict[str, Any]:
    """Give what a source's key hashes.

    Args:
        teacher: digest of its weights, or of its name and revision; None where it is not known yet.
        served: see `served_as`.
        questions: sha256 of the pool's questions.
        student: digest of the base model that answers steps of the protocol, if it has such steps.
    """
    prompts = prompts_digest(sampling.protocol)
    more = {
        "teacher": teacher,
        "prompts": prompts,
        "student": student,
    }  # plain rejection sampling has no prompts but the recipe's own
    known = {name: value for name, value in more.items() if value}
    identity: dict[str, Any] = canonical({"served": served, "questions": questions, "sampling": sampling} | known)
    return identity


def source_key(identity: Mapping[str, Any]) -> str:
    """Give the key of a source, 16 hex digits."""
    return hash_of(identity)[:16]


def journal_of(workspace: Workspace, identity: Mapping[str, Any], sampling: Sampling) -> Path:
    """Give where the responses of a source are.

    Sources that differ only in what a student reads ask the same and share one journal. One that has a journal under
    its own key, from a release or from before they did, goes on with that.
    """
    own = workspace.root / "responses" / f"{source_key(identity)}.jsonl"
    reading = reading_options(sampling.protocol)
    if own.exists() or reading.isdisjoint(sampling.protocol_options):
        return own
    asked = {name: value for name, value in sampling.protocol_options.items() if name not in reading}
    shared = canonical({"sampling": dataclasses.replace(sampling, protocol_options=asked)})
    return own.with_stem(source_key({**identity, **shared}))


def remember(workspace: Workspace, recipe: str, release: str, identity: Mapping[str, Any]) -> None:
    """Note that a recipe continues the source of `release` (`org/name@v1.0.0`)."""
    write_atomic(workspace.root / FOLDER / f"{recipe}.json", to_json({"release": release, "source": identity}))


def origin_of(context: Context) -> Mapping[str, Any] | None:
    """Give `release` and `source` of what the run's recipe was pulled from; None for a recipe of one's own."""
    path = context.workspace.root / FOLDER / f"{context.recipe.name}.json"
    found = read_object(path) if path.is_file() else None
    if found is not None and not (isinstance(found.get("release"), str) and isinstance(found.get("source"), dict)):
        raise StageError(
            f"{path}: does not say what was pulled; run `fss pull` again, or remove it for a source of your own"
        )
    return found


def refuse_training(context: Context) -> None:
    """Refuse to train a teacher that was pulled: it is there or not, and one that is trained anew is another.

    Raises:
        StageError: naming the mend.
    """
    pulled = origin_of(context)
    if pulled:
        raise StageError(
            f"{context.recipe.name} continues {pulled['release']}, and its teacher is not in this workspace under "
            f"these settings: put the `teacher_*` keys and those of the pool back, or run `fss pull "
            f"{pulled['release']}` again. For a source of your own: `fss recipe cp`"
        )


def refuse_other_source(context: Context, identity: Mapping[str, Any]) -> None:
    """Refuse another source than the one that a pulled recipe continues.

    Args:
        identity: see `source_identity`; what is not known yet may be left out.

    Raises:
        StageError: before anything is sampled, with what differs and the mend.
    """
    pulled = origin_of(context)
    wrong = differences({key: pulled["source"].get(key) for key in identity}, identity) if pulled else []
    if pulled and wrong:
        changed = dict.fromkeys(line.partition(":")[0].partition(".")[0] for line in wrong)
        lines = "".join(f"\n  {line}" for line in [*wrong, *(f"{key}: {MENDS[key]}" for key in changed)])
        raise StageError(
            f"{context.recipe.name} continues {pulled['release']}, and this is another source:{lines}\n"
            "For a source of your own: `fss recipe cp`"
        )


Part = tuple[Shell, tuple[int, int]]  # shell x increment


class PartRows(NamedTuple):
    """Rows of one part, sorted by (index, position): place in the journal (bytes), question position, and whether each
    repeats an accepted text that is counted already."""

    offsets: Integers
    positions: Integers
    repeats: NDArray[np.bool_]
    digest: str  # of the rows, whatever their order in the journal
    steps: Integers  # places of the steps that led to these rows, sorted by (index, position) and then as they came
    steps_digest: str


@dataclasses.dataclass(frozen=True)
class Source:
    """Pool and teacher, and the journal of what the teacher answered."""

    pool: Artifact
    teacher: Artifact
    questions: list[dict[str, Any]]  # the ladder's subset in pool order, or new ones made of it
    key: str
    journal: Path
    parts: list[Part]  # shell x increment, increment-major
    digests: dict[Part, str]  # of the journal's rows in each part
    rows: Mapping[Part, PartRows] = dataclasses.field(default_factory=dict)  # none in a dry run that lacks responses
    made: Artifact | None = None  # new questions that stand in the place of the seeds
    labels: Artifact | None = None  # of these, by which their responses are judged
    student: Artifact | None = None  # base model that answered steps of the protocol
    first: Artifact | None = None  # teacher of the first arm, where an arm has another one
    allowed: int | None = None  # what a matched arm may take of its teacher, where it is known
    expected: int | None = None  # responses that an arm takes, about, that is matched to another; None: by the budget


def with_rows(source: Source, index: JournalIndex, counting: str, draws: Integers) -> Source:
    """Give `source` the rows of each of its parts, and their digests.

    Args:
        index: of the source's journal, read to its end, and labelled where `counting` is `accepted`.
        draws: (questions,) how many responses of each question count, the first ones; any more are in no part.

    Raises:
        StageError: for a response that is missing, or there twice.
    """
    positions, indices = index.column("position"), index.column("index")
    ranks, repeats = _ranks(index, counting, draws, max((stop for _, (_, stop) in source.parts), default=1))
    order = np.lexsort((positions, indices))
    order = order[indices[order] < draws[positions[order]]]
    _check_complete(source, indices[order], positions[order], draws)
    positions, rank = positions[order], ranks[positions[order], indices[order]]
    repeated, offsets = repeats[positions, indices[order]], index.column("offset")[order]
    rows, steps = {}, _Steps(index, ranks, draws)
    for shell, (start, stop) in source.parts:
        inside = np.flatnonzero((shell.start <= positions) & (positions < shell.stop) & (start <= rank) & (rank < stop))
        digest = index.digest(order[inside].tolist())
        rows[shell, (start, stop)] = PartRows(
            offsets[inside], positions[inside], repeated[inside], digest, *steps.of(shell, start, stop)
        )
    return dataclasses.replace(source, rows=rows, digests={part: of_part.digest for part, of_part in rows.items()})


class _Steps:
    """The steps of a journal that belong to responses that count, in the order in which parts hold them."""

    def __init__(self, index: JournalIndex, ranks: Integers, draws: Integers) -> None:
        self._index, (positions, indices, offsets) = index, map(index.step_column, ("position", "index", "offset"))
        order = np.lexsort((offsets, positions, indices))
        self._places = order[indices[order] < draws[positions[order]]]
        self._positions, self._offsets = positions[self._places], offsets[self._places]
        self._ranks = ranks[self._positions, indices[self._places]]

    def of(self, shell: Shell, start: int, stop: int) -> tuple[Integers, str]:
        """Give where the steps of a part begin, in bytes, and their digest."""
        in_shell = (shell.start <= self._positions) & (self._positions < shell.stop)
        inside = np.flatnonzero(in_shell & (start <= self._ranks) & (self._ranks < stop))
        return self._offsets[inside], self._index.step_digest(self._places[inside].tolist())


def _ranks(index: JournalIndex, counting: str, draws: Integers, rungs: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Give (questions, draws) the rank of each response, and whether it repeats one that is counted already.

    Only an arm that matches another one's tokens draws beyond the largest of the `rungs`; that is all of its last one.
    """
    shape = (len(draws), int(draws.max(initial=0)))
    ranks = np.broadcast_to(np.minimum(np.arange(shape[1]), rungs - 1), shape)
    repeats = np.zeros(shape, bool)
    if counting != "accepted":
        return ranks, repeats
    ranks = ranks.copy()
    for position, count in enumerate(draws.tolist()):
        found = accepted_ranks(index.path(position, at) for at in range(count))
        if found:
            ranks[position, :count], repeats[position, :count] = zip(*found, strict=True)
    return ranks, repeats


def _check_complete(source: Source, indices: Integers, positions: Integers, draws: Integers) -> None:
    expected = np.arange(draws.max(initial=0))[:, None] < draws
    counts = np.zeros(expected.shape, int)
    np.add.at(counts, (indices, positions), 1)
    wrong = np.argwhere(counts != expected)
    if wrong.size:
        index, position = wrong[0].tolist()
        name = f"question {source.questions[position]['question_id']!r}, index {index}"
        what = "is there twice" if counts[index, position] else "is missing; run `fss sample` again"
        raise StageError(f"{source.journal.name}: the response to {name} {what}")


def responses_of(source: Source, part: Part) -> Iterator[tuple[Row, list[Row]]]:
    """Yield the journal's rows of one part as `rows_of` does, each with the rows of the steps that led to it."""
    steps = rows_at(source.journal, source.rows[part].steps.tolist())
    step = next(steps, None)
    for row in rows_of(source, part):
        led: list[Row] = []
        while step and (step["question_id"], step["index"]) == (row["question_id"], row["index"]):
            led.append(step)
            step = next(steps, None)
        yield row, led


def rows_of(source: Source, part: Part) -> Iterator[Row]:
    """Yield the journal's rows of one part with `position` and `repeat`, sorted by (index, position)."""
    own = source.rows[part]
    rows = rows_at(source.journal, own.offsets.tolist())
    for row, position, repeat in zip(rows, own.positions.tolist(), own.repeats.tolist(), strict=True):
        yield row | {"position": position, "repeat": repeat}
