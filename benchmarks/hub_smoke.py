"""A checklist for a real Hub: push, tag, load, check and delete a tiny private release, its results and a model.

    hf auth login && python -m benchmarks.hub_smoke org/name

Makes `org/name`, `org/name-results` and `org/name-model`, which must not exist yet, and deletes them at the end: a few
commits, less than a megabyte. The automatic tests run the same list at the embedded Hub only.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import load_dataset
from huggingface_hub import DatasetCard, HfApi

from tests.hub.tiny_ladder import CARD, count, make_release
from toolkit.hub.check import check_release
from toolkit.hub.models import Model, publish_model
from toolkit.hub.release import publish_release
from toolkit.hub.results import Results, publish_results
from toolkit.hub.upload import Published, Target

LADDERS = {"v1.0.0": (1, 2), "v1.1.0": (1, 2, 8)}


def main() -> None:
    """Go through the list; the first step that fails ends it, and what was made is deleted all the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", metavar="ORG/NAME")
    repo, api = parser.parse_args().repo, HfApi()
    print(f"ok  logged in at {api.endpoint} as {api.whoami()['name']}")
    made = {repo: "dataset", f"{repo}-results": "dataset", f"{repo}-model": "model"}
    taken = [name for name, kind in made.items() if api.repo_exists(name, repo_type=kind)]
    if taken:
        raise SystemExit(f"{', '.join(taken)} exists; name a repo that does not, it will be deleted")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            go_through(api, repo, Path(scratch))
    finally:
        for name, kind in made.items():
            api.delete_repo(name, repo_type=kind, missing_ok=True)
            print(f"ok  deleted {kind} {name}")


def go_through(api: HfApi, repo: str, scratch: Path) -> None:
    """Everything between making and deleting."""
    releases = [push_release(api, repo, scratch / version, version) for version in LADDERS]
    for version in LADDERS:
        check_tag(api, repo, version, scratch / f"{version}-got")
    again = publish_release(scratch / "v1.1.0" / "release", repo, target(api), version="v1.1.0")
    told("a rerun makes no commit", not again.new and again.commit == releases[-1].commit)
    push_results(api, repo, releases[-1], scratch)
    push_model(api, f"{repo}-model", scratch / "model")


def push_release(api: HfApi, repo: str, folder: Path, version: str) -> Published:
    """One commit and one tag, under a card that the Hub accepts."""
    card = dataclasses.replace(CARD, repo=repo)
    folder.mkdir()
    make_release(folder / "release", LADDERS[version], version, card=card)
    DatasetCard.load(folder / "release" / "README.md").validate()
    published = publish_release(folder / "release", repo, target(api), version=version)
    tags = {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type="dataset").tags}
    told(f"{version} is one commit and its tag", published.new and tags[version] == published.commit)
    return published


def check_tag(api: HfApi, repo: str, version: str, folder: Path) -> None:
    """What a stranger would do with a tag: load a budget, download it all, check it."""
    largest = LADDERS[version][-1]
    rows = load_dataset(repo, f"r{largest}", split="train", revision=version)
    told(f"{version} loads r{largest}", max(rows["response_index"]) == largest - 1)
    got = api.snapshot_download(repo, repo_type="dataset", revision=version, local_dir=folder)
    wrong = check_release(Path(got), count)
    told(f"{version} passes the check of a release", not wrong, "; ".join(wrong))


def push_results(api: HfApi, repo: str, release: Published, scratch: Path) -> None:
    """Results name the release's commit, and load."""
    row = {"experiment": "smoke", "arm": "FSS", "questions": 4, "budget": 8, "error": 0.5, "n": 1}
    pq.write_table(pa.Table.from_pylist([row]), scratch / "table.parquet")
    tables = scratch / "table.parquet", scratch / "table.parquet"
    results = Results("Smoke test", *tables, {}, repo, release.version, release.commit, "apache-2.0")
    publish_results(results, f"{repo}-results", target(api), version=release.version)
    loaded = load_dataset(f"{repo}-results", "curves", split="train", revision=release.version)
    told("results load by the same tag", loaded["error"] == [0.5])


def push_model(api: HfApi, repo: str, folder: Path) -> None:
    """Weights are sent once, and named by their commit."""
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    model = Model("Smoke test", "No weights at all.", "apache-2.0")
    first, again = (publish_model(folder, repo, model, target(api)) for _ in range(2))
    told("a model is pushed once", first.new and not again.new and first.commit == again.commit)


def target(api: HfApi) -> Target:
    """Everything is private, and gone at the end."""
    return Target(api, say, private=True)


def say(text: str) -> None:
    """What the push tells about itself."""
    print(f"    {text}")


def told(what: str, holds: bool, why: str = "") -> None:
    """One line of the list; the first that does not hold ends it."""
    print(f"{'ok ' if holds else 'BAD'} {what}{': ' if why else ''}{why}")
    if not holds:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
