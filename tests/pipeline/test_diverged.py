"""A student that diverged fails its cell alone: the others go on, no table has it, and the run ends as a failed one."""

import json

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from toolkit.cli import main
from toolkit.workspace import MANIFEST, folder_files, to_json

ADAPTER = "adapter_model.safetensors"


@pytest.fixture
def copied(chain, tmp_path):
    """The chain's run in a workspace of its own."""
    return chain.copy(tmp_path)


def spoil_a_student(chain, budget):
    """Give a student of a budget weights that are not finite, as one that an older version trained may have them."""
    (held,) = [
        path
        for path in chain.artifacts("student")
        if (inputs := json.loads((path / MANIFEST).read_text())["inputs"])["train_seed"] == 0
        and len(inputs["corpus"]) == 2 * budget  # both shells of the questions
    ]
    weights = load_file(held / ADAPTER)
    save_file({name: torch.full_like(tensor, float("nan")) for name, tensor in weights.items()}, held / ADAPTER)
    manifest = json.loads((held / MANIFEST).read_text())
    (held / MANIFEST).write_text(to_json(manifest | {"files": folder_files(held)}))


def fss(chain, capsys, *more):
    code = main(["run", str(chain.recipe), "--workspace", str(chain.workspace), "--jobs", "2", *more])
    return code, capsys.readouterr()


def test_one_that_diverged_is_left_out_and_listed(copied, capsys):
    spoil_a_student(copied, 2)
    code, said = fss(copied, capsys)
    assert code == 1
    (message,) = said.err.split("fss: error: ")[1:]
    assert message.splitlines()[0] == "1 failed:"
    assert message.splitlines()[1].startswith("  nano>nano steps q64-r2-s0: ") and "not finite" in message
    assert "# A chain small enough for a test" in said.out
    rows = pq.read_table(copied.workspace / "runs" / "tiny" / "curves.parquet").to_pylist()
    cells = {(row["budget"], row["train_seed"]) for row in rows if row["arm"] == "FSS"}
    assert cells == {(budget, seed) for budget in (1, 2, 3, 4, 6) for seed in (0, 1)} - {(2, 0)}
    assert "another run is working" not in said.err


def test_all_that_diverge_are_listed_and_nothing_is_made_of_them(copied, capsys):
    before = {stage: len(copied.artifacts(stage)) for stage in ("student", "score", "curves")}
    copied.recipe.write_text(copied.recipe.read_text() + "\nlearning_rate: 1e30\n")
    code, said = fss(copied, capsys)
    assert code == 1
    assert "fss: error: no student is left to compare: 8 failed:" in said.err
    assert said.err.count("its loss is nan; lower learning_rate") >= 8
    assert {stage: len(copied.artifacts(stage)) for stage in before} == before
    assert not list((copied.workspace / "tmp").iterdir())
