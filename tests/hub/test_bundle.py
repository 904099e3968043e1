import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import yaml

from toolkit.hub.space import HOME, Space, imported_files, write_bundle
from toolkit.hub.version import Refused
from toolkit.workspace import folder_files

RESULTS = "org/fss-math-results@v1.0.0"
# What runs in a process that can import the libraries and the bundle, and no checkout: `-S` leaves out what installed
# the toolkit here.
BUILD = """
import sys
sys.path.insert(0, "")
import app
app.build()
mine = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "toolkit"}
print({"outside": [name for name, file in mine.items() if not file.startswith(sys.argv[1])],
       "modules": len(mine), "heavy": sorted({"torch", "transformers", "matplotlib"} & set(sys.modules))})
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("space") / "bundle"
    write_bundle(out, Space([RESULTS], ["org/fss-math-teacher"]))
    return out


def test_the_app_starts_from_the_bundle_with_no_checkout_in_reach(bundle):
    libraries = str(Path(numpy.__file__).parents[1])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": libraries, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", BUILD, str(bundle)],
        cwd=bundle, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = ast.literal_eval(done.stdout.splitlines()[-1])
    assert output["outside"] == [] and output["heavy"] == [] and output["modules"] > 20


def test_the_bundle_has_what_the_app_can_import_and_no_other_room(bundle):
    mine = [path for name in folder_files(bundle) if (path := Path(name)).parts[0] == "toolkit"]
    assert {path.parts[1] for path in mine if len(path.parts) > 2} == {
        "commands",
        "laws",
        "recipe",
        "records",
        "reports",
        "statistics",
    }
    assert not {"recipe.py", "workspace.py", "cli.py"} & {path.name for path in mine}


def test_equal_input_gives_equal_bytes_also_over_an_older_bundle(bundle, tmp_path):
    out = tmp_path / "other"
    write_bundle(out, Space())
    (out / "__pycache__").mkdir()
    assert not (out / "results.txt").exists()
    write_bundle(out, Space([RESULTS], ["org/fss-math-teacher"]))
    assert folder_files(out) == folder_files(bundle)


def test_the_front_matter_is_the_spaces_own_and_its_versions_are_those_tested_here(bundle):
    front = yaml.safe_load((bundle / "README.md").read_text().split("---")[1])
    pins = dict(line.split("==") for line in (bundle / "requirements.txt").read_text().splitlines())
    assert front["sdk"] == "gradio" and front["sdk_version"] == pins["gradio"]
    assert front["app_file"] == "app.py" and front["python_version"] == "3.11" and front["license"] == "apache-2.0"
    assert front["datasets"] == ["org/fss-math-results", "org/fss-math"] and front["models"] == ["org/fss-math-teacher"]
    assert {"title", "emoji", "colorFrom", "colorTo"} <= set(front) and len(front["short_description"]) <= 60
    pinned = (HOME / "constraints.txt").read_text().splitlines()
    assert set(pins) == {"numpy", "scipy", "pandas", "plotly", "gradio", "datasets"}
    assert all(f"{name}=={version}" in pinned for name, version in pins.items())


def test_results_are_baked_in_by_revision(bundle):
    assert (bundle / "results.txt").read_text() == f"{RESULTS}\n"


@pytest.mark.parametrize("name", ["org/fss-math-results", "org/fss-math@v1", "results@v1", "a/b-results@v1\nc/d"])
def test_results_without_a_revision_are_refused(tmp_path, name):
    with pytest.raises(Refused, match="names no results at a revision; give org/name-results@v1"):
        write_bundle(tmp_path / "out", Space([name]))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(Refused, match="holds something other than a bundle"):
        write_bundle(tmp_path, Space())
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.txt"]


TYPES = "if TYPE_CHECKING:\n    from toolkit.hub import upload\n"


def test_imports_are_followed_into_functions_and_packages(tmp_path):
    code = tmp_path / "some.py"
    code.write_text("import numpy\ndef late():\n    from toolkit.laws.curve import forms\n" + TYPES)
    found = {path.relative_to(HOME).as_posix() for path in imported_files([code])}
    assert {"toolkit/__init__.py", "toolkit/laws/__init__.py", "toolkit/laws/curve/forms.py"} <= found
    assert not any(name.startswith("toolkit/hub") for name in found)
