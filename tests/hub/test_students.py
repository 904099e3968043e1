"""A trained student is published with its base, and loads in a fresh shell by the lines on its card."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub.test_models import PLAIN, put
from tests.tiny_model import make_tiny_model
from toolkit.hub.models import Model


@pytest.mark.slow
def test_the_lines_on_a_students_card_load_it(api, direct, hub, repo, tmp_path):
    from toolkit.recipe.sections import Student
    from toolkit.students.train import train_student
    from toolkit.students.weights import load_student

    base, student = make_tiny_model(tmp_path / "base", ["one", "two"]), tmp_path / "student"
    pq.write_table(
        pa.table({"question_id": ["q"], "question": ["one"], "response": ["two"]}), tmp_path / "rows.parquet"
    )  # fmt: skip
    student.mkdir()
    settings = Student(steps=3, batch_size=1, learning_rate=0.05, lora_rank=2, lora_alpha=4)
    train_student(base, [tmp_path / "rows.parquet"], student, settings, 0, lambda done, total: None)
    started = put(base, f"{repo}-base", PLAIN, api)
    model = Model("Student", "", "apache-2.0", base_model=f"{repo}-base", base_revision=started.commit)
    put(student, repo, model, api, version="v1.0.0", folders=(tmp_path,))

    folder = Path(direct.snapshot_download(repo, revision="v1.0.0", local_dir=tmp_path / "got"))
    (lines,) = re.findall("```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    script = f"{lines}\nprint(float(model(**tokenizer('one', return_tensors='pt')).logits.double().sum()))"
    environment = os.environ | {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

    from transformers import AutoTokenizer

    request = AutoTokenizer.from_pretrained(base)("one", return_tensors="pt")
    trained, untrained = (
        load_student(base, path)(**request).logits.double().sum().detach() for path in (student, base)
    )
    assert float(done.stdout) == pytest.approx(float(trained), abs=1e-3)
    assert float(done.stdout) != pytest.approx(float(untrained), abs=1e-3)
