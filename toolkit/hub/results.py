"""Measured results as a dataset repo of their own, `<name>-results`: scores come after a release, tags do not move."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard, DatasetCardData
from markupsafe import Markup

from toolkit.hub.card import PAPER, front_infos
from toolkit.hub.decide import Change, Manifest, differences
from toolkit.hub.parcel import Parcel, pack
from toolkit.hub.push import Published, Target, fitting, push
from toolkit.hub.release import FORMAT, NAME_DIGITS, dataset_info, file_facts, front_configs
from toolkit.hub.template import mean_and_sd, render
from toolkit.workspace import file_digest, to_json, write_atomic

LAWS = pa.schema(
    [
        ("experiment", pa.string()),
        ("kind", pa.string()),  # parameter, forecast, baseline or observed
        ("name", pa.string()),
        ("budget", pa.int64()),  # of a forecast, a baseline and what was observed
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("level", pa.float64()),  # of low and high
    ]
)

MODEL = ("arm", "questions", "budget", "counting", "control", "train_seed", "corpus_draw", "n", "eval_key", "error")


@dataclass(frozen=True)
class Results:
    """What was measured and on which data.

    Attributes:
        curves, items: the two tables of the results schema, parquet.
        laws: files of a fitted law by name (`forecast.json`, `law.json`, `fit.json`, `law.png`); none without a fit.
        data_repo, data_version, data_revision: the release that students were trained on; the revision is its commit.
        license: identifier of the Hub.
        limits: sentences on what these numbers cannot be used for.
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


def write_results(out: Path, results: Results, repo: str, version: str) -> Manifest:
    """Fill the folder `out` with data/, laws/, README.md and manifest.json; equal input, equal bytes."""
    out.mkdir(parents=True, exist_ok=True)
    for name, path in results.laws.items():
        (out / "laws").mkdir(exist_ok=True)
        shutil.copyfile(path, out / "laws" / name)
    tables = {"curves": results.curves, "items": results.items}
    if "forecast.json" in results.laws:
        tables["laws"] = _write_laws(out, results.laws)
    configs = {name: {"split": "train", "files": [_place(out, name, path)]} for name, path in tables.items()}
    (out / "laws.parquet").unlink(missing_ok=True)
    write_atomic(out / "README.md", _card(out, results, repo, version, configs))
    source = {"repo": results.data_repo, "version": results.data_version, "revision": results.data_revision}
    manifest = {
        "format": FORMAT,
        "version": version,
        "repo": repo,
        "default": "curves",
        "configs": configs,
        "provenance": {"data": source},
        "models": list(_models(results.curves)),
        "laws": sorted(results.laws),
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
    fewer = any(len(new[name]) < len(old[name]) for name in ("models", "laws"))
    return Change("inside" if fewer and not more and set(new["laws"]) <= set(old["laws"]) else "growth")


def _models(curves: Path) -> Iterator[dict[str, Any]]:
    """Every model that was scored, teacher and base among them, by what tells it from others, and its error."""
    for row in pq.read_table(curves).to_pylist():
        yield {name: row.get(name) for name in MODEL if row.get(name) is not None}


def law_rows(forecast: Mapping[str, Any], law: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The numbers of a fitted law, a row each (see `LAWS`): parameters, forecast, its baselines, what was observed."""
    level, budget, told = forecast["level"], forecast["held_out"], forecast["law"]
    for name, found in forecast["parameters"].items():
        yield {"kind": "parameter", "name": name, "level": level, **found}
    at = {"budget": budget, "level": level}
    yield {"kind": "forecast", "name": "mean of students", **at, "value": told["mean"]} | _span(told, "low", "high")
    yield {"kind": "forecast", "name": "one student", **at, "value": told["mean"]} | _span(told, "low_new", "high_new")
    for name, value in forecast["baselines"].items():
        yield {"kind": "baseline", "name": name, "budget": budget, "value": value}
    if law:
        yield {"kind": "observed", "name": "mean of students", "budget": budget, "value": law["observed"]["mean"]}


def _span(told: Mapping[str, Any], low: str, high: str) -> dict[str, Any]:
    return {"low": told[low], "high": told[high]}


def _write_laws(out: Path, laws: Mapping[str, Path]) -> Path:
    read = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in laws.items() if path.suffix == ".json"}
    forecast = read["forecast.json"]
    rows = [{"experiment": forecast.get("experiment"), **row} for row in law_rows(forecast, read.get("law.json"))]
    pq.write_table(pa.Table.from_pylist(rows, schema=LAWS), out / "laws.parquet")
    return out / "laws.parquet"


def _place(out: Path, name: str, path: Path) -> str:
    """Under its digest's name, for the same reason as in a release."""
    placed = f"data/{name}-{file_digest(path)[:NAME_DIGITS]}.parquet"
    (out / "data").mkdir(exist_ok=True)
    shutil.copyfile(path, out / placed)
    return placed


def _card(out: Path, results: Results, repo: str, version: str, configs: Mapping[str, Mapping[str, Any]]) -> str:
    infos = {name: dataset_info(out, **config) for name, config in configs.items()}
    front = DatasetCardData(
        license=results.license,
        pretty_name=f"{results.title}: results",
        tags=["evaluation", PAPER],
        source_datasets=[results.data_repo],
        configs=front_configs(configs, "curves"),
        dataset_info=front_infos(infos),
    )
    text = render(
        "results.md.jinja",
        front_matter=Markup(front.to_yaml()),
        results=results,
        repo=repo,
        version=version,
        errors=list(mean_errors(results.curves)),
        laws=pq.read_table(out / configs["laws"]["files"][0]).to_pylist() if "laws" in configs else [],
        exploratory=_exploratory(results.laws),
    )
    return str(DatasetCard(text))


def _exploratory(laws: Mapping[str, Path]) -> bool | None:
    """Whether students of the forecast budget existed before the forecast; None where nobody noted it."""
    told = json.loads(laws["forecast.json"].read_text(encoding="utf-8")) if "forecast.json" in laws else {}
    return told.get("exploratory")


def mean_errors(curves: Path) -> Iterator[dict[str, Any]]:
    """A row per arm, question count and budget: how many students, test items, and their mean error with its spread."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in pq.read_table(curves).to_pylist():
        groups.setdefault((row["arm"], row["questions"], row["budget"], row["n"]), []).append(row)
    for (arm, questions, budget, n), rows in groups.items():
        mean, sd = mean_and_sd([row["error"] for row in rows])
        counted = {"arm": arm, "questions": questions, "budget": budget, "n": n, "models": len(rows)}
        yield counted | {"mean": mean, "sd": sd}
