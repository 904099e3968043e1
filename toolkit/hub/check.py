"""Verify a release folder as a stranger would: bytes, names, nesting, rows, and every count on the card."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from toolkit.hub.cards.release import front_infos, printed, read_front, read_table
from toolkit.hub.manifest import NAME_DIGITS, ReleaseManifest, file_facts, read_release
from toolkit.hub.release import SIDES, dataset_info, front_configs, ladders, split_cell
from toolkit.text_files import read_text

ALONE = {  # by a cell's letter
    "s": "were stopped early",
    "m": "are matched at samples",
    "t": "are matched at tokens",
    "c": "are matched at compute",
    "p": "are matched at money",
}
WITHOUT_END = ("t", "c", "p")  # one question may have more responses than the budget, as long as they cost no more
Count = Callable[[Sequence[Path], Sequence[Path]], Mapping[str, Any]]


def check_release(folder: Path, count: Count) -> list[str]:
    """List everything that is wrong with a release, a sentence each; an empty list means that it is valid.

    Args:
        count: computes the statistics of a cell from its accepted and rejected files, by the names on the card.
    """
    manifest = read_release(folder)
    # The rows matter only once every byte is the published one.
    return damaged_files(folder, manifest) or check_tables(folder, manifest, count)


def damaged_files(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """List files that are missing, added, or different from the manifest, a sentence each."""
    return list(_damaged_files(folder, manifest))


def check_tables(folder: Path, manifest: ReleaseManifest, count: Count) -> list[str]:
    """List what is wrong with undamaged files, a sentence each: front matter, configs, nesting, rows and counts."""
    return [
        *_bad_front(folder, manifest),
        *_bad_configs(manifest),
        *_bad_nesting(manifest),
        *_bad_rows(folder, manifest),
        *_bad_counts(folder, manifest, count),
    ]


def _damaged_files(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    listed, actual = manifest.files, file_facts(folder)
    for name in sorted({*listed, *actual}):
        if is_strange_link(folder / name, folder):
            yield f"{name}: is a link to elsewhere; a release holds its files themselves"
        elif name not in actual:
            yield f"{name}: is missing"
        elif name not in listed:
            yield f"{name}: is not in the manifest"
        elif listed[name] != actual[name]:
            yield f"{name}: its bytes are not those of the manifest"
        elif name.endswith(".parquet") and f"-{actual[name].sha256[:NAME_DIGITS]}." not in name:
            yield f"{name}: is not named by its digest, so a cache may give other rows for it"


def _bad_front(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    front = read_front(folder / "README.md")
    if front.get("configs") != front_configs(manifest.configs, manifest.default):
        yield "README.md: its configs are not those of the manifest"
    paths = {name: folder / name for name in manifest.files}
    infos = {name: dataset_info(config, paths) for name, config in manifest.configs.items()}
    if front.get("dataset_info") != front_infos(infos):
        yield "README.md: its dataset_info does not agree with the files"


def _bad_configs(manifest: ReleaseManifest) -> Iterator[str]:
    """Report configs that load other files than those of their cell, and responses that `all` does not load once."""
    cells, configs = manifest.cells, manifest.configs
    for name, sides in cells.items():
        loaded = configs[name].files if name in configs else []
        if loaded != (sides.accepted if manifest.statistics.get(name, {}).get("accepted") else []):
            yield f"{name}: loads other files than its accepted ones"
    in_cells = {name for sides in cells.values() for files in (sides.accepted, sides.rejected) for name in files}
    stored = {name for name in manifest.files if name.startswith(tuple(f"data/{side}/" for side in SIDES))}
    if sorted(configs["all"].files) != sorted(in_cells) or in_cells != stored:
        yield "all: does not load every response of every budget once"


def _bad_nesting(manifest: ReleaseManifest) -> Iterator[str]:
    cells = manifest.cells
    for ladder, rungs in ladders(cells).items():
        files = {budget: cells[f"{ladder}{budget}"].accepted for budget in sorted(rungs)}
        if ladder[-1] in ALONE and len(rungs) > 1:
            yield f"{ladder}: draws that {ALONE[ladder[-1]]} are no ladder, yet there are {len(rungs)} budgets of them"
        for small, large in pairwise(files):
            if files[large][: len(files[small])] != files[small]:
                yield f"{ladder}{small}: its files are not the first ones of {ladder}{large}"
        for budget, names in files.items():
            last = max(_increment(name)[1] for name in names)
            if last != budget:
                yield f"{ladder}{budget}: its files hold {last} responses per question"
    for _, group in groupby(sorted(cells, key=_rung), key=_rung):
        for few, many in pairwise(sorted(group, key=lambda name: len(cells[name].accepted))):
            if not set(cells[few].accepted) <= set(cells[many].accepted):
                yield f"{few}: its questions are not among those of {many}"


def _bad_rows(folder: Path, manifest: ReleaseManifest) -> Iterator[str]:
    """Report rows that are on the wrong side, out of order, or in the file of another increment."""
    distinct = all(split_cell(name)[0].endswith("a") for name in manifest.cells)
    open_end = all(split_cell(name)[0].endswith(WITHOUT_END) for name in manifest.cells)
    places: dict[str, list[tuple[int, bool, str]]] = {}  # question -> index, whether it trains, file
    for name in dict.fromkeys(manifest.configs["all"].files):
        rows = pq.read_table(folder / name, columns=["question_id", "response_index", "verdict"])
        indices, verdicts = rows["response_index"].to_pylist(), set(rows["verdict"].to_pylist())
        trains = name.startswith("data/accepted/")
        if indices != sorted(indices):
            yield f"{name}: its rows are not in order of their indices"
        if verdicts - {"accepted"} if trains else "accepted" in verdicts and not distinct:
            yield f"{name}: holds a verdict of the other side"
        for question_id, index in zip(rows["question_id"].to_pylist(), indices, strict=True):
            places.setdefault(question_id, []).append((index, trains, name))
    torn = [name for name, rows in places.items() if sorted(row[0] for row in rows) != list(range(len(rows)))]
    if torn:
        yield f"question {torn[0]!r}, and {len(torn) - 1} more: a response is missing or there twice"
    for name in sorted({name for rows in places.values() for name in _misplaced(sorted(rows), distinct, open_end)}):
        start, stop = _increment(name)
        counted = "the accepted texts" if distinct else "indices"
        yield f"{name}: holds responses that do not belong to {counted} {start} to {stop - 1}"


def _misplaced(rows: Sequence[tuple[int, bool, str]], distinct: bool, open_end: bool) -> Iterator[str]:
    """Yield files with a row of one question, in order of index, whose rank is not in the file's increment.

    Args:
        open_end: whether the last increment has no end, as where tokens, compute or money are matched.
    """
    accepted = 0
    for index, trains, name in rows:
        start, stop = _increment(name)
        rank = accepted if distinct else index
        if rank < start or (rank >= stop and not open_end):
            yield name
        accepted += trains


def _bad_counts(folder: Path, manifest: ReleaseManifest, count: Count) -> Iterator[str]:
    table = read_table(read_text(folder / "README.md", named="README.md"))
    for name, sides in manifest.cells.items():
        counts = count(*([folder / file for file in files] for files in (sides.accepted, sides.rejected)))
        if dict(counts) != manifest.statistics.get(name):
            yield f"{name}: the statistics of the manifest are not those of the files"
        rows = sum(pq.read_metadata(folder / file).num_rows for file in sides.accepted)
        if split_cell(name)[0].endswith("a") and counts["distinct"] != rows:
            yield f"{name}: {rows} responses train, of which only {counts['distinct']} are distinct"
        if table.get(name) != printed(counts):
            yield f"{name}: the counts on the card are not those of the files"


def _rung(name: str) -> str:
    """Return letter and budget of a cell, of whatever question subset: `r16` of `q4-r16`."""
    return name.rpartition("-")[2]


def _increment(name: str) -> tuple[int, int]:
    match = re.search(r"/i(\d+)-(\d+)-\w+\.parquet$", name)
    if not match:
        raise ValueError(f"{name}: names no increment of responses, such as i008-016")
    return int(match[1]), int(match[2])


def is_strange_link(path: Path, folder: Path) -> bool:
    """Say whether a file is a link out of its folder; the Hub's cache keeps bytes in `blobs`, two folders up."""
    if not path.is_symlink():
        return False
    real = path.resolve()
    return not any(real.is_relative_to(home.resolve()) for home in (folder, folder.parent.parent / "blobs"))
