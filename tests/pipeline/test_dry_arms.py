"""What a dry run and `fss status` say of a recipe with arms: an entry per arm, and each prompt once."""

import io
import re

import pytest

from tests.pipeline.test_arms import ARMS, BUDGET
from tests.pipeline.test_steps import RECIPE, url, write_arms, write_pool  # noqa: F401
from toolkit.pipeline import run as runs
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

NAMES = ("rs", "refine", "refine_tokens", "guided", "redi", "similar", "as_many")
TAKES = re.compile(r"\d+ requests, about [\d,]+ prompt and [\d,]+ completion tokens")


@pytest.fixture(scope="module")
def dry(url, tmp_path_factory):  # noqa: F811
    """What a dry run of sampling says, what it returns, and what stages it shows."""
    folder = tmp_path_factory.mktemp("dry")
    write_arms(folder, url, BUDGET, ARMS)
    progress = Progress(io.StringIO())
    printed = runs.sample(load_run(str(folder / "audit.yaml")), folder / "w", jobs=1, dry=True, progress=progress)
    return progress.stream.getvalue(), printed, [stage for stage, _ in progress.done if stage.name == "responses"]


def test_replicates_of_an_arm_are_said_once(dry):
    said, _, stages = dry
    assert [stage.text.partition(",")[0] for stage in stages] == list(NAMES)
    assert all(f"{name}, 2 replicates, each: " in said for name in NAMES) and "replicate 0" not in said
    assert len(said.splitlines()) < 30


def test_each_step_of_an_arm_has_its_requests_tokens_and_price(dry):
    _, _, stages = dry
    texts = dict(zip(NAMES, (stage.text for stage in stages), strict=True))
    assert f"to sample: {8 * BUDGET} requests, about " in texts["rs"] and " to pay" in texts["rs"]
    for arm, steps in {"refine": ("draft", "review"), "guided": ("probe", "critique", "refine")}.items():
        lines = texts[arm].splitlines()[1:]
        assert [line.split(":")[0].strip() for line in lines] == list(steps)
        assert all(
            re.search(r"[\d,]+ requests, about [\d,]+ prompt and [\d,]+ completion tokens", line) for line in lines
        )
        assert " to pay" in texts[arm]
    room = 8 * BUDGET // (1 + BUDGET)
    assert f"similar: about {room} requests" in texts["similar"]
    assert f"answer: about {room * BUDGET} requests" in texts["similar"]


def test_an_arm_that_reads_the_journal_of_another_asks_for_nothing_twice(dry):
    _, printed, stages = dry
    texts = dict(zip(NAMES, (stage.text for stage in stages), strict=True))
    more = 8 + 8 * BUDGET - 8 * BUDGET // (1 + BUDGET) * (1 + BUDGET)  # calls and answers, less those of `similar`
    assert texts["redi"].endswith("those of arm rs, and about 0 requests more")
    assert texts["as_many"].endswith(f"those of arm similar, and about {more} requests more")
    assert "those of arm refine," in texts["refine_tokens"]
    assert "to sample" not in texts["redi"]
    rs, refine, guided, similar = (
        int(re.search(r"([\d,]+) requests", texts[arm])[1]) for arm in ("rs", "refine", "guided", "similar")
    )
    assert f"responses {2 * (rs + refine + guided + similar + more)} requests" in printed


def test_every_step_has_one_filled_prompt(dry):
    _, printed, _ = dry
    heads = re.findall(r"^\[(\w+: .*)\]$", printed, re.MULTILINE)
    named = [name for head in heads for name in head.split("; ")]
    assert len(set(named)) == len(named)
    assert {"rs: answer", "refine: review", "guided: critique", "similar: similar", "similar: answer"} <= set(named)
    assert "rs: answer; refine: draft; refine_tokens: draft" in printed  # the same words are printed once
    assert printed.count("You review a solution") == 1 and "plants are" in printed.partition("similar: similar")[2]
