"""Checks what the release of an experiment's arm says of what it took, and that this is within what it may take."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from toolkit.corpora.new_questions import CALLS, KEPT
from toolkit.doors import QUESTION_PROTOCOLS
from toolkit.hub.cards.arm import took
from toolkit.hub.manifest import ReleaseManifest, first_fault
from toolkit.hub.release import STEPS
from toolkit.recipe.sections import Match
from toolkit.records.parquet_limits import read_rows
from toolkit.synthesis.schedule import first_draws
from toolkit.text_files import read_text

Count = Annotated[int, Field(ge=1, le=10**12)]
Weight = Annotated[int, Field(ge=0, le=10**12)]
Place = tuple[str, int]  # question id, response index


@dataclass(frozen=True)
class ArmFacts:
    """What an arm is, by its release: `allowed` samples or tokens at `budget` responses to each of the questions.

    `corrections` of these are kept for what its students learn from after the release. A token of a prompt and one of
    a completion count by `weights`, which are its teacher's prices where it is matched at money.
    """

    name: str
    match: Match | None
    budget: Count
    questions: Count
    allowed: Count | None
    corrections: Annotated[int, Field(ge=0, le=10**12)] = 0
    weights: tuple[Weight, Weight] = (1, 1)

    @property
    def for_responses(self) -> int:
        """Give what the responses of the release may take."""
        return (self.allowed or 0) - self.corrections


def arm_facts(manifest: ReleaseManifest) -> ArmFacts | None:
    """Read what arm a release is of; None for one that is of none.

    Raises:
        ValueError: for provenance that does not say it.
    """
    found = manifest.provenance.get("arm")
    try:
        return None if found is None else TypeAdapter(ArmFacts).validate_python(found)
    except ValidationError as error:
        raise ValueError(f"manifest.json: provenance: arm: {first_fault(error)}") from error


def wrong_arm(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    """Yield what is wrong with an arm: more than it may take, responses that are not the first ones, a false card."""
    yield from _lacks_questions(manifest)
    arm = arm_facts(manifest)
    if arm is None:
        return
    ledger = (manifest.ledger or {}).get(manifest.default, {})
    if str(took(ledger, _prices(manifest))) not in read_text(folder / "README.md", named="README.md"):
        yield "README.md: what it says that the arm took is not what the ledger and the prices of the manifest give"
    if not arm.match:
        return
    if arm.allowed is None or (arm.match == "samples" and arm.allowed != arm.budget * arm.questions):
        yield f"arm {arm.name}: may take {arm.allowed} {arm.match}, which {arm.budget} plain responses each do not"
        return
    samples = sum(int(step["samples"] or 0) for step in ledger.values())
    if arm.match == "samples" and samples > arm.for_responses:
        yield f"arm {arm.name}: took {samples:,} samples, and may take {arm.for_responses:,}"
    if KEPT not in manifest.configs:
        yield from _wrong_draws(folder, manifest, arm)


def _lacks_questions(manifest: ReleaseManifest) -> Iterator[str]:
    sampling = manifest.provenance.get("sampling")
    name = sampling.get("protocol") if isinstance(sampling, Mapping) else None
    makes = isinstance(name, str) and name in QUESTION_PROTOCOLS
    there = {KEPT in manifest.configs, CALLS in manifest.configs, "questions" in manifest.provenance}
    if there != {makes}:
        yield f"manifest.json: its protocol is {name!r:.80}, and new questions with their calls are not as it makes"


def _prices(manifest: ReleaseManifest) -> list[float] | None:
    prices = manifest.provenance.get("prices")
    right = isinstance(prices, list) and len(prices) == 2 and all(isinstance(price, int | float) for price in prices)
    if prices is not None and not right:
        raise ValueError(f"manifest.json: provenance: prices: must be two numbers, not {prices!r:.80}")
    return prices


def _wrong_draws(folder: Path, manifest: ReleaseManifest, arm: ArmFacts) -> Iterator[str]:
    """Yield what is wrong with the responses of a matched arm: drawn index by index until what it may take is taken."""
    pool = (row for name in manifest.configs["questions"].files for row in read_rows(folder / name, ["question_id"]))
    ids = [row["question_id"] for row, _ in zip(pool, range(arm.questions), strict=False)]
    files = manifest.configs["all"].files
    drawn = Counter(row["question_id"] for name in files for row in read_rows(folder / name, ["question_id"]))
    expected = dict(zip(ids, first_draws(drawn.total(), len(ids)).tolist(), strict=True))
    if drawn != Counter(expected):
        wrong = next(name for name in (*ids, *drawn) if drawn[name] != expected.get(name, 0))
        yield (
            f"arm {arm.name}: question {wrong!r} has {drawn[wrong]} responses, and drawn index by index it has "
            f"{expected.get(wrong, 0)}"
        )
        return
    last = ids[(drawn.total() - 1) % len(ids)]
    tokens = _tokens(folder, manifest, arm.weights)
    before = tokens.total() - tokens[last, drawn[last] - 1]
    if arm.match != "samples" and before >= arm.for_responses:
        what = "tokens" if arm.weights == (1, 1) else "tokens, weighted by price,"
        yield (
            f"arm {arm.name}: had taken {before:,} {what} before its last response, and may take {arm.for_responses:,}"
        )


def _tokens(folder: Path, manifest: ReleaseManifest, weights: tuple[int, int]) -> Counter[Place]:
    """Weigh the tokens of prompts and completions of each response, with those of the steps that led to it."""
    columns = ["question_id", "response_index", "finish_reason", "prompt_tokens", "tokens"]
    counted: Counter[Place] = Counter()
    for name in manifest.configs[STEPS if STEPS in manifest.configs else "all"].files:
        for row in read_rows(folder / name, columns):
            came = row["finish_reason"] != "error"
            weighed = weights[0] * row["prompt_tokens"] + weights[1] * row["tokens"]
            counted[row["question_id"], row["response_index"]] += came * weighed
    return counted
