"""Publish results as a dataset repo of their own, `<name>-results`: scores come after a release, tags do not move."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import DatasetCard, DatasetCardData
from markupsafe import Markup

from toolkit.doors import OLDER
from toolkit.hub.cards.arms import arms_tables
from toolkit.hub.cards.markdown import mean_and_sd, render
from toolkit.hub.cards.release import PAPER, front_infos
from toolkit.hub.faults import explained
from toolkit.hub.manifest import (
    FORMAT,
    MANIFEST,
    NAME_DIGITS,
    RESULTS,
    Config,
    File,
    Manifest,
    file_facts,
    in_order,
    text_fact,
)
from toolkit.hub.release import dataset_info, front_configs
from toolkit.hub.upload import Published, Target, prepare, push, read_published
from toolkit.hub.version import Change, choose_version, differences
from toolkit.workspace import file_digest, write_atomic

if TYPE_CHECKING:
    from datasets import DatasetInfo

MODEL = ("arm", "questions", "budget", "counting", "control", "train_seed", "corpus_draw", "n", "eval_key", "error")
LINE = ("pair", "arm", *OLDER, "questions", "budget", "control", "n")


@dataclass(frozen=True)
class Results:
    """Measured results, and the data behind them.

    Attributes:
        curves, items: the two tables of the results schema, parquet.
        laws: files of fitted laws by name (`forecast.json`, `law.json`, `fit.json`, `law.png`), those of further laws
            each in a folder (`large-small-r32/law.json`); none without a fit.
        decisions: files of decisions by name (`bound.json`, `bound.md`, `law.png`).
        arms: tables of an experiment with arms, `corpora` (what each corpus looks like) and `ledger` (what each arm
            took of its teacher, by step); none without arms.
        data_repo, data_version, data_revision: the release that students were trained on; the revision is its commit.
        license: identifier of the Hub.
        limits: sentences on what these numbers cannot be used for.
        embedded: pairs, as `curves` calls them, whose teacher or base is an embedded model, which the card says.
        teacher: name in `curves` of the teacher whose responses that release holds; empty where there is only one.
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
    arms: Mapping[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """Return the files that are published unchanged, by their names in the repo."""
        folders = {"laws": self.laws, "decisions": self.decisions}
        return {f"{folder}/{name}": path for folder, files in folders.items() for name, path in files.items()}


@dataclass(frozen=True)
class ResultsDraft:
    """Results in a folder, without their card and manifest, which name a version.

    Attributes:
        infos: config -> its `DatasetInfo`.
        lines: the card's rows of laws and decisions, by template variable.
    """

    folder: Path
    results: Results
    files: Mapping[str, File]
    configs: Mapping[str, Config]
    infos: Mapping[str, "DatasetInfo"]
    lines: Mapping[str, Sequence[Mapping[str, Any]]]

    def manifest(self, repo: str, version: str) -> Manifest:
        """Return the manifest of the folder under a version."""
        results = self.results
        source = {"repo": results.data_repo, "version": results.data_version, "revision": results.data_revision}
        return Manifest(
            format=FORMAT,
            version=version,
            repo=repo,
            default="curves",
            configs=self.configs,
            provenance={"data": source},
            models=list(_models(results.curves)),
            embedded=list(results.embedded),
            teacher=results.teacher,
            laws=sorted(results.laws),
            decisions=sorted(results.decisions),
            files=in_order({**self.files, "README.md": text_fact(_card(self, repo, version))}),
        )

    def write(self, repo: str, version: str) -> Manifest:
        """Write card and manifest."""
        manifest = self.manifest(repo, version)
        write_atomic(self.folder / "README.md", _card(self, repo, version))
        write_atomic(self.folder / MANIFEST, manifest.text(RESULTS))
        return manifest


def draft_results(out: Path, results: Results) -> ResultsDraft:
    """Fill the folder `out` with data/, laws/ and decisions/."""
    for name, path in results.files.items():
        _copy(path, out / name)
    tables = {"laws": laws_table(results.laws), "decisions": decisions_table(results.decisions)}
    configs = {name: Config("train", [place]) for name, place in _copy_tables(out, results, tables)}
    lines = {"laws": brief_laws(tables["laws"]), "decisions": tables["decisions"].to_pylist()}
    files = file_facts(out)
    paths = {name: out / name for name in files}
    infos = {name: dataset_info(config, paths) for name, config in configs.items()}
    return ResultsDraft(out, results, files, configs, infos, lines)


def write_results(out: Path, results: Results, repo: str, version: str) -> Manifest:
    """Fill the folder `out` with data/, laws/, decisions/, README.md and manifest.json; equal input, equal bytes."""
    return draft_results(out, results).write(repo, version)


def publish_results(results: Results, repo: str, target: Target, *, version: str) -> Published:
    """Publish results as the dataset `repo`, in one commit with one tag; see `push`.

    Args:
        version: the tag, which is that of the data; the next free one where that holds other results of the same data.
    """
    with TemporaryDirectory() as scratch:
        draft = draft_results(Path(scratch), results)
        remote = read_published(target, repo, "dataset", version)
        new, again = (draft.manifest(repo, name) for name in (version, remote.version or version))
        with explained(target.api, repo):
            chosen = choose_version(new, again, remote, results_change, "text")
        draft.write(repo, chosen)
        message = f"Results of {results.data_repo} {results.data_version}"
        return push(target, prepare(draft.folder, repo, "dataset", message, target.folders), results_change)


def results_change(old: Manifest, new: Manifest) -> Change:
    """Compare results with published ones: those of another dataset are another source, a part is nothing new."""
    repos = [manifest.provenance.get("data", {}).get("repo") for manifest in (old, new)]
    if repos[0] != repos[1]:
        return Change("source", differences(repos[0], repos[1], "data repo"))
    if old.version == new.version and old.files == new.files:
        return Change("none")
    more = [entry for entry in new.models if entry not in old.models]
    published, files = (
        {f"laws/{name}" for name in manifest.laws} | {f"decisions/{name}" for name in manifest.decisions}
        for manifest in (old, new)
    )
    fewer = len(new.models) < len(old.models) or files < published
    return Change("inside" if fewer and not more and files <= published else "growth")


def _models(curves: Path) -> Iterator[dict[str, Any]]:
    """Yield every scored model, teacher and base among them, by the fields that identify it, and its error."""
    for row in pq.read_table(curves).to_pylist():
        entry = {name: row.get(name) for name in MODEL if row.get(name) is not None}
        yield entry | {name: row[name] for name, older in OLDER.items() if row.get(name) not in (None, older)}


def _copy_tables(out: Path, results: Results, extra: Mapping[str, pa.Table]) -> Iterator[tuple[str, str]]:
    """Yield every table that has rows, by its configuration's name, with its place in the repo."""
    with TemporaryDirectory() as scratch:
        tables = {"curves": results.curves, "items": results.items, **results.arms}
        for name, table in extra.items():
            if table.num_rows:
                tables[name] = Path(scratch, f"{name}.parquet")
                pq.write_table(table, tables[name])
        for name, path in tables.items():
            yield name, _copy_named(out, name, path)


def _copy_named(out: Path, name: str, path: Path) -> str:
    """Copy a table under its digest's name, for the same reason as in a release."""
    target = f"data/{name}-{file_digest(path)[:NAME_DIGITS]}.parquet"
    _copy(path, out / target)
    return target


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _card(draft: ResultsDraft, repo: str, version: str) -> str:
    results = draft.results
    front = DatasetCardData(
        license=results.license,
        pretty_name=f"{results.title}: results",
        tags=["evaluation", PAPER],
        source_datasets=[results.data_repo],
        configs=front_configs(draft.configs, "curves"),
        dataset_info=front_infos(draft.infos),
    )
    errors = list(mean_errors(results.curves))
    text = render(
        "results.md.jinja",
        front_matter=Markup(front.to_yaml()),
        results=results,
        repo=repo,
        version=version,
        errors=errors,
        several_draws=max(row["draws"] for row in errors) > 1,
        arms=arms_tables(results.arms),
        figures=sorted(name for name in results.files if name.endswith(".png")),
        **draft.lines,
    )
    return str(DatasetCard(text))


def mean_errors(curves: Path) -> Iterator[dict[str, Any]]:
    """Yield a row per line of the card's table: number of students and corpus draws, and mean error."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in pq.read_table(curves).to_pylist():
        groups.setdefault(tuple(row.get(name) for name in LINE), []).append(row)
    for keys, rows in groups.items():
        mean, sd = mean_and_sd([row["error"] for row in rows])
        draws = len({row.get("corpus_draw") for row in rows})
        yield dict(zip(LINE, keys, strict=True)) | {"models": len(rows), "draws": draws, "mean": mean, "sd": sd}


LAWS = pa.schema(
    [
        ("experiment", pa.string()),
        ("pair", pa.string()),
        ("held_out", pa.int64()),  # the budget held out of this law's fit
        ("exploratory", pa.bool_()),  # students of that budget existed before the forecast
        # parameter, forecast, baseline, observed; in words, in `name`: reading, what a forecast rests on, its note, and
        # refused, why there is no law
        ("kind", pa.string()),
        ("name", pa.string()),
        ("budget", pa.int64()),  # of a forecast, a baseline or an observation
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("level", pa.float64()),  # of low and high
    ]
)
DECISIONS = pa.schema([(name, pa.string()) for name in ("experiment", "rule", "verdict", "sentence")])


def laws_table(files: Mapping[str, Path]) -> pa.Table:
    """Tabulate every number of every law, a row each; see `LAWS`.

    Args:
        files: files of laws by name: `forecast.json` and `law.json`, those of further laws each in a folder.
    """
    rows = [
        {name: forecast.get(name) for name in ("experiment", "pair", "held_out", "exploratory")} | row
        for forecast, law in _read(files)
        for row in law_rows(forecast, law)
    ]
    return pa.Table.from_pylist(rows, schema=LAWS)


def decisions_table(files: Mapping[str, Path]) -> pa.Table:
    """Tabulate decisions, a row each, from the files `<rule>.json` among these."""
    decisions = [_json(path) for name, path in sorted(files.items()) if name.endswith(".json")]
    return pa.Table.from_pylist(
        [{key: decision[key] for key in DECISIONS.names} for decision in decisions], schema=DECISIONS
    )


def _read(files: Mapping[str, Path]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Yield each forecast, as its law repeats it where there is one, with that law."""
    for name in sorted(files, key=lambda name: (name.count("/"), name)):
        if PurePosixPath(name).name == "forecast.json":
            path = files.get(str(PurePosixPath(name).with_name("law.json")))
            law = _json(path) if path else None
            yield law["forecast"] if law else _json(files[name]), law


def law_rows(forecast: Mapping[str, Any], law: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the numbers of a fitted law, a row each (see `LAWS`): parameters, forecast, baselines, observed error."""
    level, budget, prediction = forecast["level"], forecast["held_out"], forecast["law"]
    for name, entry in forecast["parameters"].items():
        yield {"kind": "parameter", "name": name, "level": level, **entry}
    at = {"budget": budget, "level": level}
    if prediction is None:
        yield {"kind": "refused", "name": "; ".join(forecast["notes"]), "budget": budget}
    else:
        span = {name: prediction[name] for name in ("low", "high")}
        yield {"kind": "forecast", "name": "mean of students", **at, "value": prediction["mean"], **span}
        new = {"low": prediction["low_new"], "high": prediction["high_new"]}
        yield {"kind": "forecast", "name": "one student", **at, "value": prediction["mean"], **new}
        if forecast.get("reading"):  # forecasts of before there was a choice, by the rectified law, have none
            yield {"kind": "reading", "name": forecast["reading"], "budget": budget}
            yield from ({"kind": "note", "name": note, "budget": budget} for note in forecast["notes"])
    for name, value in forecast["baselines"].items():
        yield {"kind": "baseline", "name": name, "budget": budget, "value": value}
    if law:
        yield {"kind": "observed", "name": "mean of students", "budget": budget, "value": law["observed"]["mean"]}


def brief_laws(table: pa.Table) -> list[dict[str, Any]]:
    """Summarise each law in a row for the card, from its rows in `laws_table`."""
    laws: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in table.to_pylist():
        line = laws.setdefault((row["pair"], row["held_out"]), {"exploratory": row["exploratory"]})
        line[row["kind"] if row["kind"] in ("refused", "reading") else f"{row['kind']} {row['name']}"] = row
    empty = {"value": None, "low": None, "high": None, "level": None}
    return [
        {
            "pair": pair or "",
            "held_out": held_out,
            "exploratory": line["exploratory"],
            "refused": line["refused"]["name"] if "refused" in line else "",
            "reading": line["reading"]["name"] if "reading" in line else "",
            "notes": [row["name"] for row in line.values() if isinstance(row, dict) and row["kind"] == "note"],
            "forecast": line.get("forecast one student", empty),
            "log_linear": line.get("baseline log-linear", empty)["value"],
            "last_value": line.get("baseline last value", empty)["value"],
            "observed": line.get("observed mean of students", empty)["value"],
        }
        for (pair, held_out), line in laws.items()
    ]


def _json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
