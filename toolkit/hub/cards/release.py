"""Render the card of a release: README.md with the front matter that `load_dataset` reads.

Questions and responses are untrusted. Every value that the template prints is turned into plain text first, so that it
can be neither HTML nor Markdown; values that the template marks otherwise are checked here.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import DatasetCard, DatasetCardData
from markupsafe import Markup

from toolkit.hub.cards.arm import Arm, matching, took
from toolkit.hub.cards.markdown import render, visible
from toolkit.recipe.yaml_files import YamlError, read_plain
from toolkit.text_files import read_text

if TYPE_CHECKING:
    from datasets import DatasetInfo

FRONT = 4 * 2**20  # largest size of a card, bytes
PAPER = "arxiv:2607.01727"
SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"), (1e7, "1M<n<10M"))
COLUMNS = {  # heading on the card -> field of the statistics
    "questions": "questions",
    "sampled": "sampled",
    "failed": "failed",
    "truncated": "truncated",
    "unparsable": "unparsable",
    "rejected": "rejected",
    "leaked": "leaked",
    "accepted": "accepted",
    "share": "accepted_share",
    "distinct": "distinct",
    "covered": "covered",
    "false positives": "false_positive_rate",
    "tokens": "accepted_tokens",
}

LEDGER = {  # heading of the card's ledger -> field
    "samples": "samples",
    "kept": "kept",
    "prompt tokens": "prompt_tokens",
    "completion tokens": "tokens",
}


@dataclass(frozen=True)
class Card:
    """What the card says beyond what its files show; plain text, escaped when it is printed.

    Attributes:
        repo: the dataset's name on the Hub, `org/name`; None for a folder that has none.
        license, language: identifiers of the Hub, such as `apache-2.0` and `en`.
        teacher_repo: `org/name@commit` of the weights, where they were published beside the data.
        counting: what a budget counts: `sampled`, `accepted` or `adaptive`.
        sampling: the sampling parameters by name.
        prompt: the prompt to the teacher, with one question filled in.
        policy: how a verdict is reached.
        seeds_licence: the licence of the seed questions and how it carries over.
        limits: sentences on what this data cannot be used for.
        draws: a sentence on other draws, of this source or similar ones, that are not published.
        arm: of an experiment, that the release is of; None for its first one, and for a recipe without arms.
    """

    repo: str | None
    pretty_name: str
    summary: str
    domain: str
    license: str
    pool: str
    teacher: str
    teacher_revision: str
    sampling: Mapping[str, Any]
    prompt: str
    policy: str
    seeds_licence: str
    teacher_repo: str | None = None
    counting: str = "sampled"
    limits: Sequence[str] = ()
    draws: str = ""
    language: str = "en"
    source_datasets: Sequence[str] = ("original",)
    arm: Arm | None = None


def render_card(
    card: Card,
    configs: Sequence[Mapping[str, Any]],
    infos: Mapping[str, "DatasetInfo"],
    statistics: Mapping[str, Mapping[str, Any]],
    examples: Sequence[Mapping[str, str]],
    version: str,
    ledger: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> str:
    """Return the text of README.md.

    Args:
        configs: entries of the front matter's `configs`, one of them with `default: True`.
        infos: config name -> its `DatasetInfo`, with `all` among them.
        statistics: config name -> the counts of that cell, by the names in `COLUMNS`.
        examples: question, answer, response and verdict of some rows.
        ledger: config name -> step -> counts, by the names in `LEDGER`; None where a response is one completion.
    """
    default = next(config["config_name"] for config in configs if config.get("default"))
    text = render(
        "release.md.jinja",
        front_matter=Markup(_front_matter(card, configs, infos).to_yaml()),
        card=card,
        headings=["config", *COLUMNS],
        table=[[name, *(_cell(counts[field]) for field in COLUMNS.values())] for name, counts in statistics.items()],
        subsets=[name for name in statistics if "-" in name],
        configs=list(infos),
        examples=examples,
        ledger_headings=["config", "step", *LEDGER],
        ledger=printed_ledger(ledger or {}),
        rows=_rows(infos["all"]),
        matching=matching(card.arm, statistics) if card.arm else "",
        took=took((ledger or {})[default], card.arm.prices) if card.arm else "",
        default=default,
        version=version,
    )
    return str(DatasetCard(text))


def read_front(path: Path) -> dict[str, Any]:
    """Read the front matter of a card that a stranger may have written.

    Raises:
        ValueError: for a card without front matter, or one whose front matter is not a plain YAML mapping.
    """
    match = re.match(r"---\s*\n(.*?)\n---\s*\n", read_text(path, named=path.name, largest=FRONT), re.DOTALL)
    try:
        front = read_plain(match[1]) if match else None
    except YamlError as error:
        raise ValueError(f"{path.name}: its front matter: {error}") from error
    if not isinstance(front, dict):
        raise ValueError(f"{path.name}: has no front matter, which every card needs")
    return front


def read_table(text: str) -> dict[str, dict[str, str]]:
    """Read the card's table of counts: config name -> heading -> cell, as `printed` writes it.

    ValueError for a card with no such table, or several, and for rows of another length.
    """
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    heads = [number for number, row in enumerate(rows) if row == ["config", *COLUMNS]]
    if len(heads) != 1:
        raise ValueError(f"README.md: {len(heads)} tables of counts; a card has one, headed config | questions | ...")
    table = list(itertools.takewhile(lambda row: row[:2] != ["config", "step"], rows[heads[0] + 1 :]))
    if any(len(row) != len(COLUMNS) + 1 for row in table):
        raise ValueError(f"README.md: a row of the table of counts has not {len(COLUMNS) + 1} cells")
    return {row[0].replace("&#45;", "-"): dict(zip(COLUMNS, row[1:], strict=True)) for row in table}


def printed(counts: Mapping[str, Any]) -> dict[str, str]:
    """Return the statistics of a cell as the card's table prints them, by heading."""
    return {heading: _cell(counts[field]) for heading, field in COLUMNS.items()}


def printed_ledger(ledger: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[list[str]]:
    """The rows of the card's ledger: config, step, and the counts by the headings of `LEDGER`."""
    return [
        [name, step, *(_cell(counts[field]) for field in LEDGER.values())]
        for name, steps in ledger.items()
        for step, counts in steps.items()
    ]


def read_ledger(text: str) -> list[list[str]]:
    """The rows of the card's ledger as printed; none where the card has no ledger."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    heads = [number for number, row in enumerate(rows) if row == ["config", "step", *LEDGER]]
    if not heads:
        return []
    found = itertools.takewhile(lambda row: len(row) == len(LEDGER) + 2, rows[heads[0] + 1 :])
    return [[cell.replace("&#45;", "-").replace("&#95;", "_") for cell in row] for row in found]


def front_infos(infos: Mapping[str, "DatasetInfo"]) -> list[dict[str, Any]]:
    """Return the front matter's `dataset_info` of several configs, from config name -> `datasets.DatasetInfo`."""
    from datasets.info import DatasetInfosDict

    data = DatasetCardData()
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return data.to_dict()["dataset_info"]


def _front_matter(
    card: Card, configs: Sequence[Mapping[str, Any]], infos: Mapping[str, "DatasetInfo"]
) -> DatasetCardData:
    rows = _rows(infos["all"])
    return DatasetCardData(
        license=card.license,
        language=[card.language],
        pretty_name=visible(" ".join(card.pretty_name.split())),
        task_categories=["text-generation"],
        tags=["synthetic", card.domain, PAPER],
        size_categories=[next((name for limit, name in SIZES if rows < limit), "n>10M")],
        source_datasets=list(card.source_datasets),
        configs=[dict(config) for config in configs],
        dataset_info=front_infos(infos),
    )


def _rows(info: "DatasetInfo") -> int:
    return sum(split.num_examples for split in info.splits.values())


def _cell(value: float | None) -> Markup:
    return Markup("-" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value}")
