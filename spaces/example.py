"""Add a finished run to the Space's bundled example: `python spaces/example.py workspace/runs/math`.

Made from what the run published: curves, answers to test items, the forecasts as they were written down (a run without
a held-out rung has none), of arms the tables of their corpora and of what they took, and the decision on them, the
corpus statistics, and a sample of the responses (all of `QUESTIONS` questions, the first by id, which is a hash: nobody
chose them).
"""

import json
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pandas as pd

from toolkit.pipeline.teacher import embedded_pairs
from toolkit.recipe.load import load_run
from toolkit.reports.rules.verdict import OF_ARMS

QUESTIONS = 24
COLUMNS = ["question_id", "question", "answer", "response_index", "response", "verdict", "extracted", "tokens"]
EXAMPLE = Path(__file__).parent / "law" / "example"


def main(run: Path) -> None:
    """Write the example that has the run's name; ValueError or OSError for a folder that is no finished run."""
    manifest = json.loads((run / "release" / "manifest.json").read_text(encoding="utf-8"))
    out = EXAMPLE / run.name
    (out / "data").mkdir(parents=True, exist_ok=True)
    items = pd.read_parquet(run / "items.parquet")
    _write(out / "data", "curves", (run / "curves.parquet").read_bytes())
    _write(out / "data", "items", _packed(items.sort_values(["arm", "budget", "train_seed"], kind="stable")))
    _write(out / "data", "responses", _packed(_sample(run / "release", manifest["configs"]["all"]["files"])))
    for name in ("corpora", "ledger"):
        if (run / f"{name}.parquet").is_file():
            _write(out / "data", name, (run / f"{name}.parquet").read_bytes())
    for rule in OF_ARMS:
        if (run / "decisions" / f"{rule}.json").is_file():
            (out / "decisions").mkdir(exist_ok=True)
            (out / "decisions" / f"{rule}.json").write_bytes((run / "decisions" / f"{rule}.json").read_bytes())
    for path in sorted({*run.glob("forecast.json"), *run.glob("laws/*/forecast.json")}):
        place = out / "laws" / path.relative_to(run / "laws" if path.parent != run else run)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    recipe = load_run(run.name).recipe
    origin = {"embedded": embedded_pairs(recipe), "teacher": recipe.pair.split(">")[0]}
    (out / "manifest.json").write_text(json.dumps(origin) + "\n", encoding="utf-8")
    counts = {name: manifest[name] for name in ("version", "statistics")}
    (out / "data" / "statistics.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def _sample(release: Path, files: list[str]) -> pd.DataFrame:
    rows = pd.concat([pd.read_parquet(release / name, columns=COLUMNS) for name in files])
    kept = sorted(rows["question_id"].unique())[:QUESTIONS]
    return rows[rows["question_id"].isin(kept)].sort_values(["question_id", "response_index"])


def _packed(rows: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    rows.to_parquet(buffer, index=False, compression="zstd", compression_level=22)
    return buffer.getvalue()


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write the file under its content's hash, in place of an older one."""
    for old in folder.glob(f"{name}-*.parquet"):
        old.unlink()
    (folder / f"{name}-{sha256(content).hexdigest()[:12]}.parquet").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
