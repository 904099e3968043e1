"""The wheel as a stranger installs it: recipes and the Space are inside, and the law needs no model library."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import toolkit

ROOT = Path(__file__).resolve().parents[1]
CURVE = "r,error\n1,.9\n2,.85\n4,.8\n8,.76\n16,.73\n"
# What the law must do without; the names are those of modules.
HEAVY = ("torch", "transformers", "trl", "peft", "lighteval", "datasets", "pyarrow", "pebble", "tqdm", "gradio")
HIDE_AND_RUN = """
import sys

class Hide:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide)
from toolkit.cli import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that is built from this checkout."""
    out, copy = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("checkout") / "fss"
    # A build leaves files behind, and takes in those that an earlier one left.
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "workspace", "__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("fss_toolkit-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with an environment that holds the wheel; its dependencies are those of the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "packages.pth").write_text("\n".join([*packages, sysconfig.get_path("purelib")]))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return folder


def fss(installed: Path, *arguments: str, without: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the installed command far from the checkout, as if the modules `without` were not there."""
    script = f"HIDDEN = {without!r}\n{HIDE_AND_RUN}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(installed / "env" / "bin" / "python"), "-c", script, *arguments]
    return subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_the_recipes_the_space_and_its_type_marker(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    recipes = {f"toolkit/shipped/recipes/{path.name}" for path in (ROOT / "recipes").glob("*.yaml")}
    assert recipes <= names
    assert {"toolkit/py.typed", "toolkit/shipped/spaces/law/app.py", "toolkit/nano/vocabulary.json"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "benchmarks/"))]


def test_an_installed_command_knows_the_recipes(installed):
    shown = fss(installed, "recipe", "ls", without=HEAVY)
    assert shown.returncode == 0, shown.stderr
    assert {line.split()[0] for line in shown.stdout.splitlines()} == {
        path.stem for path in (ROOT / "recipes").glob("*.yaml") if "." not in path.stem
    }


def test_an_installed_command_fits_a_law_without_any_model_library(installed):
    (installed / "curve.csv").write_text(CURVE)
    fitted = fss(installed, "fit", "curve.csv", "--x", "r", "--y", "error", without=HEAVY)
    assert fitted.returncode == 0, fitted.stderr
    assert "E + B / (D0 + x^beta)" in fitted.stdout


def test_an_installed_command_says_what_a_run_would_do(installed):
    planned = fss(installed, "run", "math-r16", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "Nothing else was made: this was a dry run." in planned.stdout


def test_an_installed_command_bundles_the_space(installed):
    made = fss(installed, "space", "bundle", "space")
    assert made.returncode == 0, made.stderr
    assert (installed / "space" / "app.py").is_file()
    assert (installed / "space" / "toolkit" / "laws" / "__init__.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["run", "math-r16", "--dry-run"], "pebble", "run"),
        (["hub", "serve"], "starlette", "hub"),
        (["fit", "curve.parquet", "--x", "r", "--y", "error"], "pyarrow", "hub"),
        (["teacher", "serve", "math", "--dry-run"], "pebble", "serve"),
    ],
)
def test_a_verb_whose_library_is_missing_names_the_extra_that_brings_it(installed, arguments, missing, extra):
    (installed / "curve.parquet").write_bytes(b"PAR1")
    failed = fss(installed, *arguments, without=(missing,))
    assert failed.returncode == 1
    assert failed.stderr.strip() == (
        f"fss: error: `fss {arguments[0]}` needs {missing}, which is not installed here: "
        f"pip install 'fss-toolkit[{extra}]'"
    )


def test_the_top_of_the_package_exports_what_it_says():
    for name in toolkit.__all__:
        assert getattr(toolkit, name), name
    with pytest.raises(AttributeError, match="it exports"):
        _ = toolkit.nothing


def test_the_version_stands_in_one_place():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {toolkit.__version__}" in citation


@pytest.mark.slow
def test_the_law_alone_installs_in_under_500_megabytes_and_without_torch(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*install, str(wheel)], check=True)
    (tmp_path / "curve.csv").write_text(CURVE)
    fitted = [str(tmp_path / "env" / "bin" / "fss"), "fit", "curve.csv", "--x", "r", "--y", "error"]
    assert "E + B" in subprocess.run(fitted, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    files = [path for path in (tmp_path / "env").rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < 500e6
    assert not list((tmp_path / "env").glob("lib/python*/site-packages/torch"))
