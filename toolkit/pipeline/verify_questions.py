"""Checks the new questions of a release: its calls are sifted again, and every label is counted from the votes again.

Only the toolkit's own protocols make new questions in a run, and only these are run here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from toolkit.corpora.decontamination import leak_finder
from toolkit.corpora.new_questions import CALLS, DROPPED, KEPT, SCHEMAS, count_calls
from toolkit.hub.manifest import ReleaseManifest, first_fault
from toolkit.pipeline.replay import Replay, drafted
from toolkit.pipeline.verify_arms import arm_facts
from toolkit.pipeline.verify_steps import step_of
from toolkit.protocols import load_question_protocol
from toolkit.protocols.calls import call_protocol, new_id, read_questions
from toolkit.protocols.contract import NewQuestion, ProtocolFault, Question, QuestionProtocol, Seeds
from toolkit.recipe.sections import Verification
from toolkit.records.parquet_limits import read_rows
from toolkit.synthesis.candidates import HELD_OUT, Candidates
from toolkit.synthesis.executions import response_seed, step_seed
from toolkit.synthesis.labels import Label, majority_label, verified_label, vote
from toolkit.synthesis.questions import SYNTHESIS
from toolkit.verification.judge import Judge

Row = dict[str, Any]
Count = Annotated[int, Field(ge=1, le=10**9)]
FIELDS = ("question", "parents", "round", "call", "protocol", "note", "extracted")  # that a call and its place give


@dataclass(frozen=True)
class MadeFacts:
    """How new questions were sifted; see `toolkit.pipeline.stages.synthesis_tables`."""

    seeds: Count
    rounds: Count
    calls: Count
    wanted: Count
    documents: Annotated[list[str], Field(max_length=10**5)] = field(default_factory=list)
    benchmark: str = ""


class Source(NamedTuple):
    """What new questions came from: the protocol, its seeds, and the seed of sampling."""

    facts: MadeFacts
    protocol: QuestionProtocol
    given: Sequence[Question]
    sampling_seed: int

    @property
    def per_round(self) -> int:
        """Give how many calls a round has."""
        return self.protocol.calls_per_round or len(self.given)


class Wrong(ValueError):
    """A call that its protocol would not have made so; the message says where and what."""


def check_questions(
    folder: Path, manifest: ReleaseManifest, verification: Verification, *, procedural: bool, jobs: int = 1
) -> tuple[str, list[str]]:
    """Check the new questions of a release: what was looked at, and what is wrong, a sentence each.

    Raises:
        ValueError: for provenance that does not say how they came about.
    """
    source, kept = _source(folder, manifest), list(_rows(folder, manifest, KEPT))
    dropped = list(_rows(folder, manifest, DROPPED)) if DROPPED in manifest.configs else []
    problems = [*_wrong_ids(source.protocol.name, kept, dropped)]
    try:
        candidates = _sifted(folder, manifest, source, _held_out(folder, manifest, procedural), dropped)
        problems += [*_wrong_rounds(folder, manifest, source, candidates, len(kept))]
        problems += [*_other_kept(candidates, kept), *_other_dropped(candidates, dropped)]
    except (Wrong, ProtocolFault) as error:
        problems.append(str(error))
    with Judge(verification, jobs) as judge:
        problems += [*_wrong_labels(folder, manifest, source.sampling_seed, kept, judge)]
    text = f"{source.facts.calls:,} calls sifted again: {len(kept):,} new questions with their labels and ids"
    return f"{text}, {len(dropped):,} dropped", problems


def _source(folder: Path, manifest: ReleaseManifest) -> Source:
    sampling: Any = manifest.provenance.get("sampling")
    try:
        facts = TypeAdapter(MadeFacts).validate_python(manifest.provenance.get("questions"))
        made = sampling["protocol"], sampling["prompt"], sampling.get("protocol_options", {})
        protocol = load_question_protocol(*made, prompts=sampling.get("protocol_prompts", {}))
        seed = int(sampling["sampling_seed"])
    except ValidationError as error:
        raise ValueError(f"manifest.json: provenance: questions: {first_fault(error)}") from error
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(
            f"manifest.json: provenance: sampling: does not say how questions came about: {error}"
        ) from error
    if facts.documents:
        return Source(facts, protocol, [Question(name, "") for name in facts.documents], seed)
    pool = zip(_rows(folder, manifest, "questions"), range(facts.seeds), strict=False)
    return Source(facts, protocol, [Question(row["question_id"], row["question"]) for row, _ in pool], seed)


def _rows(folder: Path, manifest: ReleaseManifest, config: str, columns: Sequence[str] = ()) -> Iterator[Row]:
    names = columns or (SCHEMAS[config].names if config in SCHEMAS else ["question_id", "question"])
    for file in manifest.configs[config].files:
        yield from read_rows(folder / file, names)


def _held_out(folder: Path, manifest: ReleaseManifest, procedural: bool) -> Callable[[str], bool]:
    parts = [part for part in ("test", "dev") if part in manifest.configs]
    texts = {row["question_id"]: row["question"] for part in parts for row in _rows(folder, manifest, part)}
    return leak_finder(texts, procedural=procedural)


def _wrong_ids(protocol: str, kept: Sequence[Row], dropped: Sequence[Row]) -> Iterator[str]:
    named = [(row["question_id"], row["question"], row["parents"]) for row in kept]
    named += [(row["question_id"], row["text"], row["parents"]) for row in dropped if row["text"] is not None]
    for name, text, parents in named:
        if new_id(protocol, NewQuestion(text, tuple(parents))) != name:
            yield f"new question {name!r}: its id is not the digest of its protocol, its parents and its text"
    twice = [name for name, count in Counter(row["question_id"] for row in kept).items() if count > 1]
    if twice:
        yield f"new question {twice[0]!r}: is there twice"


def _sifted(
    folder: Path, manifest: ReleaseManifest, source: Source, leaks: Callable[[str], bool], dropped: Sequence[Row]
) -> Candidates:
    """Sift the calls of a release again.

    Questions that are too near an item of a benchmark are taken for such, as a release has no items.

    Raises:
        Wrong: for a call that its protocol would not have made so.
    """
    trusted = {row["question_id"] for row in dropped if row["reason"] == HELD_OUT} if source.facts.benchmark else set()
    near = set[str]()  # texts of those
    facts, calls = source.facts, groupby(_rows(folder, manifest, CALLS), key=lambda row: row["response_index"])
    candidates = Candidates(source.protocol, source.given, lambda text: leaks(text) or text in near, facts.wanted)
    for round_ in range(facts.rounds):
        if len(candidates.kept) >= facts.wanted:
            raise Wrong(
                f"calls: go on in round {round_}, when all {facts.wanted:,} questions that were wanted are there"
            )
        brought, failed, seeds = list[tuple[int, list[NewQuestion]]](), 0, Seeds(source.given, candidates.made())
        for index in range(round_ * source.per_round, (round_ + 1) * source.per_round):
            found, rows = next(calls, (None, iter(())))
            questions = _called(source, seeds, index, list(rows) if found == index else [])
            failed += questions is None
            brought += [] if questions is None else [(index, questions)]
        texts = [new._replace(text=new.text.strip()) for _, questions in brought for new in questions]
        near |= {new.text for new in texts if new_id(source.protocol.name, new) in trusted}
        candidates.take(round_, brought, failed)
    if (more := next(calls, None)) is not None:
        raise Wrong(f"calls: call {more[0]} is there, and {facts.calls:,} were made")
    return candidates


def _called(source: Source, seeds: Seeds, index: int, rows: Sequence[Row]) -> list[NewQuestion] | None:
    """Give what a call brought, by its protocol run again over its completions; None where it failed.

    Raises:
        Wrong: where it is missing, or has other steps, seeds or parents.
    """
    if not rows:
        raise Wrong(f"calls: call {index} is missing or not in its place")
    for row in rows:
        place = SYNTHESIS, index, row["step"], row["occurrence"]
        seed = (
            step_seed(source.sampling_seed, *place) if row["step"] else response_seed(source.sampling_seed, *place[:2])
        )
        if (row["question_id"], row["seed"]) != (SYNTHESIS, seed):
            raise Wrong(f"calls: call {index}: a step has another seed than its place gives")
    if rows[-1]["finish_reason"] == "error":
        return None
    steps = [step_of(row) for row in rows]
    try:
        draft = drafted(call_protocol(source.protocol, seeds), Question(SYNTHESIS, ""), index, steps)
    except Replay as fault:
        raise Wrong(f"calls: call {index}: its protocol, run again over its steps, {fault}") from fault
    return read_questions(draft.text)


def _wrong_rounds(
    folder: Path, manifest: ReleaseManifest, source: Source, candidates: Candidates, kept: int
) -> Iterator[str]:
    """Yield where fewer or more questions are kept than calls and answers leave room for."""
    facts, arm = source.facts, arm_facts(manifest)
    if facts.calls != facts.rounds * source.per_round:
        yield f"calls: {facts.calls:,} are not {facts.rounds:,} rounds of {source.per_round:,}"
    if len(candidates.kept) < facts.wanted:
        yield f"calls: bring {len(candidates.kept):,} questions, and {facts.wanted:,} were wanted"
    (calls,) = manifest.configs[CALLS].files
    took = sum(step["samples"] for step in count_calls(folder / calls).values())
    fitting = facts.seeds
    if arm and arm.match and arm.allowed:
        fitting = min((arm.allowed - took) // arm.budget, facts.wanted)
    if kept != fitting:
        yield f"new_questions: are {kept:,}, and {fitting:,} are what the arm may have beside its {took:,} calls"


def _other_kept(candidates: Candidates, kept: Sequence[Row]) -> Iterator[str]:
    """Yield kept questions that are not those of the calls: one message for the first that differs."""
    reasons = {one.question_id: f"dropped: {one.reason}" for one in candidates.dropped}
    for row, found in zip_longest(kept, candidates.kept[: len(kept)]):
        if found is None or row["question_id"] != found.question_id:
            name = row["question_id"]
            again = reasons.get(name, "no question of the calls in this place")
            yield f"new question {name!r}: is kept in the release, and sifted again it is {again}"
            return
        differ = [name for name in FIELDS if _plain(row[name]) != _plain(getattr(found, name))]
        if differ:
            yield f"new question {row['question_id']!r}: its {differ[0]} is not that of its call"


def _other_dropped(candidates: Candidates, dropped: Sequence[Row]) -> Iterator[str]:
    names = ("question_id", "reason", "round", "call", "parents")
    listed = Counter(tuple(_plain(row[name]) for name in names) for row in dropped)
    found = Counter(tuple(_plain(getattr(one, name)) for name in names) for one in candidates.dropped)
    for name, reason, _, call, _ in [*(found - listed)][:1]:
        yield f"dropped question {name!r}: sifted again call {call} brings it ({reason}), and it is not listed so"
    for name, reason, _, call, _ in [*(listed - found)][:1]:
        yield f"dropped question {name!r}: is listed as {reason}, and sifted again call {call} has no such one"


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _wrong_labels(
    folder: Path, manifest: ReleaseManifest, sampling_seed: int, kept: Sequence[Row], judge: Judge
) -> Iterator[str]:
    """Yield labels that are not what the responses vote for, and responses of another seed."""
    votes: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
    columns = ("question_id", "response_index", "response", "finish_reason", "seed")
    for row in _rows(folder, manifest, "all", columns):
        name, index = row["question_id"], row["response_index"]
        votes[name].append((index, vote(judge, row["response"], row["finish_reason"])))
        if row["seed"] != response_seed(sampling_seed, name, index):
            yield f"question {name!r}, response {index}: has another seed than its place gives"
    for row in kept:
        voted = _label(row, [answer for _, answer in sorted(votes[row["question_id"]], key=lambda one: one[0])], judge)
        told = Label(row["answer"] or None, row["label_kind"], row["votes"], row["share"], row["verified"])
        if told != voted:
            name = row["question_id"]
            yield f"new question {name!r}: is labelled {_said(told)}, and its responses give {_said(voted)}"


def _label(row: Mapping[str, Any], answers: Sequence[str | None], judge: Judge) -> Label:
    label = majority_label(answers, judge.same)
    return verified_label(row["extracted"], label, judge) if row["extracted"] else label


def _said(label: Label) -> str:
    found = f"{label.label!r:.60}" if label.label is not None else "nothing"
    return f"{found} ({label.label_kind}{', verified' * label.verified}: {label.votes} votes, share {label.share:.3f})"
