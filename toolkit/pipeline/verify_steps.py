"""Checks the steps of a release: complete, each with its seed and parents, and the protocol run again over them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from toolkit.corpora.derangement import Key, deranged
from toolkit.corpora.new_questions import CALLS, count_calls
from toolkit.corpora.steps import SCHEMA, count_answers, count_steps
from toolkit.doors import PROTOCOLS
from toolkit.hub.cards.release import printed_ledger, read_ledger
from toolkit.hub.manifest import ReleaseManifest, Sides
from toolkit.hub.release import STEPS
from toolkit.pipeline.replay import Replay, replay
from toolkit.prompt import user_turn
from toolkit.protocols import load_protocol
from toolkit.protocols.contract import ANSWER, Protocol, Question
from toolkit.records.parquet_limits import read_rows
from toolkit.synthesis.executions import origin, step_seed
from toolkit.synthesis.journal import Response, checked
from toolkit.text_files import read_text

Row = dict[str, Any]
Report = Callable[[str, Mapping[str, Any]], None]  # notes a kind of fault of a row
FIELDS = {  # of a response -> column of a table of steps
    "question_id": "question_id",
    "index": "response_index",
    "finish_reason": "finish_reason",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "tokens",
    "seed": "seed",
    "model": "model",
    "step": "step",
    "occurrence": "occurrence",
}
COLUMNS = {field.name: field.type for field in SCHEMA}


def step_of(row: Mapping[str, Any]) -> Response:
    """Give the step in a row of a table of steps; its text is empty where it is the response itself.

    Raises:
        ValueError: naming a field that is not of its type or out of its range.
    """
    fields = {field: row[column] for field, column in FIELDS.items()}
    parents = tuple(row["parents"] or ())
    return checked(Response(text=row["text"] or "", parents=parents, final=row["text"] is None, **fields))


def step_fault(row: Mapping[str, Any]) -> str:
    """Say what is wrong with a row of a table of steps by itself; empty for nothing."""
    missing = [field.name for field in SCHEMA if not field.nullable and row[field.name] is None]
    if missing:
        return f"{missing[0]}: is missing"
    try:
        step_of(row)
    except ValueError as error:
        return str(error)
    return ""


def joined(response: Response, steps: Sequence[Response]) -> tuple[Response, list[Response]]:
    """Give a response as the journal has it, and the steps that led to it, from a release's tables.

    Args:
        response: from its row, which does not say by which step it came.
        steps: of its table of steps, in their order.
    """
    led = [step for step in steps if not step.final]
    own = next((step for step in steps if step.final), None)
    if own is None:  # a text that the protocol made of its steps
        found = led[origin(response.text, [step.text for step in led])] if led else None
        return response._replace(final=True, parents=(f"{found.step}:{found.occurrence}",) if found else ()), led
    if (own.step, own.occurrence, own.parents) == (ANSWER, 0, ()):
        return response, led
    return response._replace(step=own.step, occurrence=own.occurrence, parents=own.parents, final=True), led


class StepChecker:
    """Checks the responses of a release against its tables of steps.

    Args:
        report: notes each fault.
    """

    def __init__(self, folder: Path, manifest: ReleaseManifest, report: Report) -> None:
        self._folder, self._report = folder, report
        self._seed, self.protocol = _protocol_of(manifest)
        self._steps: dict[Key, list[Response]] = {}
        self._instead: dict[Key, dict[str, str]] = {}
        self.count = 0

    def begin(self, files: Sequence[str], trained: Sequence[str] = ()) -> None:
        """Read tables of steps; what was read before is let go.

        Args:
            trained: tables of the responses of that part that train: a student may read a step of one before another.
        """
        rows = (row for name in files for row in read_rows(self._folder / name, list(COLUMNS)))
        self._steps = {}
        for key, group in groupby(rows, key=lambda row: (row["question_id"], row["response_index"])):
            self._steps.setdefault(key, []).extend(map(step_of, group))
        self._instead = self._swapped(trained) if self.protocol and self.protocol.swapped else {}

    def _swapped(self, trained: Sequence[str]) -> dict[Key, dict[str, str]]:
        """Give what stands for a step in what a student reads before each response; none for rows of one question."""
        rows = (row for name in trained for row in read_rows(self._folder / name, ["question_id", "response_index"]))
        name = self.protocol.swapped if self.protocol else ""
        try:
            donors = deranged(((row["question_id"], row["response_index"]) for row in rows), self._seed)
        except ValueError:  # then the rows are not what the protocol has a student read
            return {}
        texts = {
            key: {step.step: step.text for step in steps if step.step == name} for key, steps in self._steps.items()
        }
        return {key: texts.get(donor, {}) for key, donor in donors.items()}

    def check(self, row: Mapping[str, Any], response: Response) -> None:
        """Check a response, given also as its row of the release."""
        steps = self._steps.pop((response.question_id, response.index), [])
        self.count += len(steps)
        for fault in _loose_ends(response, steps, self._seed):
            self._report(fault, row)
        if self.protocol and not response.failed:
            self._replay(self.protocol, row, *joined(response, steps))

    def end(self) -> None:
        """Report steps whose response is not there."""
        for (question_id, index), _ in self._steps.items():
            self._report("has steps and no response", {"question_id": question_id, "response_index": index})

    def _replay(self, protocol: Protocol, row: Mapping[str, Any], response: Response, steps: list[Response]) -> None:
        try:
            instead = self._instead.get((response.question_id, response.index))
            draft = replay(protocol, Question(row["question_id"], row["question"]), response, steps, instead)
        except Replay as fault:
            self._report(f"its protocol, run again over its steps, {fault}", row)
            return
        prompt = draft.prompt or user_turn(row["question"])
        if [dict(turn) for turn in prompt] != [dict(turn) for turn in row["messages"][:-1]]:
            self._report("its messages are not what its protocol has a student read", row)


def _loose_ends(response: Response, steps: Sequence[Response], sampling_seed: int) -> Iterator[str]:
    """Yield what is wrong with the steps: missing, twice, without parents, of another seed, or not the response."""
    own, seen, counts = [step for step in steps if step.final], set[str](), Counter[str]()
    if not steps and not (response.failed and response.error.startswith("protocol ")):
        yield "has no steps"
    for step in steps:
        if step.occurrence != counts[step.step] or not set(step.parents) <= seen:
            yield "its steps are not in order, or build on steps that are not there"
        if step.seed != step_seed(sampling_seed, step.question_id, step.index, step.step, step.occurrence):
            yield "a step has another seed than its place gives"
        counts[step.step] += 1
        seen.add(f"{step.step}:{step.occurrence}")
    same = ("finish_reason", "prompt_tokens", "completion_tokens", "seed", "model")
    if len(own) > 1 or (own and (own[0] is not steps[-1] or any(_differ(own[0], response, name) for name in same))):
        yield "its last step is not the response"


def _differ(step: Response, response: Response, name: str) -> bool:
    return bool(getattr(step, name) != getattr(response, name))


def _protocol_of(manifest: ReleaseManifest) -> tuple[int, Protocol | None]:
    """Give the sampling seed and the protocol of a release; None for one of somebody's own, which is never run.

    Raises:
        ValueError: for provenance that does not say how responses came about.
    """
    sampling: Any = manifest.provenance.get("sampling")
    try:
        name, seed = sampling["protocol"], sampling["sampling_seed"]
        options, prompts = sampling.get("protocol_options", {}), sampling.get("protocol_prompts", {})
        made = name, sampling["prompt"], options, None, prompts
        return int(seed), load_protocol(*made) if name in PROTOCOLS else None
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"manifest.json: provenance: sampling: does not say how steps came about: {error}") from error


def wrong_ledgers(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    """Yield the ledgers of the manifest or the card that are not those of the files, and steps that no budget has."""
    ledger, files = dict(manifest.ledger or {}), manifest.configs[STEPS].files if STEPS in manifest.configs else []
    stored = [name for name in manifest.files if name.startswith(f"data/{STEPS}/")]
    if sorted(files) != sorted(stored):
        yield f"{STEPS}: does not load every table of steps once"
    places = {_place(name): name for name in files}
    for cell, sides in manifest.cells.items():
        tables = [places.get(_place(name)) for name in sides.accepted] if files else []
        if None in tables:
            yield f"{cell}: a table of steps is missing"
            continue
        steps = [folder / name for name in tables if name]
        counts = _counted(folder, manifest, sides, steps)
        if counts != (dict(ledger[cell]) if cell in ledger else None):
            yield f"{cell}: the ledger of the manifest is not that of the files"
    if read_ledger(read_text(folder / "README.md", named="README.md")) != printed_ledger(ledger):
        yield "README.md: its ledger is not that of the manifest"


def _counted(
    folder: Path, manifest: ReleaseManifest, sides: Sides, steps: Sequence[Path]
) -> dict[str, dict[str, int]] | None:
    """Count the ledger of a budget, with the calls for its questions; None where a release has none."""
    accepted, rejected = ([folder / name for name in files] for files in (sides.accepted, sides.rejected))
    if steps or "arm" not in manifest.provenance:
        return count_steps(steps, accepted) if steps else None
    calls = [folder / name for name in manifest.configs[CALLS].files] if CALLS in manifest.configs else []
    return {step: counts for path in calls for step, counts in count_calls(path).items()} | count_answers(
        accepted, rejected
    )


def _place(name: str) -> str:
    """Name what a table is for, without its folder and digest: `q1/i000-001`."""
    return "/".join(name.split("/")[2:]).rpartition("-")[0]


def tables_beside(name: str, files: Sequence[str]) -> list[str]:
    """List the tables of steps of the same part as a table of responses."""
    return [table for table in files if _place(table) == _place(name)]
