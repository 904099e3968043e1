"""Bytes that publishing a ladder sends, beside `push_to_hub` of each budget, to the same embedded Hub.

    python -m benchmarks.release_push [--questions N]

Limits: 1.00 x the rows of `all` and the held-out questions for a first release, 1.00 x its increment for a larger
budget later. `push_to_hub` takes a commit for each configuration, and sends the rows of a budget with every larger one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

from huggingface_hub import HfApi

from tests.fakes.faulty_proxy import FaultyProxy, faulty_proxy
from tests.hub.tiny_ladder import make_release
from toolkit.hub.manifest import Manifest
from toolkit.hub.release import publish_release
from toolkit.hub.upload import Target
from toolkit.hub_server import running
from toolkit.workspace import canonical

BUDGETS = (1, 2, 4, 8, 16, 32)
PUSH_EACH = """
import json, pathlib, sys
from datasets import Dataset
for name, config in json.loads(sys.argv[2]).items():
    rows = Dataset.from_parquet([str(pathlib.Path(sys.argv[1], file)) for file in config["files"]])
    rows.push_to_hub("local/theirs", name, split=config["split"])
"""


def main() -> None:
    """Push the ladder both ways and print what was sent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=64)
    questions = parser.parse_args().questions
    with tempfile.TemporaryDirectory() as scratch:
        first, later = Path(scratch, "first", "release"), Path(scratch, "later", "release")
        old = make_release(first, BUDGETS, questions=questions)
        new = make_release(later, (*BUDGETS, 64), "v1.1.0", questions=questions)
        with running(Path(scratch, "hub")) as (endpoint, token), faulty_proxy(endpoint) as proxy:
            measure(proxy, token, (first, old), (later, new))


def measure(proxy: FaultyProxy, token: str, old: tuple[Path, Manifest], new: tuple[Path, Manifest]) -> None:
    """The three pushes."""
    api = HfApi(endpoint=proxy.url, token=token)
    every, grown = (data_files(manifest) for _, manifest in (old, new))
    rows = sum(size(old[0], name) for name in every)
    sent = {}
    for version, folder in (("v1.0.0", old[0]), ("v1.1.0", new[0])):
        proxy.reset()
        publish_release(folder, "local/ours", Target(api, lambda text: None), version=version)
        sent[version] = proxy.sent["PUT"]
    increment = sum(size(new[0], name) for name in grown - every)
    theirs = push_each(proxy, token, *old)
    print(f"{'':<44} {'bytes':>12} {'ratio':>6}")
    print(f"{'rows of `all` and the held-out questions':<44} {rows:12,} {1:6.2f}")
    print(f"{'our first release sends':<44} {sent['v1.0.0']:12,} {sent['v1.0.0'] / rows:6.2f}")
    print(f"{'push_to_hub of each configuration sends':<44} {theirs:12,} {theirs / rows:6.2f}")
    print(f"{'rows that r = 64 adds':<44} {increment:12,} {1:6.2f}")
    print(f"{'our release of r = 64 sends':<44} {sent['v1.1.0']:12,} {sent['v1.1.0'] / increment:6.2f}")


def push_each(proxy: FaultyProxy, token: str, folder: Path, manifest: Manifest) -> int:
    """Bytes that the same configurations take through `push_to_hub`, in a process that knows this Hub alone."""
    proxy.reset()
    environment = os.environ | {"HF_ENDPOINT": proxy.url, "HF_TOKEN": token}
    subprocess.run(
        [sys.executable, "-c", PUSH_EACH, folder, json.dumps(canonical(manifest.configs))], env=environment, check=True
    )
    return proxy.sent["PUT"]


def data_files(manifest: Manifest) -> set[str]:
    """Every parquet file of a release."""
    return {name for name in manifest.files if name.endswith(".parquet")}


def size(folder: Path, name: str) -> int:
    """Bytes of a file."""
    return (folder / name).stat().st_size


if __name__ == "__main__":
    main()
