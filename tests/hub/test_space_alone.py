"""The Space as a stranger gets it: pulled from a Hub, installed from its requirements alone, and asked for a number."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pandas as pd
import pytest
from gradio_client import Client
from huggingface_hub import HfApi, constants, snapshot_download

from toolkit.cli import main
from toolkit.hub.space import Space, publish_space
from toolkit.hub.upload import Target
from toolkit.hub_server import running
from toolkit.reports.fit_report import as_text

# How pip says that no index answered: not that an index does not have something.
UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")
IMPORTABLE = "import importlib.util as u; print([n for n in ('toolkit', 'torch', 'playwright') if u.find_spec(n)])"


@contextmanager
def started(python: Path, folder: Path) -> Iterator[str]:
    """`python app.py` in the folder, with an environment that knows nothing of ours; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), "GRADIO_SERVER_PORT": port, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([python, "app.py"], cwd=folder, env=known)
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 300
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def install(python: Path, requirements: Path) -> None:
    """What the Space names, into a fresh environment; skips where no package index answers, and only there."""
    command = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "-r", requirements]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and any(each in done.stderr for each in UNREACHABLE):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[0][:300]}")
    assert done.returncode == 0, done.stderr


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except (URLError, TimeoutError):
        return False


@pytest.mark.slow
def test_pulled_from_a_hub_it_runs_in_a_fresh_environment_and_forecasts_as_fss_fit(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    folder, python = tmp_path / "space", tmp_path / "venv" / "bin" / "python"
    with running(tmp_path / "hub") as (endpoint, token):
        publish_space("local/law", Space(), Target(HfApi(endpoint=endpoint, token=token), lambda text: None))
        snapshot_download("local/law", repo_type="space", local_dir=folder, endpoint=endpoint, token=token)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    install(python, folder / "requirements.txt")
    alone = subprocess.run([python, "-c", IMPORTABLE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert alone.stdout.strip() == "[]"
    curves = next(folder.glob("example/math/data/curves-*.parquet"))
    rows = pd.read_parquet(curves).query("arm == 'FSS' and control == 'steps'")
    with started(python, folder) as url:
        question = {
            "budgets": rows["budget"].tolist(),
            "errors": rows["error"].tolist(),
            "ahead": [32, 64],
            "fit_max": 16,
        }
        output = Client(url, verbose=False).predict(**question, api_name="/forecast")
    capsys.readouterr()
    columns = ["--x", "budget", "--y", "error", "--seed", "train_seed", "--where", "arm=FSS", "control=steps"]
    columns += ["--fit-max", "16"]
    assert main(["fit", str(curves), *columns, "--predict", "32", "64", "--json"]) == 0
    expected = next(iter(json.loads(capsys.readouterr().out).values()))
    assert as_text("math", output) == as_text("math", expected)  # to the last digit that is shown anywhere
