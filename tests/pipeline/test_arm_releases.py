"""A release for every arm with a source of its own: what it holds, what its card says, and what a check finds in it."""

import io
import json
import shutil
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml

from tests.pipeline.test_steps import RECIPE, url, write_arms, write_pool  # noqa: F401
from toolkit.hub.manifest import read_release
from toolkit.pipeline import run as runs
from toolkit.pipeline.context import StageError
from toolkit.pipeline.plan import contexts_of_sources
from toolkit.pipeline.resume import pull
from toolkit.pipeline.stages.arm_releases import Way, arm_releases, of_first_draw
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.publish import open_target, plan_publishing, publish_source, push_sources
from toolkit.pipeline.stages.release import plan_release
from toolkit.pipeline.verify import check, check_named
from toolkit.pipeline.verify_arms import wrong_arm
from toolkit.pipeline.verify_questions import check_questions
from toolkit.progress import Progress
from toolkit.protocols.calls import new_id
from toolkit.protocols.contract import NewQuestion
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe, load_run
from toolkit.recipe.sections import Verification
from toolkit.synthesis.journal import read_journal

REPO = "local/arms"
ARMS = """
repo: local/arms
match: samples
parameters: 900
replicates: [0, 1]
arms:
  rs: {}
  redi: {objective: redi, steps: 100, preference_steps: 20}
  refine: {protocol: self_refine, protocol_options: {rounds: 2}}
  refine_tokens: {protocol: self_refine, protocol_options: {rounds: 2}, match: tokens}
  warm: {temperature: 0.9}
  computed: {temperature: 0.9, match: compute}
  paid: {temperature: 0.9, price_completion: 0.5, match: money}
  similar: {protocol: question_augmentation, protocol_options: {style: similar, calls_per_round: 4}}
  as_many: {protocol: question_augmentation, protocol_options: {style: similar, calls_per_round: 4}, match: null}
"""
NAMES = ["refine", "refine_tokens", "warm", "computed", "paid", "similar", "as_many"]
BUDGET, SEEDS = 4, 8


@pytest.fixture(scope="module")
def made(url, tmp_path_factory):  # noqa: F811
    """Draws the first replicate of every arm and publishes what it comes to at the embedded Hub."""
    folder = tmp_path_factory.mktemp("arms")
    write_arms(folder, url, BUDGET, ARMS)
    progress = Progress(io.StringIO())
    with (
        pytest.MonkeyPatch.context() as patch,
        runs._context(load_run(str(folder / "audit.yaml")), folder / "w", 1, progress) as context,
    ):
        for name in ("HF_TOKEN", "HF_ENDPOINT"):
            patch.delenv(name, raising=False)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "cache"))
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher"])
        drawn = of_first_draw(contexts_of_sources(context))
        ways = [Way(one, *runs.draw_corpus(one, pools[one.recipe.pool], models)) for one in drawn]
        arms = arm_releases(ways)
        published = publish_source(*ways[0], arms)
        yield SimpleNamespace(
            context=context,
            ways=ways,
            arms=arms,
            published=published,
            folder=folder,
            patch=patch,
            lines=progress.stream,
        )


def checked(folder):
    return check(folder, Progress(io.StringIO()))


def test_an_arm_has_a_dataset_where_its_source_is_another_or_matched_otherwise(made):
    assert list(made.published.arms) == NAMES and made.published.failure == ""
    named = {what: done.repo for what, done in made.published.pushed.items()}
    assert named == {"release": REPO} | {f"release {arm}": f"{REPO}-{arm}" for arm in NAMES}
    manifest = read_release(made.published.folder.path)
    assert list(manifest.cells) == ["r4"] and "arm" not in manifest.provenance and manifest.ledger is None


@pytest.mark.parametrize("arm", ["", *NAMES])
def test_a_stranger_finds_nothing_wrong(made, arm):
    reference = f"{REPO}-{arm}" if arm else REPO
    looked_at, problems = check_named(f"{reference}@v1.0.0", made.folder / "w", progress=Progress(io.StringIO()))[1]
    assert problems == []
    if arm in ("similar", "as_many"):
        assert any("calls sifted again" in line for line in looked_at)


def test_configurations_are_named_for_what_they_are_matched_at(made):
    cells = {arm: list(read_release(folder.path).cells) for arm, folder in made.published.arms.items()}
    assert cells == dict(zip(NAMES, [["m4"], ["t4"], ["m4"], ["c4"], ["p4"], ["r4"], ["r4"]], strict=True))


def test_one_load_gives_each_arm_s_rows(made, tmp_path):
    from datasets import load_dataset

    for arm, folder in made.published.arms.items():
        manifest = read_release(folder.path)
        for config in (manifest.default, *(name for name in manifest.configs if name in ("new_questions", "calls"))):
            rows = load_dataset(str(folder.path), config, split="train", cache_dir=str(tmp_path / arm))
            files = manifest.configs[config].files
            assert len(rows) == sum(pq.read_metadata(folder.path / file).num_rows for file in files) > 0


def test_a_card_says_what_the_arm_is_what_it_is_matched_to_and_what_it_took(made):
    cards = {arm: (folder.path / "README.md").read_text() for arm, folder in made.published.arms.items()}
    for arm, card in cards.items():
        ledger = read_release(made.published.arms[arm].path).ledger
        (steps,) = ledger.values()
        samples = sum(step["samples"] for step in steps.values())
        assert "](/datasets/local/arms); the results" in card
        price = 0.5 if arm == "paid" else 1
        assert (
            f"It took {samples:,} samples, " in card and "a cost of " in card and f"at 1 and {price} per mill" in card
        )
    assert "as many samples as 4 responses to each of 8 questions take in the first arm, 32: " in cards["refine"]
    assert "is not matched: it has 4 responses to each" in cards["as_many"]
    assert "calls for new questions and 4 answers" in cards["similar"]
    assert "Every response was written by one fixed" not in cards["similar"]


def test_draws_of_other_replicates_are_those_of_the_arm(made):
    card = (made.published.arms["warm"].path / "README.md").read_text()
    assert "One of 2 draws that the experiment" in card


def test_new_questions_stand_in_the_release_with_votes_parents_and_what_was_dropped(made):
    folder = made.published.arms["as_many"].path
    manifest = read_release(folder)
    (file,) = manifest.configs["new_questions"].files
    rows = pq.read_table(folder / file).to_pylist()
    assert len(rows) == SEEDS and {row["label_kind"] for row in rows} <= {"majority", "none"}
    for row in rows:
        assert (
            new_id("question_augmentation", NewQuestion(row["question"], tuple(row["parents"]))) == row["question_id"]
        )
        assert bool(row["answer"]) == (row["label_kind"] == "majority") and 0 <= row["share"] <= 1
    (calls,) = manifest.configs["calls"].files
    steps = pq.read_table(folder / calls).to_pylist()
    assert {row["step"] for row in steps} == {"similar"} and len(steps) == manifest.provenance["questions"]["calls"]
    assert list(manifest.ledger["r4"]) == ["similar", "answer"]


def test_a_dry_run_lists_every_dataset(made):
    context = made.ways[0].context
    (stage,) = plan_publishing(context, made.arms)
    assert all(f"{REPO}-{arm}, " in stage.text for arm in NAMES)
    found = [plan_release(*way) for way in made.arms]
    assert (
        found[NAMES.index("similar")].text == f"{REPO}-similar v1.0.0: r4, all, test, questions, new_questions, calls"
    )


def test_nothing_is_pushed_twice(made):
    with open_target(made.context, REPO) as target:
        again = [done for _, _, pushed in push_sources(target, [made.ways[0], *made.arms]) for done in pushed.values()]
    assert not any(done.new for done in again) and len(again) == 1 + len(NAMES)


def test_a_hub_that_is_down_costs_only_the_publishing(made, monkeypatch):
    def down(*_, **__):
        raise RuntimeError("the Hub is down")

    monkeypatch.setattr("toolkit.pipeline.stages.publish.open_target", down)
    done = publish_source(*made.ways[0], made.arms)
    assert done.failure == "the Hub is down" and done.pushed == {} and list(done.arms) == NAMES


@pytest.mark.parametrize("name", ["results", "teacher", "no--repo"])
def test_an_arm_whose_dataset_would_have_the_name_of_something_else_is_refused(made, tmp_path, name):
    text = (made.folder / "audit.yaml").read_text().replace("  warm:", f"  {name}:")
    (tmp_path / "audit.yaml").write_text(text)
    with pytest.raises(RecipeError, match=f"arms: cannot name a dataset beside local/arms: {name}"):
        load_run(str(tmp_path / "audit.yaml"))


def test_the_recipe_of_new_questions_is_one_with_arms(made, tmp_path):
    text = (made.published.arms["similar"].path / "recipe.yaml").read_text()
    (tmp_path / "again.yaml").write_text(text)
    recipe = load_recipe(tmp_path / "again.yaml")
    assert list(recipe.arms) == ["plain", "similar"] and recipe.arms["similar"].ladder.match == "samples"
    way = next(way for way in made.arms if way.context.recipe.arm == "similar")
    assert recipe.arms["similar"].sampling == way.context.recipe.sampling
    assert recipe.arms["plain"].sampling == made.ways[0].context.recipe.sampling


def test_an_arm_of_several_steps_is_continued_and_one_of_new_questions_refused(made, tmp_path, monkeypatch):
    """From a folder without the pool's file, as a stranger has it."""
    monkeypatch.chdir(tmp_path)
    progress = Progress(io.StringIO())
    shutil.copytree(made.folder / "w" / "hub", tmp_path / "w" / "hub")
    with pytest.raises(StageError, match="`fss pull local/arms` restores its pool and teacher; then take the arm"):
        pull(f"{REPO}-similar@v1.0.0", tmp_path / "w", progress=progress)
    refuse = "names no repo of its teacher's weights"
    try:
        pull(f"{REPO}-refine_tokens@v1.0.0", tmp_path / "w", progress=progress)
    except StageError as error:
        assert refuse not in str(error), error
        raise
    source = next(way.source for way in made.arms if way.context.recipe.arm == "refine_tokens")
    (journal,) = (tmp_path / "w" / "responses").glob("*.jsonl")
    assert journal.name == source.journal.name
    assert set(read_journal(journal)) <= set(read_journal(source.journal))
    recipe = yaml.safe_load((tmp_path / "recipes" / "arms-refine_tokens.yaml").read_text())
    assert recipe["protocol"] == "self_refine" and recipe["budgets"] == [BUDGET] and "match" not in recipe


class Planted:
    """A copy of a release in which rows of some configurations are changed; digests are not looked at."""

    def __init__(self, release, out):
        self.folder = shutil.copytree(release, out / "release")

    @property
    def manifest(self):
        return read_release(self.folder)

    def change(self, config, edit, at=0):
        file = self.folder / self.manifest.configs[config].files[at]
        table = pq.read_table(file)
        rows = table.to_pylist()
        edit(rows)
        pq.write_table(table.from_pylist(rows, table.schema), file)

    def write(self, **fields):
        path = self.folder / "manifest.json"
        data = json.loads(path.read_text())
        for name, edit in fields.items():
            edit(data[name])
        path.write_text(json.dumps(data))

    def problems(self):
        asked = self.folder, self.manifest, Verification()
        return [*check_questions(*asked, procedural=False)[1], *wrong_arm(self.folder, self.manifest)]


@pytest.fixture
def planted(made, tmp_path):
    return Planted(made.published.arms["as_many"].path, tmp_path)


def other_label(rows):
    next(row for row in rows if row["answer"])["answer"] = "77"


def lost(rows):
    del rows[2]


def other_parent(rows):
    rows[1]["parents"] = rows[0]["parents"]


def other_votes(rows):
    rows[0]["votes"] += 1


def other_note(rows):
    rows[0]["note"] = "by hand"


def swapped(rows):
    rows[0], rows[1] = rows[1], rows[0]


@pytest.mark.parametrize(
    ("config", "edit", "message"),
    [
        ("new_questions", other_label, ": is labelled '77' (majority: "),
        ("new_questions", other_votes, " votes, share "),
        ("new_questions", lost, "new_questions: are 7, and 8 are what the arm may have"),
        (
            "new_questions",
            lost,
            ": is kept in the release, and sifted again it is no question of the calls in this place",
        ),
        ("new_questions", other_parent, ": its id is not the digest of its protocol, its parents and its text"),
        ("new_questions", other_note, ": its note is not that of its call"),
        ("new_questions", swapped, ": is kept in the release, and sifted again"),
        ("calls", lost, "calls: call 2 is missing or not in its place"),
        ("calls", lambda rows: rows[0].update(seed=1), "calls: call 0: a step has another seed than its place gives"),
        ("calls", lambda rows: rows[1].update(step="inspired"), "calls: call 1: a step has another seed"),
        ("calls", lambda rows: rows[0].update(text="<question>How?</question>"), ", and sifted again"),
        ("all", lambda rows: rows[0].update(seed=1), ", response 0: has another seed than its place gives"),
    ],
)
def test_what_is_planted_among_new_questions_is_found(planted, config, edit, message):
    assert planted.problems() == []
    planted.change(config, edit)
    problems = planted.problems()
    assert any(message in problem for problem in problems), problems


def test_a_parent_that_is_changed_together_with_the_id_is_found(planted):
    def moved(rows):
        rows[1]["parents"] = rows[0]["parents"]
        new = NewQuestion(rows[1]["question"], tuple(rows[1]["parents"]))
        rows[1]["question_id"] = new_id("question_augmentation", new)

    planted.change("new_questions", moved)
    assert any("is kept in the release, and sifted again" in problem for problem in planted.problems())


def test_a_test_question_among_new_ones_is_found(planted):
    """In the call, too, so that whoever planted it has a question that its call brings."""
    (file,) = planted.manifest.configs["test"].files
    text = pq.read_table(planted.folder / file)["question"][0].as_py()
    said = f"<question>{text}</question>"
    found = {}

    def plant(rows):
        new = NewQuestion(text, tuple(rows[0]["parents"]))
        found.update(question=text, question_id=new_id("question_augmentation", new))
        rows[0].update(found)

    planted.change("new_questions", plant)
    planted.change("calls", lambda rows: rows[0].update(text=said))
    message = f"new question {found['question_id']!r}: is kept in the release, and sifted again it is dropped: held out"
    assert message in planted.problems()
    (damaged, *_) = checked(planted.folder).problems
    assert "its bytes are not those of the manifest" in damaged


def test_a_dropped_question_that_is_hidden_is_found(made, tmp_path):
    release = Planted(made.published.arms["as_many"].path, tmp_path)
    if "dropped_questions" not in release.manifest.configs:
        release.change("calls", lambda rows: rows[-1].update(text="nothing to read"))
        assert any("brings it (unreadable), and it is not listed so" in problem for problem in release.problems())
        return
    release.change("dropped_questions", lambda rows: rows.pop())
    assert any("and it is not listed so" in problem for problem in release.problems())


def test_one_sample_more_than_an_arm_may_take_is_found(made, tmp_path):
    release = Planted(made.published.arms["similar"].path, tmp_path)
    assert release.problems() == []
    release.write(ledger=lambda ledger: ledger["r4"]["answer"].update(samples=33))
    assert any("arm similar: took " in problem and "may take 32" in problem for problem in release.problems())
    refine = Planted(made.published.arms["refine"].path, tmp_path / "more")
    refine.write(provenance=lambda facts: facts["arm"].update(allowed=33))
    assert [*wrong_arm(refine.folder, refine.manifest)] == [
        "arm refine: may take 33 samples, which 4 plain responses each do not"
    ]


def test_responses_of_a_matched_arm_that_are_not_the_first_ones_are_found(made, tmp_path):
    release = Planted(made.published.arms["refine"].path, tmp_path)
    release.change("all", lost)
    (problem,) = wrong_arm(release.folder, release.manifest)
    assert "drawn index by index it has" in problem


@pytest.mark.parametrize("arm", ["refine_tokens", "computed", "paid"])
def test_an_arm_that_goes_on_when_its_tokens_are_taken_is_found(made, tmp_path, arm):
    release = Planted(made.published.arms[arm].path, tmp_path)
    assert [*wrong_arm(release.folder, release.manifest)] == []
    release.write(provenance=lambda facts: facts["arm"].update(allowed=facts["arm"]["allowed"] // 2))
    (problem,) = wrong_arm(release.folder, release.manifest)
    assert "before its last response, and may take" in problem


def test_tokens_of_an_arm_matched_at_money_weigh_as_its_prices_do(made):
    facts = read_release(made.published.arms["paid"].path).provenance["arm"]
    assert facts["weights"] == [2, 1]
    cards = {name: (made.published.arms[name].path / "README.md").read_text() for name in ("computed", "paid")}
    plain = "4 responses to each of 8 questions take in the first arm"
    assert f"It may spend as much compute as {plain}" in cards["computed"]
    spent = facts["allowed"] / 2 / 1e6
    assert f"It may spend as much money as {plain}, {spent:,.4g}" in cards["paid"]
