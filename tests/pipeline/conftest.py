"""One tiny run of the whole chain, shared by the tests that look at what it left."""

import io
from pathlib import Path

import pytest

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


class Chain:
    """A recipe file of its own, a workspace, and runs of it."""

    def __init__(self, folder: Path, text: str | None = None) -> None:
        self.recipe = folder / "tiny.yaml"
        self.recipe.write_text(text or TINY.read_text())
        self.workspace = folder / "workspace"

    def run(self, suffix: str = "", dry: bool = False) -> "Ran":
        progress = Progress(io.StringIO())
        selected = load_run(f"{self.recipe}{suffix}")
        summary = run(selected, self.workspace, jobs=2, dry=dry, progress=progress)
        return Ran(summary, progress)

    def journals(self) -> list[Path]:
        """The responses of both replicates."""
        return sorted((self.workspace / "responses").glob("*.jsonl"))

    def artifacts(self, stage: str) -> list[Path]:
        return sorted(path for path in (self.workspace / stage).iterdir() if path.is_dir())


class Ran:
    """What a run showed: its summary, its lines, and which stages made or would make something."""

    def __init__(self, summary: str, progress: Progress) -> None:
        self.summary = summary
        self.stream, self.lines = progress.stream, progress.stream.getvalue()
        self.todo = {stage.name for stage, _ in progress.done if stage.made or stage.planned}


@pytest.fixture(scope="session")
def chain(tmp_path_factory) -> Chain:
    """The tiny chain, run once from nothing, with tokens that nothing of it may hold."""
    made = Chain(tmp_path_factory.mktemp("chain"))
    stored = tmp_path_factory.mktemp("stored") / "token"
    stored.write_text(TOKENS["file"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", TOKENS["environment"])
        patch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(stored))
        made.first = made.run()
    return made
