"""One tiny run of the whole chain, shared by the tests that look at what it left."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from toolkit.pipeline.run import run
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

TOKENS = {"environment": "hf_" + "Ab3" * 11, "file": "hf_" + "Zq9" * 11}
TINY = Path(__file__).with_name("tiny.yaml")
STAGES = (
    "pool",
    "leaks",
    "models",
    "responses",
    "verdicts",
    "corpus",
    "release",
    "students",
    "score",
    "forecast",
    "held-out",
    "law",
    "curves",
)


def recipe_with(**fields: object) -> str:
    """Give the text of the tiny recipe with other values for these keys."""
    kept = [line for line in TINY.read_text().splitlines() if line.split(":")[0] not in fields]
    return "\n".join([*kept, *(f"{key}: {value}" for key, value in fields.items())])


class Ran(NamedTuple):
    """What a run showed: its summary, its lines, and which stages made or would make something."""

    summary: str
    lines: str
    todo: set[str]


class Chain:
    """A recipe file of its own, a workspace, and runs of it."""

    first: Ran

    def __init__(self, folder: Path, text: str | None = None) -> None:
        self.recipe = folder / "tiny.yaml"
        self.recipe.write_text(text or TINY.read_text())
        self.workspace = folder / "workspace"

    def copy(self, folder: Path, text: str | None = None) -> "Chain":
        """Give a chain in another folder, with a copy of this one's workspace and, if given, another recipe."""
        other = Chain(folder, text)
        shutil.copytree(self.workspace, other.workspace)
        return other

    def run(self, suffix: str = "", dry: bool = False) -> Ran:
        progress = Progress(io.StringIO())
        selected = load_run(f"{self.recipe}{suffix}")
        summary = run(selected, self.workspace, jobs=2, dry=dry, progress=progress)
        todo = {stage.name for stage, _ in progress.done if stage.made or stage.planned}
        return Ran(summary, progress.stream.getvalue(), todo)

    def journals(self) -> list[Path]:
        """The responses of both replicates."""
        return sorted((self.workspace / "responses").glob("*.jsonl"))

    def artifacts(self, stage: str) -> list[Path]:
        return sorted(path for path in (self.workspace / stage).iterdir() if path.is_dir())


@pytest.fixture(scope="session")
def chain(tmp_path_factory) -> Chain:
    """The tiny chain, run once from nothing in one of the processes that test, and copied to the others; to be read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "first-chain"
    with FileLock(f"{folder}.lock"):
        if not (folder / "ran.json").exists():
            make_chain(folder)
    made = Chain(folder).copy(tmp_path_factory.mktemp("chain"))
    summary, lines, todo = json.loads((folder / "ran.json").read_text())
    made.first = Ran(summary, lines, set(todo))
    return made


def make_chain(folder: Path) -> None:
    """Run the tiny chain, with tokens that nothing of it may hold, and write down what it showed."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "account").mkdir(parents=True)
    (folder / "account" / "token").write_text(TOKENS["file"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", TOKENS["environment"])
        patch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(folder / "account" / "token"))
        ran = Chain(folder).run()
    (folder / "ran.json").write_text(json.dumps([ran.summary, ran.lines, sorted(ran.todo)]))
