"""Measured results as a dataset repo of their own, `<name>-results`: scores come after a release, tags do not move."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard, DatasetCardData
from markupsafe import Markup

from toolkit.doors import OLDER
from toolkit.hub.card import PAPER, front_infos
from toolkit.hub.decide import Change, Manifest, differences
from toolkit.hub.parcel import Parcel, pack
from toolkit.hub.push import Published, Target, fitting, push
from toolkit.hub.release import FORMAT, NAME_DIGITS, dataset_info, file_facts, front_configs
from toolkit.hub.results_tables import brief_laws, decisions_table, laws_table
from toolkit.hub.template import mean_and_sd, render
from toolkit.workspace import file_digest, to_json, write_atomic

MODEL = ("arm", "questions", "budget", "counting", "control", "train_seed", "corpus_draw", "n", "eval_key", "error")
LINE = ("pair", "arm", *OLDER, "questions", "budget", "control", "n")


@dataclass(frozen=True)
class Results:
    """What was measured and on which data.

    Attributes:
        curves, items: the two tables of the results schema, parquet.
        laws: files of fitted laws by name (`forecast.json`, `law.json`, `fit.json`, `law.png`), of the second and more
            each in a folder (`large-small-r32/law.json`); none without a fit.
        decisions: files of what was decided by rules, by name (`bound.json`, `bound.md`, `law.png`).
        data_repo, data_version, data_revision: the release that students were trained on; the revision is its commit.
        license: identifier of the Hub.
        limits: sentences on what these numbers cannot be used for.
        embedded: pairs, as `curves` calls them, whose teacher or base is an embedded model; readers are told so.
        teacher: what `curves` calls the teacher whose responses that release holds; empty where there is but one.
    """

    title: str
    curves: Path
    items: Path
    laws: Mapping[str, Path]
    data_repo: str
    data_version: str
    data_revision: str
    license: str
    limits: Sequence[str] = ()
    embedded: Sequence[str] = ()
    teacher: str = ""
    decisions: Mapping[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """What goes along as it is, by its name in the repo."""
        folders = {"laws": self.laws, "decisions": self.decisions}
        return {f"{folder}/{name}": path for folder, files in folders.items() for name, path in files.items()}


def write_results(out: Path, results: Results, repo: str, version: str) -> Manifest:
    """Fill the folder `out` with data/, laws/, decisions/, README.md and manifest.json; equal input, equal bytes."""
    for name, path in results.files.items():
        _copied(path, out / name)
    told = {"laws": laws_table(results.laws), "decisions": decisions_table(results.decisions)}
    configs = {name: {"split": "train", "files": [place]} for name, place in _placed(out, results, told)}
    lines = {"laws": brief_laws(told["laws"]), "decisions": told["decisions"].to_pylist()}
    write_atomic(out / "README.md", _card(out, results, repo, version, configs, lines))
    source = {"repo": results.data_repo, "version": results.data_version, "revision": results.data_revision}
    manifest = {
        "format": FORMAT,
        "version": version,
        "repo": repo,
        "default": "curves",
        "configs": configs,
        "provenance": {"data": source},
        "models": list(_models(results.curves)),
        "embedded": list(results.embedded),
        "teacher": results.teacher,
        "laws": sorted(results.laws),
        "decisions": sorted(results.decisions),
        "files": file_facts(out),
    }
    write_atomic(out / "manifest.json", to_json(manifest))
    return manifest


def publish_results(results: Results, repo: str, target: Target, *, version: str) -> Published:
    """Publish what was measured as the dataset `repo`, in one commit with one tag; see `push`.

    Args:
        version: the tag, that of the data; or the next free one where that holds other results of the same data.
    """
    with TemporaryDirectory() as scratch:

        def made(tag: str) -> Parcel:
            folder = Path(scratch, tag)
            write_results(folder, results, repo, tag)
            message = f"Results of {results.data_repo} {results.data_version}"
            return pack(folder, repo, "dataset", message, target.folders)

        return push(target, fitting(target, made, version, results_change, "text"), results_change)


def results_change(old: Manifest, new: Manifest) -> Change:
    """Results of another dataset are another source; a part of the published ones is nothing new."""
    repos = [manifest["provenance"].get("data", {}).get("repo") for manifest in (old, new)]
    if repos[0] != repos[1]:
        return Change("source", differences(repos[0], repos[1], "data repo"))
    if old["version"] == new["version"] and old["files"] == new["files"]:
        return Change("none")
    more = [entry for entry in new["models"] if entry not in old["models"]]
    files = [{f"{name}/{file}" for name in ("laws", "decisions") for file in each.get(name, ())} for each in (old, new)]
    fewer = len(new["models"]) < len(old["models"]) or files[1] < files[0]
    return Change("inside" if fewer and not more and files[1] <= files[0] else "growth")


def _models(curves: Path) -> Iterator[dict[str, Any]]:
    """Every model that was scored, teacher and base among them, by what tells it from others, and its error."""
    for row in pq.read_table(curves).to_pylist():
        told = {name: row.get(name) for name in MODEL if row.get(name) is not None}
        yield told | {name: row[name] for name, older in OLDER.items() if row.get(name) not in (None, older)}


def _placed(out: Path, results: Results, told: Mapping[str, pa.Table]) -> Iterator[tuple[str, str]]:
    """Every table that has rows, by its configuration's name, with its place in the repo."""
    with TemporaryDirectory() as scratch:
        tables = {"curves": results.curves, "items": results.items}
        for name, table in told.items():
            if table.num_rows:
                tables[name] = Path(scratch, f"{name}.parquet")
                pq.write_table(table, tables[name])
        for name, path in tables.items():
            yield name, _place(out, name, path)


def _place(out: Path, name: str, path: Path) -> str:
    """Under its digest's name, for the same reason as in a release."""
    placed = f"data/{name}-{file_digest(path)[:NAME_DIGITS]}.parquet"
    _copied(path, out / placed)
    return placed


def _copied(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _card(
    out: Path,
    results: Results,
    repo: str,
    version: str,
    configs: Mapping[str, Mapping[str, Any]],
    told: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    infos = {name: dataset_info(out, **config) for name, config in configs.items()}
    front = DatasetCardData(
        license=results.license,
        pretty_name=f"{results.title}: results",
        tags=["evaluation", PAPER],
        source_datasets=[results.data_repo],
        configs=front_configs(configs, "curves"),
        dataset_info=front_infos(infos),
    )
    errors = list(mean_errors(results.curves))
    text = render(
        "results.md.jinja",
        front_matter=Markup(front.to_yaml()),
        results=results,
        repo=repo,
        version=version,
        errors=errors,
        drawn=max(row["draws"] for row in errors) > 1,
        figures=sorted(name for name in results.files if name.endswith(".png")),
        **told,
    )
    return str(DatasetCard(text))


def mean_errors(curves: Path) -> Iterator[dict[str, Any]]:
    """A row per line of the table on the card: how many students, of how many corpus draws, and their mean error."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in pq.read_table(curves).to_pylist():
        groups.setdefault(tuple(row.get(name) for name in LINE), []).append(row)
    for keys, rows in groups.items():
        mean, sd = mean_and_sd([row["error"] for row in rows])
        draws = len({row.get("corpus_draw") for row in rows})
        yield dict(zip(LINE, keys, strict=True)) | {"models": len(rows), "draws": draws, "mean": mean, "sd": sd}
