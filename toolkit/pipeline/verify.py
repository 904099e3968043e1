"""Re-verifies a release as a stranger would: its files by themselves, then every row by the rules it was made with.

Whoever made the release is a stranger: every row of its tables is looked at before anything is done with it.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from toolkit.corpora.build import SIDES
from toolkit.corpora.decontamination import find_leaks, leak_finder
from toolkit.corpora.new_questions import CALLS, KEPT
from toolkit.corpora.statistics import cell_statistics
from toolkit.hub.check import check_tables, damaged_files
from toolkit.hub.download import fetch, split_reference
from toolkit.hub.endpoints import open_to_read
from toolkit.hub.manifest import ReleaseManifest, read_release
from toolkit.hub.release import STEPS, ladders
from toolkit.hub.version import parse_version
from toolkit.pipeline.judge import CorpusJudge
from toolkit.pipeline.verify_arms import wrong_arm
from toolkit.pipeline.verify_questions import check_questions
from toolkit.pipeline.verify_steps import StepChecker, tables_beside, wrong_ledgers
from toolkit.pipeline.verify_tables import FIELDS, malformed, response_of_row
from toolkit.progress import Progress, Stage
from toolkit.prompt import contents
from toolkit.recipe.sections import Verification
from toolkit.records.parquet_limits import read_rows
from toolkit.verification.judge import Judge
from toolkit.verification.verdicts import Judgement

READ = 1_000  # rows at a time
TRAINED = SIDES[0]
IDENTITY = ("question_id", "response_index", "response", "verdict")
JUDGED = (*IDENTITY, "question", "answer", "messages", "extracted", "finish_reason", "wrong_step")
Row = dict[str, Any]


class Checked(NamedTuple):
    """What was looked at, each with its count, and everything that is wrong, a sentence each."""

    looked_at: list[str]
    problems: list[str]


class Faults:
    """The kinds of fault that rows have: how many have each, and where the first one is."""

    def __init__(self) -> None:
        self._counts, self._first = Counter[str](), dict[str, str]()

    def add(self, kind: str, row: Mapping[str, Any]) -> None:
        """Note that a row has a fault."""
        self._counts[kind] += 1
        self._first.setdefault(kind, f"question {row['question_id']!r}, response {row['response_index']}")

    def sentences(self) -> list[str]:
        """Give a sentence for each kind."""
        return [
            f"{self._first[kind]}: {kind}{f' ({count:,} rows in all)' if count > 1 else ''}"
            for kind, count in self._counts.items()
        ]


def check_named(
    reference: str, workspace: Path, *, jobs: int = 1, progress: Progress | None = None
) -> tuple[str, Checked]:
    """Check a folder, or the release `org/name@v1.0.0` of a Hub after downloading it; what was checked, and `check`.

    Args:
        workspace: whose embedded Hub has the repos of the owner `local`.

    Raises:
        Refused, HubFault, ValueError: see `toolkit.hub.download.fetch` and `check`.
    """
    progress = progress or Progress()
    if Path(reference).is_dir():
        return reference, check(Path(reference), progress, jobs)
    repo, _ = split_reference(reference)
    with progress.stage("download") as stage, open_to_read(workspace, repo) as api:
        fetched = fetch(api, reference)
        stage.text = f"{repo}@{fetched.revision}, commit {fetched.commit[:12]}"
    checked = check(fetched.folder, progress, jobs)
    version = read_release(fetched.folder).version
    if parse_version(fetched.revision) and version != fetched.revision:
        checked.problems.append(f"manifest.json: says {version}, yet the tag is {fetched.revision}")
    return stage.text, checked


def check(folder: Path, progress: Progress, jobs: int = 1) -> Checked:
    """Check a release folder: digests, nesting and counts, then verdicts judged again and test questions looked for.

    What rows say matters only once every byte is the published one. Memory holds the questions, and of the rows their
    places, never their texts.

    Args:
        jobs: processes that compare formulas.

    Raises:
        ValueError: for a folder that is no release of this toolkit, or rows that cannot be judged.
    """
    manifest = read_release(folder)
    with progress.stage("files") as stage:
        damaged = damaged_files(folder, manifest)
        size = manifest.size
        stage.text = f"{len(manifest.files):,} files, {size:,} bytes, against their digests"
    looked_at = [stage.text]
    damaged = damaged or malformed(folder, manifest.configs)
    if damaged:
        return Checked(looked_at, damaged)
    with progress.stage("budgets") as stage:
        problems = [*check_tables(folder, manifest, _count), *_broken_prefixes(folder, manifest)]
        problems += [*wrong_ledgers(folder, manifest), *wrong_arm(folder, manifest)]
        stage.text = f"{len(manifest.cells):,} budgets: nesting row by row, and every count on the card"
    looked_at += [f"{stage.text} ({', '.join(manifest.cells)})"]
    with progress.stage("rows") as stage:
        seen, wrong = _check_rows(folder, manifest, stage, jobs)
        stage.text = ", ".join(seen)
    looked_at, problems = looked_at + seen, problems + wrong
    if KEPT in manifest.configs and CALLS in manifest.configs:
        verification, procedural = _rules(manifest)
        with progress.stage("questions") as stage:
            stage.text, wrong = check_questions(folder, manifest, verification, procedural=procedural, jobs=jobs)
        looked_at, problems = [*looked_at, stage.text], problems + wrong
    if STEPS not in manifest.configs:
        return Checked(looked_at, problems)
    with progress.stage("steps") as stage:
        stage.text, wrong = check_steps(folder, manifest)
    return Checked([*looked_at, stage.text], problems + wrong)


def check_steps(folder: Path, manifest: ReleaseManifest) -> tuple[str, list[str]]:
    """Check the steps of a release, a part of its responses after the other: what was looked at, and what is wrong."""
    faults, columns = Faults(), [*dict.fromkeys((*FIELDS.values(), "question", "messages"))]
    checker, tables = StepChecker(folder, manifest, faults.add), manifest.configs[STEPS].files
    parts: dict[str, list[str]] = {}  # table of steps -> tables of responses
    for name in manifest.configs["all"].files:
        for table in tables_beside(name, tables):
            parts.setdefault(table, []).append(name)
    for table, files in parts.items():
        checker.begin([table], [name for name in files if name.startswith(f"data/{TRAINED}/")])
        for row in _rows(folder, files, columns):
            checker.check(row, response_of_row(row))
        checker.end()
    run = "its protocol run again over them" if checker.protocol else "its protocol is somebody's own code and not run"
    return f"{checker.count:,} steps with their seeds and parents, {run}", faults.sentences()


def _count(accepted: Sequence[Path], rejected: Sequence[Path]) -> dict[str, Any]:
    return dataclasses.asdict(cell_statistics(accepted, rejected))


def _broken_prefixes(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    """Budgets whose rows, as they load, are not the first ones of the next larger budget."""
    configs = manifest.configs
    for ladder, budgets in ladders(manifest.cells).items():
        names = [name for budget in sorted(budgets) if (name := f"{ladder}{budget}") in configs]
        for small, large in itertools.pairwise(names):
            first, more = (_rows(folder, configs[name].files, IDENTITY) for name in (small, large))
            if not all(row == next(more, None) for row in first):
                yield f"{small}: its rows are not the first ones of {large}"


def _check_rows(folder: Path, manifest: ReleaseManifest, stage: Stage, jobs: int) -> tuple[list[str], list[str]]:
    """Look at the rows of `all`: what was looked at, and what is wrong with them."""
    verification, procedural = _rules(manifest)
    held_out = {row["question_id"]: row["question"] for row in _questions(folder, manifest, "test", "dev")}
    seeds = {row["question_id"]: row for row in _questions(folder, manifest, "questions")}
    made = {row["question_id"]: row for row in _questions(folder, manifest, KEPT)}
    names = manifest.configs["all"].files
    total = sum(pq.read_metadata(folder / name).num_rows for name in names)
    stage.expect(1, "row")
    faults, asked = Faults(), {row["question"]: name for name, row in (seeds | made).items()}
    with Judge(verification, jobs) as judge:
        corpus_judge = CorpusJudge(judge, leak_finder(held_out, procedural=procedural))
        rows = _judged(corpus_judge, _rows(folder, names, JUDGED), STEPS in manifest.configs)
        for number, (row, judged) in enumerate(rows, 1):
            for kind in _row_faults(row, judged, (made or seeds).get(row["question_id"]), STEPS in manifest.configs):
                faults.add(kind, row)
            asked.setdefault(row["question"], row["question_id"])
            if number % READ == 0:
                stage.tick("rows", number, total)
    seen = [
        f"{total:,} verdicts judged again",
        f"{len(asked):,} questions and every accepted response searched for the release's {len(held_out):,} held-out "
        "questions (of a benchmark beside them it has no items)",
    ]
    return seen, [*_other_pool(manifest), *faults.sentences(), *_leaked(held_out, asked, procedural)]


def _judged(judge: CorpusJudge, rows: Iterator[Row], has_steps: bool) -> Iterator[tuple[Row, Judgement]]:
    """Judge rows again; with steps, also by what a student reads before the response."""
    rows, to_judge = itertools.tee(rows)
    answers = judge.judge((row["answer"], row["response"], row["finish_reason"]) for row in to_judge)
    for row, answer in zip(rows, answers, strict=True):
        yield row, judge.without_leaks(answer, contents(row["messages"][:-1])) if has_steps else answer


def _row_faults(row: Row, judged: Judgement, seed: Row | None, has_steps: bool) -> Iterator[str]:
    published = Judgement(row["verdict"], row["extracted"], row["wrong_step"])
    if published.verdict != judged.verdict:
        why = ", for a held-out question is in it" if judged.verdict == "leaked" else ""
        yield f"is published as {published.verdict}, and judged again it is {judged.verdict}{why}"
    elif published != judged:
        yield "the answer cut out, or whether a step is wrong, is not what the policy gives"
    if seed is None or any(row[name] != seed[name] for name in ("question", "answer")):
        yield "its question or known answer is not one of the seed questions"
    turns = [("user", row["question"]), ("assistant", row["response"])]
    known = turns[-1:] if has_steps else turns  # what comes before it is looked at together with its steps
    if [(turn["role"], turn["content"]) for turn in row["messages"]][-len(known) :] != known:
        yield "its messages are not its question and its response"


def _leaked(held_out: Mapping[str, str], asked: Mapping[str, str], procedural: bool) -> Iterator[str]:
    """Yield the held-out questions among some questions, which are given as text -> id."""
    names = list(asked.values())
    for leak in find_leaks(held_out, asked, procedural=procedural):
        yield f"question {names[leak.where]!r}: has the held-out question {leak.held_out_id!r} in it ({leak.kind})"


def _other_pool(manifest: ReleaseManifest) -> Iterator[str]:
    for name in manifest.configs["questions"].files:
        if manifest.files[name].sha256 != manifest.provenance["pool"]:
            yield f"{name}: is another pool than the one in the provenance"


def _rules(manifest: ReleaseManifest) -> tuple[Verification, bool]:
    """Read how responses were judged, and whether equal numbers make two questions the same."""
    made = manifest.provenance
    if not {"verification", "procedural", "pool"} <= set(made):
        raise ValueError("manifest.json: its provenance does not say how responses were judged; release it again")
    try:
        return TypeAdapter(Verification).validate_python(made["verification"]), bool(made["procedural"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:100]
        raise ValueError(f"manifest.json: provenance: verification: {place}: {first['msg'].lower()}") from error


def _questions(folder: Path, manifest: ReleaseManifest, *names: str) -> Iterator[Row]:
    files = [file for name in names if name in manifest.configs for file in manifest.configs[name].files]
    return _rows(folder, files, ("question_id", "question", "answer"))


def _rows(folder: Path, files: Sequence[str], columns: Sequence[str]) -> Iterator[Row]:
    for name in files:
        yield from read_rows(folder / name, columns)
