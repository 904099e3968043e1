"""`fss pull` of releases made by hand, whose teacher is served: a strange one is refused and leaves nothing behind."""

import hashlib
import json
import shutil
import uuid

import pyarrow as pa
import pytest
from huggingface_hub import HfApi, constants

from tests.hub.tiny_ladder import make_release
from tests.pipeline.test_fuzz_release import fitted, in_table, retyped, valued
from toolkit.cli import main
from toolkit.hub.manifest import file_facts
from toolkit.hub_server import running
from toolkit.pipeline.source import source_identity, source_key
from toolkit.recipe.sections import Sampling
from toolkit.workspace import canonical, hash_of

RECIPE = """title: Tiny
pool: mathematics
pool_sizes: [4]
ladder_questions: 4
test_size: 1
dev_size: 0
budgets: [1, 2]
fit_max: null
held_out: null
teacher: org/model
teacher_revision: main
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    with running(folder) as (endpoint, token), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", endpoint)
        patch.setenv("HF_TOKEN", token)
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield HfApi(endpoint=endpoint, token=token)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest") / "release"
    make_release(folder, (1, 2))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "recipe.yaml").write_text(RECIPE)
    served = {"api": "chat", "quantize": None, "provider": None}
    teacher = hash_of({"repo": "org/model@main"})
    identity = source_identity(teacher, served, manifest["provenance"]["pool"], Sampling())
    made = {"source": source_key(identity), "teacher": teacher, "served": served, "teacher_repo": None}
    manifest["provenance"] |= made | {"pool_counts": {"pool": 4, "test": 1}}
    manifest["files"] = canonical(file_facts(folder))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def pulled(hub, honest, tmp_path, monkeypatch, capsys):
    """Exit code, what was said, and what lies in the folder after a pull of a changed release."""
    monkeypatch.chdir(tmp_path)

    def pull(change=lambda folder: None, fitting=True):
        folder = shutil.copytree(honest, tmp_path.parent / f"strange-{uuid.uuid4().hex[:8]}")
        change(folder)
        if fitting:
            manifest = json.loads((folder / "manifest.json").read_text())
            manifest["files"] = canonical(file_facts(folder))
            (folder / "manifest.json").write_text(json.dumps(manifest))
        repo = f"local/p-{uuid.uuid4().hex[:12]}"
        hub.create_repo(repo, repo_type="dataset")
        hub.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder)
        code = main(["pull", f"{repo}@main", "--as", "tiny"])
        return code, capsys.readouterr().err, sorted(path.name for path in tmp_path.rglob("*"))

    return pull


def first(folder):
    return sorted(folder.rglob("i000-001-*.parquet"))[0]


def in_rows(column, value):
    return lambda folder: in_table(folder, first(folder), lambda table: valued(table, column, value))


def in_manifest(change):
    def changed(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return changed


def bytes_of(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def garbage(folder):
    path, data = first(folder), b"PAR1 garbage PAR1"
    old = path.relative_to(folder).as_posix()
    new = f"{old.removesuffix('.parquet')[:-12]}{hashlib.sha256(data).hexdigest()[:12]}.parquet"
    path.unlink()
    (folder / new).write_bytes(data)
    fitted(folder, old, new)


def test_an_honest_one_is_taken_over(pulled):
    code, told, held = pulled()
    assert code == 0, told
    assert "tiny.yaml" in held and [name for name in held if name.endswith(".jsonl")]


CHANGES = [
    (in_rows("response_index", -1), "row 1: index: must be a whole number from 0 to 99,999, not -1"),
    (in_rows("finish_reason", "abort"), "row 1: finish_reason: must be one of stop, length, error"),
    (in_rows("response", None), "row 1: text: must be a text, not None"),
    (in_rows("tokens", -5), "row 1: completion_tokens: must be a whole number"),
    (in_rows("question_id", "other"), "row 1: question 'other' is not in the release's pool"),
    (
        lambda folder: in_table(folder, first(folder), lambda table: retyped(table, "response_index", pa.int64())),
        "column response_index: missing, or of another type than a release's",
    ),
    (
        lambda folder: in_table(folder, first(folder), lambda table: pa.concat_tables([table, table])),
        "is there twice",
    ),
    (garbage, "is not a readable parquet file"),
    (bytes_of("recipe.yaml", "title: Schrödinger\n".encode("latin-1")), "recipe.yaml: is not UTF-8"),
    (bytes_of("recipe.yaml", b"pool: " + b"[" * 90_000), "recipe.yaml: line 1: more than 16 nested lists"),
    (bytes_of("recipe.yaml", RECIPE.encode() + b"response_pattern: '(a'\n"), "recipe.yaml: response_pattern: must be"),
    (bytes_of("recipe.yaml", RECIPE.encode() + b"max_draws: 100000000000000000000\n"), "recipe.yaml: max_draws: "),
    (in_manifest(lambda manifest: manifest["configs"]["test"]["files"].append("README.md")), "test: names 2 files"),
    (in_manifest(lambda manifest: manifest["configs"]["all"]["files"].append("README.md")), "README.md"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=[message for _, message in CHANGES])
def test_a_strange_release_is_refused_and_leaves_nothing_behind(pulled, change, message):
    code, told, held = pulled(change)
    assert code == 1 and message in told and "Traceback" not in told
    assert held == []


UNFIT = [
    (lambda folder: (folder / "manifest.json").write_bytes("{}".encode("utf-16")), "manifest.json: is not UTF-8"),
    (bytes_of("manifest.json", b"[" * 100_000), "manifest.json: is not JSON"),
    (bytes_of("manifest.json", b"[]"), "manifest.json: is not a JSON object but a list"),
    (bytes_of("more.txt", b"x"), "more.txt: is not in the manifest"),
    (bytes_of("README.md", b"x"), "README.md: its bytes are not those of the manifest"),
    (lambda folder: first(folder).unlink(), "is missing"),
]


@pytest.mark.parametrize(("change", "message"), UNFIT, ids=[message for _, message in UNFIT])
def test_a_release_that_does_not_fit_its_manifest_is_refused(pulled, change, message):
    code, told, held = pulled(change, fitting=False)
    assert code == 1 and message in told and "Traceback" not in told
    assert held == []
