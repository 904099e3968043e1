"""Models are looked at before anything is spent on them, and only what a stage needs is read for leaks."""

import io
import json
import shutil
from pathlib import Path

import pytest

from tests.model_kinds import make_kind
from tests.tiny_model import make_byte_model
from toolkit.cli import main
from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.models import nano_options, training_leaks_stage
from toolkit.pipeline.stages.pool import pool_stage
from toolkit.progress import Progress
from toolkit.recipe.load import load_run
from toolkit.workers import open_workers
from toolkit.workspace import Workspace

RECIPE = """title: Models of other makers
pool: mathematics
families: [sum3]
largest_number: 12
pool_sizes: [8]
ladder_questions: 8
test_size: 4
dev_size: 2
budgets: [1]
fit_max: null
held_out: null
max_tokens: 4
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    make_byte_model(folder / "good")
    for name, kind in (("granite", "granite"), ("llama3", "llama3")):
        make_kind(folder / name, kind)
    for name in ("code", "unknown", "half", "mute"):
        shutil.copytree(folder / "good", folder / name)
    for name, change in (("code", {"auto_map": {"AutoModel": "evil.Evil"}}), ("unknown", {"model_type": "hyena9"})):
        config = json.loads((folder / name / "config.json").read_text())
        (folder / name / "config.json").write_text(json.dumps(config | change))
    whole = (folder / "half" / "model.safetensors").read_bytes()
    (folder / "half" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "mute" / "chat_template.jinja").unlink()
    return folder


def fss(verb, tmp_path, capsys, text, *more):
    (tmp_path / "recipe.yaml").write_text(RECIPE + text)
    workspace = ["--workspace", str(tmp_path / "workspace"), "--jobs", "1"]
    return main([verb, str(tmp_path / "recipe.yaml"), *workspace, *more]), capsys.readouterr()


SAID = {
    "code": "config.json: `auto_map` names code",
    "unknown": "cannot read model_type 'hyena9'",
    "half": "model.safetensors: is damaged",
    "mute": "no chat template to ask questions with; add chat_template.jinja",
}
QUICK = [("half", ()), ("mute", ("--dry-run",))]  # the others, each a process of its own, in the full run
OTHERS = [(name, more) for name in SAID for more in ((), ("--dry-run",)) if (name, more) not in QUICK]


@pytest.mark.parametrize(
    ("name", "more"), [*QUICK, *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS)]
)
def test_a_base_that_would_fail_later_is_refused_before_sampling(models, tmp_path, capsys, name, more):
    text = f"teacher: {models / 'good'}\nbase: {models / name}\n"
    code, shown = fss("run", tmp_path, capsys, text, *more)
    assert code == 1 and not list(tmp_path.glob("workspace/responses/*"))
    (message,) = shown.err.split("fss: error: ")[1:]
    assert message.startswith(f"base {models / name}: ") and SAID[name] in message and message.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["llama3", *(pytest.param(name, marks=pytest.mark.slow) for name in ("good", "granite"))]
)
def test_local_teachers_of_every_kind_sample(models, tmp_path, capsys, name):
    code, shown = fss("sample", tmp_path, capsys, f"teacher: {models / name}\n")
    assert code == 0 and "FAILED" not in shown.err
    (journal,) = tmp_path.glob("workspace/responses/*.jsonl")
    rows = [json.loads(line) for line in journal.read_text().splitlines() if '"question_id"' in line]
    assert len(rows) == 8 and {row["finish_reason"] for row in rows} <= {"stop", "length"}


def read_for(tmp_path: Path, text: str, roles: list[str]) -> dict[str, int]:
    (tmp_path / "recipe.yaml").write_text(RECIPE + text)
    with open_workers(1) as workers:
        progress = Progress(io.StringIO())
        workspace = Workspace(tmp_path / "workspace", print)
        job = Context(load_run(str(tmp_path / "recipe.yaml")), workspace, workers, progress)
        checked = training_leaks_stage(job, pool_stage(job), roles)
        options = {role: nano_options(job, role) for role in ("base", "teacher")}
    inputs = json.loads((checked.path / ".artifact.json").read_text())["inputs"]
    assert inputs["read"] == json.loads(json.dumps({role: options[role] for role in inputs["read"]}))
    return checked.facts["texts"]


def test_what_a_base_reads_is_not_read_where_no_base_is_needed(tmp_path):
    served = "teacher: org/model\nteacher_revision: main\nurls: [http://127.0.0.1:9]\nbase_steps: 8\n"
    assert set(read_for(tmp_path, served, ["teacher"])) == {"pool"}
    assert set(read_for(tmp_path, served, ["teacher", "base"])) == {"pool", "base"}
    assert set(read_for(tmp_path, served, ["teacher"])) == {"pool", "base"}  # what is there serves, too


@pytest.mark.slow
def test_an_embedded_teacher_is_looked_at_alone(tmp_path):
    steps = "teacher_steps: 8\nbase_steps: 8\n"
    assert set(read_for(tmp_path, steps, ["teacher"])) == {"pool", "teacher"}
    assert set(read_for(tmp_path, steps, ["teacher", "base"])) == {"pool", "base", "teacher"}
