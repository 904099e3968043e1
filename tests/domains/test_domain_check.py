"""A domain that is faulty is refused with the fault, and one that is edited is another domain in every key."""

import dataclasses
import io
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from examples.your_own_domain import CHEMISTRY, FAMILIES, solution
from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain, Mixture
from toolkit.domains.sample import FIRST, DomainError, domain_digest
from toolkit.domains.stream import Question, stream
from toolkit.domains.word_problems import Story, draw_question
from toolkit.nano.domain_check import check_domain
from toolkit.nano.pretrain import NanoSettings
from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.models import nano_options
from toolkit.pipeline.stages.pool import pool_inputs, pool_stage
from toolkit.progress import Progress
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Pool
from toolkit.workspace import Workspace

RECIPE = """
pool: chemistry
pool_sizes: [32]
ladder_questions: 32
test_size: 8
dev_size: 4
budgets: [1]
fit_max: null
held_out: null
"""


def unboxed(question: Question, rng: random.Random) -> str:
    return solution(question, rng).replace("\\boxed", "")


def broken(question: Question, rng: random.Random) -> str:
    raise KeyError(question.family)


def foreign(kind: str, families: tuple[str, ...], rng: random.Random, largest: int | None) -> str:
    return "Twelve zebras drink."


def generator(families: dict[str, Story], called: str | None = None) -> Any:
    """The `generate` of a domain with these families, whose questions say that they are of the family `called`."""

    def generate(split: str, seed: int, own: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
        def draw(name: str, rng: random.Random) -> Question:
            return draw_question(called or name, families[name], rng, largest)

        return stream("chemistry", families, draw, split, seed, own)

    return generate


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shares": {"notes": 90, "answers": 5}}, r"shares \(notes, answers\) add up to 95: .* let them give 100"),
        ({"solve": unboxed}, r"`solve` gave '.*' for '.*': a solution ends in \\boxed\{\d+\}"),
        ({"solve": broken}, "`solve` raised KeyError: 'dilution'"),
        ({"page": foreign}, "`page` gave 'Twelve zebras drink.'; '.*' is in none of its `texts`"),
        ({"texts": DOMAINS["mathematics"].texts}, "`generate` gave '.*'; '.*' is in none of its `texts`"),
        ({"generate": generator(FAMILIES, "boiling")}, "asked for the family 'dilution' and gave one of 'boiling'"),
        ({"generate": lambda *_: iter(())}, "asked for the family 'dilution' and gave none"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said_before_its_pool_is_made(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str
) -> None:
    monkeypatch.setitem(DOMAINS, "chemistry", CHEMISTRY._replace(**changes))
    with pytest.raises(DomainError, match=f"the domain 'chemistry': .*{said}"):
        check_domain("chemistry")


@pytest.mark.parametrize("name", DOMAINS)
def test_the_domains_that_come_along_are_sound_and_known_by_their_names(name: str) -> None:
    check_domain(name)
    assert domain_digest(name, DOMAINS[name]) is None
    assert "domain_digest" not in pool_inputs(Pool(pool=name))


def edited() -> Domain:
    """The domain with one number more that `mixing` may draw."""
    mixing = dataclasses.replace(FAMILIES["mixing"], draws={"a": (2, 90), "b": (2, 91)})
    return CHEMISTRY._replace(generate=generator(FAMILIES | {"mixing": mixing}))


def test_an_edited_domain_has_other_keys_of_pool_and_models(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(load_run("math").recipe, pool=Pool(pool="chemistry"))
    keys = []
    for domain in (CHEMISTRY, edited(), CHEMISTRY):
        monkeypatch.setitem(DOMAINS, "chemistry", domain)
        options = nano_options(SimpleNamespace(recipe=recipe), "base")  # type: ignore[arg-type]
        assert NanoSettings(**options).domain_digest == pool_inputs(recipe.pool)["domain_digest"]
        keys.append(options["domain_digest"])
    assert keys[0] == keys[2] != keys[1]


def test_a_mixture_is_another_when_a_part_is() -> None:
    parts = {name: DOMAINS[name] for name in FIRST}
    assert domain_digest("stem", Mixture(parts)) is None  # type: ignore[arg-type]
    assert domain_digest("stem", Mixture({**parts, "chemistry": CHEMISTRY})) is not None  # type: ignore[dict-item]


def test_the_pool_of_an_edited_domain_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(RECIPE)
    progress = Progress(io.StringIO())
    workspace = Workspace(tmp_path / "work", progress.say)
    context = Context(load_run(str(tmp_path / "own.yaml")), workspace, None, progress)  # type: ignore[arg-type]
    pools = []
    for domain in (CHEMISTRY, edited(), CHEMISTRY):
        monkeypatch.setitem(DOMAINS, "chemistry", domain)
        pools.append(pool_stage(context))
    assert pools[0] == pools[2] and pools[0].files != pools[1].files
