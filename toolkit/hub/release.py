"""A release folder: exactly the dataset repo that the Hub gets, made from a corpus, its statistics and a card.

The name of every data file carries a piece of its digest. `datasets` keys its Arrow cache by the README alone: under
names that only say what a file is for, a folder rewritten with other rows would go on loading the old ones.
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from toolkit.hub.cards.release import COLUMNS, Card, render_card
from toolkit.hub.manifest import FORMAT, read_release
from toolkit.hub.scan import refuse_secrets
from toolkit.hub.upload import Published, Target, fitting, prepare, push
from toolkit.hub.version import Change, Manifest, Refused, differences
from toolkit.workspace import file_digest, sync, to_json, write_atomic

if TYPE_CHECKING:
    from datasets import DatasetInfo

SIDES = ("accepted", "rejected")
POOL = {"test": "test", "questions": "train", "dev": "validation"}  # config of a part of the pool -> its split
RECIPE = "recipe.yaml"
NAME_DIGITS = 12  # of the sha256, hex: 48 bits tell the versions of one file apart


def write_release(
    out: Path,
    corpus: Path,
    pool: Path,
    cells: Mapping[str, Sequence[str]],
    default: str,
    statistics: Mapping[str, Mapping[str, Any]],
    card: Card,
    version: str,
    provenance: Mapping[str, Any],
    recipe: str,
) -> dict[str, Any]:
    """Fill `out` with data/, recipe.yaml, README.md and manifest.json; returns the manifest. Equal input, equal bytes.

    Args:
        corpus: a folder with `data/accepted/...` and `data/rejected/...`.
        pool: a folder with questions.parquet (all seed questions in their order), test.parquet and perhaps dev.parquet.
        cells: config name -> its files below `data/accepted/`, in order; smaller budgets first.
        default: the config that loads when none is named. A cell without accepted rows is on the card, but no config.
        statistics: config name -> counts, as `card.COLUMNS` names them.
        version: the release's tag, `v1.0.0`.
        provenance: keys, digests and versions of what the release was made from; JSON data.
        recipe: the text of recipe.yaml, with which the same source can be continued.

    Raises:
        ValueError: for a version that is no tag, a default or statistics that fit no cell, a default without
            accepted rows, no test questions, or text that holds a Hub token or a folder of this machine.
    """
    _check_arguments(cells, default, statistics, version)
    placed = _place_cells(out, corpus, cells)
    configs = _configs(placed, statistics) | _pool_configs(out, pool)
    infos = {name: dataset_info(out, **config) for name, config in configs.items()}
    for name in ("questions", "test"):
        if not infos[name].dataset_size:
            raise ValueError(f"{name}.parquet: no questions to publish")
    examples = _examples(out, configs[default])
    readme = render_card(card, front_configs(configs, default), infos, statistics, examples, version)
    manifest = {
        "format": FORMAT,
        "version": version,
        "default": default,
        "configs": configs,
        "cells": placed,
        "statistics": {name: dict(counts) for name, counts in statistics.items()},
        "provenance": dict(provenance),
    } | ({"repo": card.repo} if card.repo else {})
    write_atomic(out / RECIPE, recipe)
    write_atomic(out / "README.md", readme)
    manifest["files"] = file_facts(out)
    draft = out / ".manifest.json"  # without a manifest a folder is no release
    write_atomic(draft, to_json(manifest))
    refuse_secrets({RECIPE: out / RECIPE, "README.md": out / "README.md", "manifest.json": draft}, [out])
    draft.rename(out / "manifest.json")
    return manifest


def file_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """Relative name -> sha256 and size (bytes) of every file of a release but its manifest.

    Names that start with a dot belong to others: the workspace's own notes, git, the cache of a download.
    """
    paths = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
        for name, path in paths.items()
        if name.as_posix() != "manifest.json" and not any(part.startswith(".") for part in name.parts)
    }


def front_configs(configs: Mapping[str, Mapping[str, Any]], default: str) -> list[dict[str, Any]]:
    """The `configs` of the card's front matter, in the manifest's order; exactly one is the default."""
    return [
        {"config_name": name, "data_files": [{"split": config["split"], "path": config["files"]}]}
        | ({"default": True} if name == default else {})
        for name, config in configs.items()
    ]


def dataset_info(folder: Path, split: str, files: Sequence[str]) -> "DatasetInfo":
    """What `datasets` will find in these files: columns, rows, bytes on disk and in Arrow memory."""
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo

    rows = arrow_bytes = 0
    for name in files:
        with pq.ParquetFile(folder / name) as file:
            rows += file.metadata.num_rows
            arrow_bytes += sum(file.read_row_group(i).nbytes for i in range(file.metadata.num_row_groups))
            features = Features.from_arrow_schema(file.schema_arrow)
    return DatasetInfo(
        features=features,
        splits=SplitDict({split: SplitInfo(split, num_bytes=arrow_bytes, num_examples=rows)}),
        download_size=sum((folder / name).stat().st_size for name in files),
        dataset_size=arrow_bytes,
    )


def _place_cells(out: Path, corpus: Path, cells: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """Copy the files of all cells, each once; returns cell -> side -> names in the release."""
    names = dict.fromkeys(name for files in cells.values() for name in files)
    placed = {
        (side, name): _place(out, corpus / "data" / side / name, f"{side}/{name}") for name in names for side in SIDES
    }
    return {cell: {side: [placed[side, name] for name in files] for side in SIDES} for cell, files in cells.items()}


def _place(out: Path, source: Path, name: str) -> str:
    stem = Path("data", name).with_suffix("").as_posix()
    placed = f"{stem}-{file_digest(source)[:NAME_DIGITS]}.parquet"
    (out / placed).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out / placed)
    sync(out / placed)
    return placed


def _configs(
    placed: Mapping[str, Mapping[str, list[str]]], statistics: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """A config per cell with accepted rows (`load_dataset` fails on a split without any), and `all`."""
    kept = {name: sides["accepted"] for name, sides in placed.items() if statistics[name]["accepted"]}
    pairs = (pair for sides in placed.values() for pair in zip(*(sides[side] for side in SIDES), strict=True))
    every = [name for pair in dict.fromkeys(pairs) for name in pair]
    return {name: {"split": "train", "files": files} for name, files in (kept | {"all": every}).items()}


def _pool_configs(out: Path, pool: Path) -> dict[str, dict[str, Any]]:
    files = {name: pool / f"{name}.parquet" for name in POOL}
    return {
        name: {"split": split, "files": [_place(out, files[name], f"{name}.parquet")]}
        for name, split in POOL.items()
        if name != "dev" or files[name].is_file()
    }


def _check_arguments(
    cells: Mapping[str, Sequence[str]], default: str, statistics: Mapping[str, Mapping[str, Any]], version: str
) -> None:
    if not re.fullmatch(r"v\d+\.\d+\.\d+", version):
        raise ValueError(f"version: {version!r} is no release tag; write it as v1.0.0")
    if default not in cells:
        raise ValueError(f"default: {default!r} is not among the configs {', '.join(cells)}")
    if list(statistics) != list(cells):
        raise ValueError(f"statistics: of {', '.join(statistics)}; give those of the configs {', '.join(cells)}")
    for name, counts in statistics.items():
        missing = set(COLUMNS.values()) - set(counts)
        if missing:
            raise ValueError(f"statistics: {name} lacks {', '.join(sorted(missing))}")
    if not statistics[default]["accepted"]:
        raise ValueError(f"{default}: no accepted rows to publish; raise the budget or mend what rejects the responses")


def _examples(out: Path, config: Mapping[str, Any]) -> list[dict[str, str]]:
    columns = ["question", "answer", "response", "verdict"]
    for name in config["files"]:
        with pq.ParquetFile(out / name) as file:
            for batch in file.iter_batches(batch_size=1, columns=columns):
                return batch.to_pylist()
    return []


# What may differ between two releases of one source: parts grow, tools get newer, a model repo's commit is no weight.
GROWING = ("corpus", "toolkit", "teacher_repo")


def publish_release(folder: Path, repo: str, target: Target, *, version: str) -> Published:
    """Publish a release folder as the dataset `repo` at the tag `version`: one commit, one tag, or nothing at all.

    Args:
        version: the folder's own; a card names its version, so that a folder has one only.

    Raises:
        Refused: for another version than the folder's, and see `push` and `decide`.
        HubFault: see `push`.
    """
    manifest = read_release(folder)
    if manifest["version"] != version:
        raise Refused(f"{folder}: made as {manifest['version']}, not {version}; make it anew as {version}")
    message = f"Release {version}: {', '.join(manifest['configs'])}"
    upload = prepare(folder, repo, "dataset", message, target.folders)
    return push(target, upload, release_change)


def fitting_version(make: Callable[[str], Path], repo: str, target: Target, *, version: str) -> str:
    """The version under which a release can be published, the one asked for or another; see `push.fitting`.

    Args:
        make: version -> the release's folder under it.
    """
    upload = fitting(target, lambda wanted: prepare(make(wanted), repo, "dataset", ""), version, release_change)
    return upload.version


def release_change(old: Manifest, new: Manifest) -> Change:
    """How a release relates to a published one; see `Change`."""
    why = differences(_source(old), _source(new))
    if why:
        return Change("source", why)
    shared = [name for name in old["cells"] if name in new["cells"]]
    moved = [
        f"{name}: its rows are others than those published under the same source; `fss pull` brings the published ones"
        for name in shared
        if old["cells"][name] != new["cells"][name]
    ]
    if _test_files(old) != _test_files(new):
        moved.append("test: its questions are others than those published")
    inside = not moved and set(new["cells"]) < set(old["cells"])
    why = [*([] if inside else _ladder_differences(old["cells"], new["cells"])), *moved]
    if why:
        return Change("source", why)
    if inside:
        return Change("inside")
    if len(shared) < len(new["cells"]):
        return Change("growth")
    return Change("none" if _same_text(old, new) else "text")


def _source(manifest: Manifest) -> dict[str, Any]:
    fixed = {key: value for key, value in manifest["provenance"].items() if key not in GROWING}
    return {"format": manifest["format"], **fixed}


def _ladder_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Published rungs stay, and new ones lie above the last: an increment that is published is never split."""
    lines = []
    grown = _ladders(new)
    for subset, published in _ladders(old).items():
        budgets = grown.get(subset, [])
        gone = [rung for rung in published if rung not in budgets]
        if gone:
            lines.append(f"{_cells(subset, gone)}: published and missing here; put the budgets back")
        between = [rung for rung in budgets if rung not in published and rung < max(published)]
        if between:
            lines.append(f"{_cells(subset, between)}: would split a published increment; add rungs above the last only")
    return lines


def _ladders(cells: Mapping[str, Any]) -> dict[str, list[int]]:
    """Subset prefix (`q4-` or empty) -> its budgets; `a16` counts accepted responses."""
    ladders: dict[str, list[int]] = {}
    for name in cells:
        budget = name.rpartition("-")[2][1:]
        ladders.setdefault(name.removesuffix(budget), []).append(int(budget))
    return ladders


def _cells(subset: str, budgets: Sequence[int]) -> str:
    return ", ".join(f"{subset}{budget}" for budget in budgets)


def _test_files(manifest: Manifest) -> Any:
    return manifest["configs"].get("test", {}).get("files")


def _same_text(old: Manifest, new: Manifest) -> bool:
    """Whether all else is the same too; a card names its version, so cards of two versions never are."""
    fields = ("version", "default", "configs", "statistics", "files")
    return all(old[name] == new[name] for name in fields)
