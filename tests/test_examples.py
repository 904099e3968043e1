"""Every example runs as its first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.recipe.load import load_run

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.mark.parametrize(
    ("name", "printed"),
    [("fit_your_curve.py", "r = 64: "), ("your_own_domain.py", "\\boxed{")],
)
def test_a_script_prints_what_it_shows(name: str, printed: str, tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, EXAMPLES / name], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert printed in ran.stdout


def test_the_recipe_of_a_pool_of_ones_own_is_valid() -> None:
    run = load_run(str(EXAMPLES / "your_own_pool.yaml"))
    assert run.recipe.pool.answer_pattern == "boxed"
    assert run.whole


def test_the_list_names_every_example() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".yaml", ".md")} - {"README.md"}
    assert all(f"({name})" in listed for name in names)
