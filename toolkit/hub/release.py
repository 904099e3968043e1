"""Write and publish a release: exactly the dataset repo that the Hub gets, made from tables, counts and a card.

The name of every data file contains a part of its digest. `datasets` keys its Arrow cache by the README alone: under
names without a digest, a folder rewritten with other rows would still load the old ones.

Published files stay, larger budgets add their increments, and another source is refused.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from toolkit.hub.cards.release import COLUMNS, Card, render_card
from toolkit.hub.manifest import (
    FORMAT,
    MANIFEST,
    NAME_DIGITS,
    RELEASE,
    Config,
    Counts,
    File,
    Manifest,
    ReleaseManifest,
    Sides,
    file_fact,
    in_order,
    read_release,
    text_fact,
)
from toolkit.hub.scan import refuse_secrets
from toolkit.hub.upload import Published, Target, prepare, push
from toolkit.hub.version import Change, Refused, differences
from toolkit.workspace import canonical, sync, write_atomic

if TYPE_CHECKING:
    from datasets import DatasetInfo

SIDES = ("accepted", "rejected")
STEPS = "steps"  # folder, and config, of the tables of steps, where a protocol has some
POOL = {"test": "test", "questions": "train", "dev": "validation"}  # config of a part of the pool -> its split
RECIPE = "recipe.yaml"
# What may differ between releases of one source: parts grow, tools change, and so do commits of the model repo.
GROWING = ("corpus", "toolkit", "teacher_repo", "plain", "prices")


@dataclass(frozen=True)
class ReleaseTables:
    """The tables of a release by their names in it, whatever its version.

    Attributes:
        paths: name in the release -> file; files: name -> its digest and size.
        default: the config that loads when none is named.
        statistics: cell -> counts, as `card.COLUMNS` names them.
        ledger: cell -> step -> counts, as `card.LEDGER` names them; None where a response is one completion.
        infos: config -> its `DatasetInfo`.
        examples: question, answer, response and verdict of some rows.
    """

    paths: Mapping[str, Path]
    files: Mapping[str, File]
    cells: Mapping[str, Sides]
    configs: Mapping[str, Config]
    default: str
    statistics: Mapping[str, Counts]
    infos: Mapping[str, "DatasetInfo"]
    examples: Sequence[Mapping[str, str]]
    ledger: Mapping[str, Mapping[str, Counts]] | None = None


@dataclass(frozen=True)
class ReleaseDraft:
    """The parts of a release; nothing is written yet.

    Attributes:
        version: the release's tag, `v1.0.0`.
        provenance: keys, digests and versions of what the release was made from; JSON data.
        recipe: the text of recipe.yaml, by which the same source can be continued.
    """

    tables: ReleaseTables
    card: Card
    version: str
    provenance: Mapping[str, Any]
    recipe: str

    def texts(self) -> dict[str, str]:
        """Return the files that name the version: name -> text."""
        tables = self.tables
        configs = front_configs(tables.configs, tables.default)
        counts = tables.statistics, tables.examples, self.version, tables.ledger
        readme = render_card(self.card, configs, tables.infos, *counts)
        return {RECIPE: self.recipe, "README.md": readme}

    def manifest(self) -> ReleaseManifest:
        """Return the manifest of the folder that `write_release` makes of this draft."""
        texts = {name: text_fact(text) for name, text in self.texts().items()}
        return ReleaseManifest(
            format=FORMAT,
            version=self.version,
            default=self.tables.default,
            configs=self.tables.configs,
            cells=self.tables.cells,
            statistics={name: dict(counts) for name, counts in self.tables.statistics.items()},
            ledger=self.tables.ledger,
            provenance=canonical(self.provenance),
            repo=self.card.repo,
            files=in_order({**self.tables.files, **texts}),
        )


def read_tables(
    corpus: Mapping[str, Path],
    pool: Path,
    cells: Mapping[str, Sequence[str]],
    default: str,
    statistics: Mapping[str, Counts],
    ledger: Mapping[str, Mapping[str, Counts]] | None = None,
    more: Mapping[str, Path] | None = None,
) -> ReleaseTables:
    """Name the tables of a release by their digests, and read what its card says of them.

    Args:
        corpus: files by their names in a corpus, `data/accepted/...`, `data/rejected/...`, and with steps
            `data/steps/...`.
        pool: a folder with questions.parquet (all seed questions in their order), test.parquet and perhaps dev.parquet.
        cells: config name -> its files below `data/accepted/`, in order; smaller budgets first.
        default: the config that loads when none is named. A cell without accepted rows is on the card, but no config.
        statistics: config name -> counts, as `card.COLUMNS` names them.
        ledger: config name -> step -> counts; None where a response is one completion.
        more: name of a further config -> its only file, such as `new_questions`.

    Raises:
        ValueError: for a default or statistics without a cell, a default without accepted rows, or no test questions.
    """
    _check_statistics(cells, default, statistics)
    sources = dict(_sources(corpus, pool, cells)) | {f"{name}.parquet": path for name, path in (more or {}).items()}
    facts = {name: file_fact(path) for name, path in sources.items()}
    names = {name: _name_in_release(name, facts[name]) for name in sources}
    sides = {
        cell: Sides(*([names[f"{side}/{name}"] for name in files] for side in SIDES)) for cell, files in cells.items()
    }
    configs = _configs(sides, statistics) | {
        name: Config(split, [names[f"{name}.parquet"]]) for name, split in POOL.items() if f"{name}.parquet" in names
    }
    if steps := [placed for name, placed in names.items() if name.startswith(f"{STEPS}/")]:
        configs[STEPS] = Config("train", steps)
    configs |= {name: Config("train", [names[f"{name}.parquet"]]) for name in more or ()}
    paths = {names[name]: path for name, path in sources.items()}
    infos = {name: dataset_info(config, paths) for name, config in configs.items()}
    for name in ("questions", "test"):
        if not infos[name].dataset_size:
            raise ValueError(f"{name}.parquet: no questions to publish")
    files = {names[name]: fact for name, fact in facts.items()}
    examples = _examples(configs[default], paths)
    return ReleaseTables(paths, files, sides, configs, default, statistics, infos, examples, ledger or None)


def write_release(out: Path, release: ReleaseDraft) -> ReleaseManifest:
    """Fill `out` with data/, recipe.yaml, README.md and manifest.json; equal input, equal bytes.

    Raises:
        ValueError: for a version that cannot be a tag, or text that holds a Hub token or a folder of this machine.
    """
    if not re.fullmatch(r"v\d+\.\d+\.\d+", release.version):
        raise ValueError(f"version: {release.version!r} is not a release tag; write it as v1.0.0")
    manifest = release.manifest()
    for name, path in release.tables.paths.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)
        sync(out / name)
    for name, text in release.texts().items():
        write_atomic(out / name, text)
    draft = out / f".{MANIFEST}"  # a folder without a manifest is not a release
    write_atomic(draft, manifest.text(RELEASE))
    refuse_secrets({RECIPE: out / RECIPE, "README.md": out / "README.md", MANIFEST: draft}, [out])
    draft.rename(out / MANIFEST)
    return manifest


def front_configs(configs: Mapping[str, Config], default: str) -> list[dict[str, Any]]:
    """Return the `configs` of the card's front matter, in the manifest's order; exactly one is the default."""
    return [
        {"config_name": name, "data_files": [{"split": config.split, "path": config.files}]}
        | ({"default": True} if name == default else {})
        for name, config in configs.items()
    ]


def dataset_info(config: Config, paths: Mapping[str, Path]) -> "DatasetInfo":
    """Return the `DatasetInfo` of a configuration: columns, rows, bytes on disk and in Arrow memory.

    Args:
        paths: name of a file -> its path.
    """
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo

    rows = arrow_bytes = 0
    for name in config.files:
        with pq.ParquetFile(paths[name]) as file:
            rows += file.metadata.num_rows
            arrow_bytes += sum(file.read_row_group(i).nbytes for i in range(file.metadata.num_row_groups))
            features = Features.from_arrow_schema(file.schema_arrow)
    return DatasetInfo(
        features=features,
        splits=SplitDict({config.split: SplitInfo(config.split, num_bytes=arrow_bytes, num_examples=rows)}),
        download_size=sum(paths[name].stat().st_size for name in config.files),
        dataset_size=arrow_bytes,
    )


def publish_release(folder: Path, repo: str, target: Target, *, version: str) -> Published:
    """Publish a release folder as the dataset `repo` at the tag `version`: one commit, one tag, or nothing at all.

    Args:
        version: the folder's own version; its card names it, so that a folder has only one.

    Raises:
        Refused: for another version than the folder's; see also `push` and `decide`.
        HubFault: see `push`.
    """
    manifest = read_release(folder)
    if manifest.version != version:
        raise Refused(f"{folder}: made as {manifest.version}, not {version}; make it anew as {version}")
    message = f"Release {version}: {', '.join(manifest.configs)}"
    upload = prepare(folder, repo, "dataset", message, target.folders)
    return push(target, upload, release_change)


def _sources(corpus: Mapping[str, Path], pool: Path, cells: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Path]]:
    """Yield the files of all cells, each once, and of the pool: the role of each, and its path."""
    for name in dict.fromkeys(name for files in cells.values() for name in files):
        for side in SIDES:
            yield f"{side}/{name}", corpus[f"data/{side}/{name}"]
        if f"data/{STEPS}/{name}" in corpus:
            yield f"{STEPS}/{name}", corpus[f"data/{STEPS}/{name}"]
    for part in POOL:
        if part != "dev" or (pool / "dev.parquet").is_file():
            yield f"{part}.parquet", pool / f"{part}.parquet"


def _name_in_release(name: str, fact: File) -> str:
    """Return the name of a table in the release."""
    return f"{Path('data', name).with_suffix('').as_posix()}-{fact.sha256[:NAME_DIGITS]}.parquet"


def _configs(cells: Mapping[str, Sides], statistics: Mapping[str, Counts]) -> dict[str, Config]:
    """Return a config per cell with accepted rows (`load_dataset` fails on a split without rows), and `all`."""
    loadable = {name: sides.accepted for name, sides in cells.items() if statistics[name]["accepted"]}
    pairs = (pair for sides in cells.values() for pair in zip(sides.accepted, sides.rejected, strict=True))
    all_files = [name for pair in dict.fromkeys(pairs) for name in pair]
    return {name: Config("train", files) for name, files in (loadable | {"all": all_files}).items()}


def _check_statistics(cells: Mapping[str, Sequence[str]], default: str, statistics: Mapping[str, Counts]) -> None:
    if default not in cells:
        raise ValueError(f"default: {default!r} is not among the configs {', '.join(cells)}")
    if list(statistics) != list(cells):
        raise ValueError(f"statistics: of {', '.join(statistics)}; give those of the configs {', '.join(cells)}")
    for name, counts in statistics.items():
        absent = set(COLUMNS.values()) - set(counts)
        if absent:
            raise ValueError(f"statistics: {name} lacks {', '.join(sorted(absent))}")
    if not statistics[default]["accepted"]:
        raise ValueError(
            f"{default}: no accepted rows to publish; raise the budget or find out why the responses are rejected"
        )


def _examples(config: Config, paths: Mapping[str, Path]) -> list[dict[str, str]]:
    columns = ["question", "answer", "response", "verdict"]
    for name in config.files:
        with pq.ParquetFile(paths[name]) as file:
            for batch in file.iter_batches(batch_size=1, columns=columns):
                return batch.to_pylist()
    return []


def ladders(cells: Iterable[str]) -> dict[str, list[int]]:
    """Group cells by ladder, the part of a name before its budget: `q4-r8` and `q4-r16` are both of `q4-r`."""
    budgets: dict[str, list[int]] = {}
    for name in cells:
        ladder, budget = split_cell(name)
        budgets.setdefault(ladder, []).append(budget)
    return budgets


def split_cell(name: str) -> tuple[str, int]:
    """Split a cell's name into ladder and budget: `q4-r16` is budget 16 of `q4-r`."""
    match = re.fullmatch(r"((?:q[\d.]+-)?[rasmtcp])(\d+)", name)
    if not match:
        raise ValueError(f"{name}: is not the name of a cell, such as r16, a16, s32, m8, t8 or q4-r16")
    return match[1], int(match[2])


def release_change(old: Manifest, new: Manifest) -> Change:
    """Compare a release with a published one; see `Change`."""
    why = differences(_source(old), _source(new))
    if why:
        return Change("source", why)
    shared = [name for name in old.cells if name in new.cells]
    moved = [
        f"{name}: its rows differ from those published under the same source; `fss pull` brings the published ones"
        for name in shared
        if old.cells[name] != new.cells[name]
    ]
    steps = _step_files(new)
    moved += [
        f"{name}: its steps differ from those published under the same source"
        for place, name in _step_files(old).items()
        if steps.get(place, name) != name
    ]
    if _test_files(old) != _test_files(new):
        moved.append("test: its questions differ from those published")
    inside = not moved and set(new.cells) < set(old.cells)
    why = [*([] if inside else _ladder_differences(old.cells, new.cells)), *moved]
    if why:
        return Change("source", why)
    if inside:
        return Change("inside")
    if len(shared) < len(new.cells):
        return Change("growth")
    return Change("none" if _same_text(old, new) else "text")


def _source(manifest: Manifest) -> dict[str, Any]:
    fixed = {key: value for key, value in manifest.provenance.items() if key not in GROWING}
    return {"format": manifest.format, **fixed}


def _ladder_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """List budgets that are gone, and new ones below the last, which would split a published increment."""
    lines = []
    new_ladders = ladders(new)
    for subset, published in ladders(old).items():
        budgets = new_ladders.get(subset, [])
        absent = [budget for budget in published if budget not in budgets]
        if absent:
            lines.append(f"{_cells(subset, absent)}: published and missing here; put the budgets back")
        between = [budget for budget in budgets if budget not in published and budget < max(published)]
        if between:
            lines.append(
                f"{_cells(subset, between)}: would split a published increment; add budgets above the last only"
            )
    return lines


def _cells(subset: str, budgets: Sequence[int]) -> str:
    return ", ".join(f"{subset}{budget}" for budget in budgets)


def _test_files(manifest: Manifest) -> list[str] | None:
    return manifest.configs["test"].files if "test" in manifest.configs else None


def _step_files(manifest: Manifest) -> dict[str, str]:
    """The tables of steps: what each is for, without its digest -> its name."""
    files = manifest.configs[STEPS].files if STEPS in manifest.configs else []
    return {name.rpartition("-")[0]: name for name in files}


def _same_text(old: Manifest, new: Manifest) -> bool:
    """Say whether everything else is the same, too; cards of two versions never are, as a card names its version."""
    fields = ("version", "default", "configs", "statistics", "files")
    return all(getattr(old, name) == getattr(new, name) for name in fields)
