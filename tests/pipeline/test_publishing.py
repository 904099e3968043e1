"""What a run and `fss release` publish at the workspace's own Hub, and that it is there when they have ended."""

import dataclasses
import io
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from huggingface_hub import HfApi, constants, parse_eval_result_entries

from tests.hub.tiny_ladder import CARD, make_release
from tests.pipeline.conftest import TINY, TOKENS
from toolkit.cli import main
from toolkit.hub.endpoints import is_embedded, open_hub
from toolkit.hub.release import publish_release
from toolkit.hub.upload import Target
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.run import release, run
from toolkit.pipeline.stages.publish import Unpublished, push_model, push_source
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run, with_release
from toolkit.workspace import Artifact

FSS = str(Path(sys.executable).with_name("fss"))
REPO = "local/fss-tiny"
NAMED = f"{TINY.read_text()}\nrepo: {REPO}\n"


@pytest.fixture
def no_account(tmp_path, monkeypatch):
    """Neither a token nor an endpoint, and no pauses between tries."""
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))


@pytest.fixture
def named(chain, tmp_path, no_account):
    """The chain's workspace in another folder, under a recipe that names a repo."""
    return chain.copy(tmp_path, NAMED)


@pytest.fixture(scope="module")
def ran(chain, tmp_path_factory):
    """`fss run` in a folder of its own, with one token in the environment and another in the file."""
    folder = tmp_path_factory.mktemp("ran")
    chain.copy(folder, NAMED)
    (folder / "hf").mkdir()
    (folder / "hf" / "token").write_text(TOKENS["file"])
    environment = os.environ | {"HF_HOME": str(folder / "hf"), "HF_TOKEN": TOKENS["environment"], "HF_DEBUG": "1"}
    done = subprocess.run([FSS, "run", "tiny.yaml"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "output.log").write_text(done.stdout + done.stderr)
    return folder, done.stdout


def in_fresh_shell(line, folder, home):
    """What a line prints in a shell that knows nothing of the run's."""
    shell = ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={home}", "bash", "-c", line]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def printed_lines(text):
    """The commands at the end of a run's output."""
    return [line.strip() for line in text.partition("Load it")[2].splitlines() if line.startswith("  ")]


def published(recipe, workspace, **options):
    progress = Progress(io.StringIO())
    told = release(recipe, workspace, jobs=1, progress=progress, **({"dry": False} | options))
    return told, progress.stream.getvalue()


def publish_other(workspace, folder, salt="a"):
    """Another source than the chain's under the same name."""
    make_release(folder / "release", (1, 2), salt=salt, card=dataclasses.replace(CARD, repo=REPO))
    with open_hub(workspace, REPO) as api:
        publish_release(folder / "release", REPO, Target(api, print), version="v1.0.0")


def refs(workspace, repo=REPO, repo_type="dataset"):
    """Tags of a repo with their commits; none for one that is not there."""
    with open_hub(workspace, repo) as api:
        if not api.repo_exists(repo, repo_type=repo_type):
            return {}
        return {ref.name: ref.target_commit for ref in api.list_repo_refs(repo, repo_type=repo_type).tags}


def test_the_printed_lines_load_and_check_in_a_fresh_shell_after_the_run(ran, tmp_path):
    folder, output = ran
    load, curves, check = printed_lines(output)
    manifest = json.loads((folder / "workspace" / "runs" / "tiny" / "release" / "manifest.json").read_text())
    assert f"num_rows: {manifest['statistics']['r6']['accepted']}\n" in in_fresh_shell(load, folder, tmp_path)
    assert "num_rows: 12\n" in in_fresh_shell(curves, folder, tmp_path)
    assert f"{REPO}@v1.0.0" in in_fresh_shell(check, folder, tmp_path)


def test_results_lie_beside_the_release_and_name_its_commit(ran, tmp_path, no_account):
    folder, output = ran
    workspace = folder / "workspace"
    assert list(refs(workspace)) == list(refs(workspace, f"{REPO}-results")) == ["v1.0.0"]
    script = (
        "from datasets import load_dataset\n"
        f"for name in ('items', 'laws'): print(len(load_dataset('{REPO}-results', name, split='train')))"
    )
    serve = shlex.split(printed_lines(output)[0])[:4]
    counts = in_fresh_shell(shlex.join([*serve, sys.executable, "-c", script]), folder, tmp_path).split()
    assert int(counts[0]) == 12 * 60 and int(counts[1]) > 10
    with open_hub(workspace, REPO) as api:
        got = Path(api.snapshot_download(f"{REPO}-results", repo_type="dataset", local_dir=tmp_path / "got"))
    manifest = json.loads((got / "manifest.json").read_text())
    assert manifest["provenance"]["data"]["revision"] == refs(workspace)["v1.0.0"]
    assert {model["arm"] for model in manifest["models"]} == {"teacher", "base", "FSS"}
    card = (got / "README.md").read_text()
    assert "| teacher |" in card and "| base |" in card


def test_no_token_is_left_by_a_run_that_publishes(ran):
    folder, _ = ran
    texts = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert texts.pop(Path("hf", "token")) == TOKENS["file"].encode()
    assert Path("output.log") in texts
    assert {"hub", "runs", "release", "student"} <= {path.parts[1] for path in texts if path.parts[0] == "workspace"}
    for token in TOKENS.values():
        assert [path for path, text in texts.items() if token.encode() in text] == []


def test_the_release_names_the_commit_of_its_teacher(ran, no_account):
    folder, _ = ran
    (commit,) = refs(folder / "workspace", f"{REPO}-teacher", "model").values()
    manifest = json.loads((folder / "workspace" / "runs" / "tiny" / "release" / "manifest.json").read_text())
    assert manifest["provenance"]["teacher_repo"] == f"{REPO}-teacher@{commit}"


def test_a_rerun_makes_no_commit_and_a_dry_run_nothing_at_all(named):
    dry = named.run(dry=True)
    assert f"to publish at the Hub in the workspace: {REPO}, {REPO}-results" in dry.lines
    assert not (named.workspace / "hub").exists()
    assert "publish" in named.run().todo
    before = refs(named.workspace), refs(named.workspace, f"{REPO}-results")
    again = named.run()
    assert "publish" not in again.todo and "release" not in again.todo
    assert (refs(named.workspace), refs(named.workspace, f"{REPO}-results")) == before


def test_a_part_of_the_ladder_is_published_first_and_the_rest_as_the_next_version(named):
    part, whole = load_run(f"{named.recipe}-r3"), load_run(str(named.recipe))
    told, lines = published(part, named.workspace, dry=True)
    assert refs(named.workspace) == {} and "would commit" in lines and "Nothing was pushed" in told
    published(part, named.workspace)
    first = refs(named.workspace)
    told, _ = published(whole, named.workspace)
    assert 'revision="v1.1.0")' in told
    assert refs(named.workspace) == first | {"v1.1.0": refs(named.workspace)["v1.1.0"]}
    assert list(refs(named.workspace, f"{REPO}-results")) == ["v1.0.0", "v1.1.0"]
    published(part, named.workspace)
    assert len(refs(named.workspace)) == len(refs(named.workspace, f"{REPO}-results")) == 2


def test_students_name_base_data_and_scores_and_a_collection_ties_all(named, tmp_path):
    run = load_run(f"{named.recipe}-r3-s1")
    published(run, named.workspace, students=True)
    (base,) = refs(named.workspace, f"{REPO}-base", "model").values()
    student = f"{REPO}-r3-s1"
    with open_hub(named.workspace, REPO) as api:
        got = Path(api.snapshot_download(student, revision="v1.0.0", local_dir=tmp_path / "got"))
        collection = api.create_collection("fss-tiny", namespace="local", exists_ok=True)
        items = [(item.item_id, item.item_type) for item in collection.items]
    adapter = json.loads((got / "adapter_config.json").read_text())
    assert (adapter["base_model_name_or_path"], adapter["revision"]) == (f"{REPO}-base", base)
    (entry,) = parse_eval_result_entries(yaml.safe_load((got / ".eval_results" / "test.yaml").read_text()))
    assert (entry.dataset_id, entry.dataset_revision) == (REPO, refs(named.workspace)["v1.0.0"])
    scores = json.loads(next((named.workspace / "score").glob("*/score.json")).read_text())
    assert 0 <= entry.value <= 1 and f"n = {scores['n']}; answers: greedy" in entry.notes
    assert items == [
        (f"{REPO}-teacher", "model"), (REPO, "dataset"), (f"{REPO}-results", "dataset"),
        (f"{REPO}-base", "model"), (student, "model"),
    ]  # fmt: skip
    before = refs(named.workspace, student, "model")
    published(run, named.workspace, students=True, merged=True)
    assert refs(named.workspace, student, "model") == before
    with open_hub(named.workspace, REPO) as api:
        whole = Path(api.snapshot_download(f"{student}-merged", revision="v1.0.0", local_dir=tmp_path / "merged"))
    text = (whole / "README.md").read_text()
    assert {"model.safetensors", "tokenizer.json"} <= {path.name for path in whole.iterdir()} and "Began as" in text


def test_a_hub_that_refuses_costs_a_run_nothing_but_its_publication(named, capsys):
    publish_other(named.workspace, named.workspace.parent / "other")
    theirs = refs(named.workspace)
    code = main(["run", str(named.recipe), "--workspace", str(named.workspace)])
    out, err = capsys.readouterr()
    assert code == 1 and refs(named.workspace) == theirs
    assert "fss: error: everything was made, not all published; later `fss release` does it" in err
    assert "Ask for v2.0.0 to replace the published content" in err
    assert "# A chain small enough for a test" in out and "workspace/runs/tiny/release" in out
    assert (named.workspace / "runs" / "tiny" / "law.json").is_file()
    command = ["release", str(named.recipe), "--workspace", str(named.workspace), "--version", "v2.0.0"]
    assert main(command) == 0 and set(refs(named.workspace)) == {"v1.0.0", "v2.0.0"}


def test_a_hub_that_is_down_is_told_at_once_and_at_the_end(named, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    progress = Progress(io.StringIO())
    with pytest.raises(Unpublished, match=r"no answer from http://127\.0\.0\.1:9") as failure:
        run(load_run(str(named.recipe)), named.workspace, jobs=1, dry=False, progress=progress)
    lines = progress.stream.getvalue()
    assert lines.index("NOT PUBLISHED, and the run goes on") < lines.index("students")
    assert "# A chain small enough for a test" in failure.value.summary and not (named.workspace / "hub").exists()


def test_a_damaged_repo_is_named_and_the_rest_of_the_run_goes_on(named, capsys):
    named.run()
    objects = (named.workspace / "hub" / "datasets" / f"{REPO}.git" / "objects").glob("??/*")
    for path in list(objects):
        path.chmod(0o644)
        path.write_bytes(b"")
    assert main(["run", str(named.recipe), "--workspace", str(named.workspace)]) == 1
    shown = capsys.readouterr()
    assert "# A chain small enough for a test" in shown.out
    assert "fss-tiny" in shown.err and "damaged" in shown.err and "Traceback" not in shown.err


def test_results_that_are_refused_leave_the_release_published(named):
    with open_hub(named.workspace, REPO) as api:
        api.create_repo(f"{REPO}-results", repo_type="dataset")
        theirs = {"repo_id": f"{REPO}-results", "repo_type": "dataset", "path_in_repo": "theirs.csv"}
        api.upload_file(**theirs, path_or_fileobj=b"x")
    with pytest.raises(Unpublished, match=r"results: it holds files that no release made \(theirs\.csv\)") as failure:
        named.run()
    assert list(refs(named.workspace)) == ["v1.0.0"] and refs(named.workspace, f"{REPO}-results") == {}
    assert len(printed_lines(failure.value.summary)) == 2


def test_neither_offline_mode_nor_a_proxy_hides_a_hub_on_this_machine(tmp_path, no_account, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name, value in (("HF_HUB_OFFLINE", "1"), ("HTTP_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "example.org")):
        monkeypatch.setenv(name, value)
    with open_hub(tmp_path, REPO) as api:
        api.create_repo(REPO)
    assert constants.HF_HUB_OFFLINE and os.environ["NO_PROXY"] == "example.org" and "no_proxy" not in os.environ
    ask = f"from huggingface_hub import HfApi; raise SystemExit(7 * HfApi().repo_exists({REPO!r}))"
    assert main(["hub", "serve", "--workspace", str(tmp_path), "--", sys.executable, "-c", ask]) == 7


def test_equal_names_in_two_workspaces_share_no_cached_rows(tmp_path, no_account):
    home, found = tmp_path / "home", {}
    for salt in "ab":
        publish_other(tmp_path / salt, tmp_path / f"release-{salt}", salt)
    load = f'from datasets import load_dataset; print(load_dataset("{REPO}", "r2", split="train")["response"][:])'
    for salt in "ab":
        line = shlex.join([FSS, "hub", "serve", "--workspace", str(tmp_path / salt), "--", sys.executable, "-c", load])
        found[salt] = in_fresh_shell(line, tmp_path, home)
    assert "; " in found["a"] and "; " in found["b"] and found["a"] != found["b"]


@pytest.mark.parametrize(
    ("repo", "endpoint", "token", "embedded"),
    [
        ("local/x", None, None, True),
        ("local/x", None, "hf_x", True),
        ("local/x", "https://hub.example.org", "hf_x", True),
        ("local/x", "http://127.0.0.1:5577", None, False),
        ("local/x", "http://localhost:5577", None, False),
        ("org/x", None, None, True),
        ("org/x", None, "hf_x", False),
        ("org/x", "https://hub.example.org", None, False),
    ],
)
def test_where_a_repo_lies(no_account, monkeypatch, repo, endpoint, token, embedded):
    for name, value in (("HF_ENDPOINT", endpoint), ("HF_TOKEN", token)):
        if value:
            monkeypatch.setenv(name, value)
    assert is_embedded(repo) is embedded


def test_a_model_of_the_hub_is_not_pushed_again(named, monkeypatch):
    model = Artifact(Path("org/model"), "k", {"repo": "org/model@main"}, {})
    target = Target(HfApi(endpoint="http://127.0.0.1:9"), print)  # nobody answers there
    job = Context(load_run(str(named.recipe)), None, None, None)
    assert push_model(job, target, "base", model) == ({}, "org/model@main")
    asked = []

    def made(job, source, corpus, teacher_repo):
        asked.append(teacher_repo)
        raise StageError("far enough")

    monkeypatch.setattr("toolkit.pipeline.stages.publish.release_stage", made)
    with pytest.raises(StageError, match="far enough"):
        push_source(job, target, SimpleNamespace(teacher=model), None, "v1.0.0")
    assert asked == [None]


def test_a_recipe_without_a_repo_is_published_under_a_given_one_only(chain, no_account, tmp_path, capsys):
    assert main(["release", str(chain.recipe), "--workspace", str(tmp_path)]) == 1
    assert "names no repo to publish to; give --repo org/name" in capsys.readouterr().err


def test_the_command_of_hub_serve_gives_its_exit_code(tmp_path, no_account):
    check = "import os; from huggingface_hub import HfApi; HfApi().create_repo('local/x'); raise SystemExit(7)"
    assert main(["hub", "serve", "--workspace", str(tmp_path), "--", sys.executable, "-c", check]) == 7
    assert (tmp_path / "hub" / "models" / "local" / "x.git").is_dir()


@pytest.mark.parametrize(("repo", "version"), [("no-owner", None), ("a/../b", None), (None, "1.0")])
def test_a_name_that_no_hub_takes_is_refused_before_any_work(chain, repo, version):
    with pytest.raises(RecipeError, match="--repo" if repo else "--version"):
        with_release(load_run(str(chain.recipe)), repo=repo, version=version)
