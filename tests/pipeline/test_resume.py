"""A release pulled into an empty workspace elsewhere, and its source continued there; what is strange is refused."""

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import HfApi, constants

from toolkit.cli import main
from toolkit.hub.manifest import file_facts
from toolkit.hub.version import Refused
from toolkit.hub_server import running
from toolkit.pipeline.context import StageError
from toolkit.pipeline.resume import pull
from toolkit.pipeline.run import release, sample
from toolkit.progress import Progress
from toolkit.recipe.load import load_run, with_release
from toolkit.workspace import canonical, to_json

REPO = "local/fss-tiny"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A Hub on this machine, which everybody's environment names."""
    folder = tmp_path_factory.mktemp("hub")
    with running(folder) as (endpoint, token), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", endpoint)
        patch.setenv("HF_TOKEN", token)
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield HfApi(endpoint=endpoint, token=token)


def published(run, workspace):
    progress = Progress(io.StringIO())
    release(with_release(load_run(run), repo=REPO), workspace, jobs=1, dry=False, progress=progress)
    return progress.stream.getvalue()


@pytest.fixture(scope="module")
def publisher(chain, hub, tmp_path_factory):
    """The tiny chain's workspace, of which budgets 1 and 2 are published."""
    workspace = shutil.copytree(chain.workspace, tmp_path_factory.mktemp("publisher") / "workspace")
    published(f"{chain.recipe}-r2", workspace)
    return SimpleNamespace(workspace=workspace, recipe=chain.recipe, folder=release_folder(workspace))


def release_folder(workspace):
    """The release folder that a repo was made from."""
    manifests = {path.parent: json.loads(path.read_text()) for path in workspace.glob("release/*/manifest.json")}
    return next(folder for folder, manifest in manifests.items() if manifest.get("repo") == REPO)


@pytest.fixture
def elsewhere(publisher, tmp_path, monkeypatch):
    """An empty folder of somebody else, who trains no teacher."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("toolkit.pipeline.stages.models.train_nano", None)
    return tmp_path


def pulled(reference=f"{REPO}@v1.0.0", **options):
    progress = Progress(io.StringIO())
    told = pull(reference, Path("workspace"), progress=progress, **options)
    return told + progress.stream.getvalue()


def edited(folder, **changes):
    path = folder / "recipes" / "fss-tiny.yaml"
    held = yaml.safe_load(path.read_text()) | {"base_steps": 8}  # what a base reads is looked through, too
    path.write_text(yaml.safe_dump(held | changes))


def sampled(run, workspace):
    progress = Progress(io.StringIO())
    sample(load_run(run), workspace, jobs=1, dry=False, progress=progress)
    return progress.stream.getvalue()


def everything(folder):
    """What was made, by name: bytes; times, locks and the cost of making apart."""
    files = [path for path in folder.rglob("*") if path.is_file() and "locks" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name not in (".artifact.json", "CACHEDIR.TAG")
    }


def parquets(api, version):
    names = api.list_repo_files(REPO, repo_type="dataset", revision=version)
    return {name for name in names if name.endswith(".parquet")}


def test_somebody_else_continues_the_source_and_only_increments_go_up(hub, publisher, elsewhere):
    told = pulled()
    assert "recipes/fss-tiny.yaml continues local/fss-tiny@v1.0.0" in told and "fss run fss-tiny-r4" in told
    edited(elsewhere, budgets=[1, 2, 3])
    lines = published("fss-tiny-r3", elsewhere / "workspace")
    assert "64 sampled now" in lines and "publish" not in lines.splitlines()[0]
    tags = {ref.name: ref.target_commit for ref in hub.list_repo_refs(REPO, repo_type="dataset").tags}
    assert set(tags) == {"v1.0.0", "v1.1.0"}
    old, new = (parquets(hub, version) for version in ("v1.0.0", "v1.1.0"))
    assert old < new and {name.split("/")[-1][:8] for name in new - old} == {"i002-003"}
    # What the publisher would have made of the next rung, and the keys of all that was made on the way, are the same.
    published(f"{publisher.recipe}-r3", publisher.workspace)
    assert {ref.name: ref.target_commit for ref in hub.list_repo_refs(REPO, repo_type="dataset").tags} == tags
    for stage in ("pool", "teacher", "verdicts", "corpus"):
        mine, theirs = ({path.name for path in (root / stage).iterdir()} for root in
                        (elsewhere / "workspace", publisher.workspace))  # fmt: skip
        assert mine <= theirs and mine


def test_a_pulled_journal_holds_the_published_rows_as_they_were_written(publisher, elsewhere):
    pulled()
    (mine,) = (elsewhere / "workspace" / "responses").glob("*.jsonl")
    theirs = (publisher.workspace / "responses" / mine.name).read_text().splitlines()
    assert sorted(mine.read_text().splitlines()) == sorted(row for row in theirs if json.loads(row)["index"] < 2)
    assert "0 sampled now" in sampled("fss-tiny-r2", elsewhere / "workspace")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0.9}, "sampling.temperature: published 0.8, now 0.9"),
        ({"prompt": "Please: {{ question }}"}, "sampling.prompt: published '{{ question }}'"),
        ({"pool_seed": 1}, "questions: put the settings of the pool back"),
        ({"teacher_steps": 401}, "its teacher is not in this workspace"),
        ({"server": "tgi", "teacher": "org/other", "teacher_revision": "main"}, "served: say where the teacher"),
    ],
)
def test_another_source_is_refused_before_it_is_sampled(elsewhere, changes, message):
    pulled()
    before = everything(elsewhere / "workspace" / "responses")
    edited(elsewhere, budgets=[1, 2, 3], **changes)
    with pytest.raises(StageError) as refused:
        sampled("fss-tiny-r3", elsewhere / "workspace")
    assert message in str(refused.value) and "continues local/fss-tiny@v1.0.0" in str(refused.value)
    assert everything(elsewhere / "workspace" / "responses") == before


def test_other_weights_are_refused_before_anything_is_sampled(elsewhere):
    pulled()
    (weights,) = (elsewhere / "workspace" / "teacher").glob("*/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    edited(elsewhere, budgets=[1, 2, 3])
    with pytest.raises(StageError, match="its teacher is not in this workspace"):
        sampled("fss-tiny-r3", elsewhere / "workspace")
    pulled()
    assert "64 sampled now" in sampled("fss-tiny-r3", elsewhere / "workspace")


def test_pulling_again_changes_nothing(elsewhere):
    pulled()
    before = everything(elsewhere)
    told = pulled()
    assert "0 added to 128" in told and everything(elsewhere) == before


@pytest.mark.parametrize("where", ["workspace.Workspace.install", "pipeline.resume.merge",
                                   "pipeline.resume.remember", "pipeline.resume.write_atomic"])  # fmt: skip
def test_an_interrupted_pull_leaves_no_recipe_and_is_finished_by_the_next(elsewhere, where, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"toolkit.{where}", killed)
        with pytest.raises(KeyboardInterrupt):
            pulled()
    assert not (elsewhere / "recipes").exists()
    assert "recipes/fss-tiny.yaml continues" in pulled()
    assert "0 added to 128" in pulled()


def test_a_dry_run_says_what_would_be_fetched_and_written_and_writes_nothing(elsewhere):
    told = pulled(dry=True)
    for part in ("files,", "local/fss-tiny-teacher@", "workspace/pool/", "workspace/teacher/", "recipes/fss-tiny.yaml"):
        assert part in told
    assert not (elsewhere / "recipes").exists()
    assert not (elsewhere / "workspace" / "pool").exists() and not (elsewhere / "workspace" / "responses").exists()


def test_a_recipe_of_the_same_name_stays_and_another_is_refused(elsewhere):
    pulled()
    edited(elsewhere, budgets=[1, 2, 8], steps=7)
    pulled()
    assert "steps: 7" in (elsewhere / "recipes" / "fss-tiny.yaml").read_text()
    edited(elsewhere, temperature=0.5)
    with pytest.raises(StageError, match="is another recipe; give --as NAME"):
        pulled()
    assert "recipes/mine.yaml continues" in pulled(name="mine")


def test_a_response_that_differs_from_the_published_one_is_refused_and_kept(elsewhere):
    pulled()
    (journal,) = (elsewhere / "workspace" / "responses").glob("*.jsonl")
    other = journal.read_text().replace('"text":"', '"text":"Hm. ', 1)
    journal.write_text(other)
    with pytest.raises(StageError, match="index 0 has another response than the release"):
        pulled()
    assert journal.read_text() == other


def test_a_journal_that_is_ahead_keeps_its_rows(elsewhere):
    pulled()
    (journal,) = (elsewhere / "workspace" / "responses").glob("*.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    more = lines[0].replace('"index":0', '"index":9')
    journal.write_text("".join([*lines[50:], more]))
    assert "50 added to 79" in pulled()
    assert sorted(journal.read_text().splitlines(keepends=True)) == sorted([*lines, more])


@pytest.fixture
def stranger(hub, publisher, elsewhere):
    """Somebody's repo: the release with a change, under a manifest that fits unless told not to."""

    def made(change, fitting=True):
        folder = shutil.copytree(publisher.folder, elsewhere / "strange", ignore=shutil.ignore_patterns(".*"))
        change(folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        if fitting:
            manifest["files"] = canonical(file_facts(folder))
            (folder / "manifest.json").write_text(to_json(manifest))
        name = f"local/strange-{elsewhere.name.strip('_').replace('_', '-')[-40:].strip('-')}"
        hub.create_repo(name, repo_type="dataset")
        hub.upload_folder(repo_id=name, repo_type="dataset", folder_path=folder)
        return f"{name}@main"

    return made


def in_recipe(**changes):
    def change(folder):
        path = folder / "recipe.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    return change


def in_manifest(change):
    def changed(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (in_recipe(teacher="/etc"), "recipe.yaml: teacher: '/etc' is no plain name"),
        (in_recipe(teacher="../other"), "recipe.yaml: teacher: '../other' is no plain name"),
        (in_recipe(pool="/etc/passwd"), "recipe.yaml: pool: '/etc/passwd' is a place of some machine"),
        (in_recipe(test_pool="../../x.jsonl"), "recipe.yaml: test_pool: '../../x.jsonl' is a place"),
        (in_recipe(pool="strange"), "recipe.yaml: pool: 'strange' lies here too"),
        (in_recipe(temperature=0.5), "its recipe and its manifest tell of different sources"),
        (in_recipe(secret=1), "recipe.yaml: secret: unknown key"),
        (in_manifest(lambda manifest: manifest["provenance"].update(teacher="0" * 64)), "is not the teacher of"),
        (in_manifest(lambda manifest: manifest["provenance"].update(teacher_repo="x/y@main")), "teacher_repo"),
        (in_manifest(lambda manifest: manifest["provenance"].pop("teacher_repo")), "names no repo of its teacher"),
        (in_manifest(lambda manifest: manifest["configs"]["all"].update(files=["../x.parquet"])), "configs.all.files"),
        (in_manifest(lambda manifest: manifest["configs"]["test"].update(files=["/etc/passwd"])), "configs.test.files"),
        (in_manifest(lambda manifest: manifest["configs"]["all"].update(files=["x.parquet"])), "all: its files are"),
    ],
)  # fmt: skip
def test_what_a_stranger_wrote_reaches_nothing_of_this_machine(elsewhere, stranger, change, message):
    reference = stranger(change)
    with pytest.raises((StageError, Refused)) as refused:
        pulled(reference)
    assert message in str(refused.value)
    assert not (elsewhere / "recipes").exists() and not (elsewhere / "workspace" / "pool").exists()


def test_a_file_that_is_not_as_the_manifest_says_is_refused(elsewhere, stranger):
    def tamper(folder):
        path = next(folder.glob("data/accepted/q1/i000-001-*.parquet"))
        pq.write_table(pq.read_table(path).slice(1), path)

    reference = stranger(tamper, fitting=False)
    with pytest.raises(Refused, match=r"i000-001-\w+\.parquet: its bytes are not those of the manifest; nothing of it"):
        pulled(reference)
    assert not (elsewhere / "recipes").exists() and not (elsewhere / "workspace" / "pool").exists()


def test_servers_and_students_of_a_strange_recipe_are_left_out_and_named(elsewhere, stranger):
    reference = stranger(in_recipe(urls=["http://10.0.0.1:80"], server_options=["--privileged"], base="/etc", steps=9))
    told = pulled(reference, name="fss-tiny")
    assert "recipe.yaml: urls, server_options, base, steps: left out" in told
    written = (elsewhere / "recipes" / "fss-tiny.yaml").read_text()
    assert not [word for word in ("10.0.0.1", "privileged", "/etc", REPO) if word in written]


@pytest.mark.slow
def test_a_private_pool_and_a_teacher_in_a_folder_are_restored(hub, chain, publisher, elsewhere, monkeypatch):
    (pool,), (teacher,) = chain.artifacts("pool"), chain.artifacts("teacher")
    home = elsewhere / "publisher"
    home.mkdir()
    tables = [pq.read_table(pool / f"{name}.parquet").to_pylist() for name in ("questions", "test", "dev")]
    rows = [{"question": row["question"], "answer": row["answer"]} for table in tables for row in table]
    (home / "mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    shutil.copytree(teacher, home / "my-teacher", ignore=shutil.ignore_patterns(".*"))
    (home / "my-teacher" / "README.md").write_text("A card of its own.\n")
    named = {"pool": str(home / "mine.jsonl"), "teacher": str(home / "my-teacher"), "budgets": [1]}
    named |= {"pool_sizes": [16, 32], "ladder_questions": 32, "test_size": 60, "dev_size": 20, "max_tokens": 48}
    named |= {"fit_max": None, "held_out": None, "repo": "local/private", "base_steps": 8}
    (home / "private.yaml").write_text(yaml.safe_dump(named))
    progress = Progress(io.StringIO())
    release(load_run(str(home / "private.yaml")), home / "workspace", jobs=1, dry=False, progress=progress)
    text = hub.hf_hub_download("local/private", "recipe.yaml", repo_type="dataset", revision="v1.0.0")
    told = Path(text).read_text()
    assert "pool: mine.jsonl" in told and str(elsewhere) not in told

    shutil.move(home, elsewhere / "away")
    pulled("local/private")
    path = elsewhere / "recipes" / "private.yaml"
    assert "/my-teacher" in path.read_text()
    path.write_text(f"{path.read_text()}base_steps: 8\n")
    assert "0 sampled now" in sampled("private", elsewhere / "workspace")


def test_the_command_pulls(elsewhere, capsys):
    assert main(["pull", f"{REPO}@v1.0.0", "--workspace", "other"]) == 0
    assert "fss run fss-tiny-r4 --workspace other" in capsys.readouterr().out
    assert main(["pull", "local/none@v1.0.0"]) == 1
    assert "not found" in capsys.readouterr().err
