"""Write results in their one schema."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.doors import OLDER

# One row per model. Teacher and base have an arm of their own and no cell: their other fields are null.
CURVE_FIELDS = [
    ("experiment", pa.string()),
    ("arm", pa.string()),
    ("protocol", pa.string()),
    ("pair", pa.string()),
    ("questions", pa.int64()),
    ("budget", pa.int64()),
    ("counting", pa.string()),
    ("control", pa.string()),
    ("train_seed", pa.int64()),
    ("corpus_draw", pa.int64()),
    ("match", pa.string()),
    ("benchmark", pa.string()),
    ("error", pa.float64()),
    ("n", pa.int64()),
    ("eval_key", pa.string()),
]
CURVES = pa.schema(CURVE_FIELDS)
ITEMS = pa.schema(
    [
        *(field for field in CURVE_FIELDS if field[0] not in ("error", "n")),
        ("item_id", pa.string()),
        ("correct", pa.float64()),
    ]
)


def write_curves(out: Path, rows: Sequence[tuple[Mapping[str, Any], Path]]) -> None:
    """Write `curves.parquet` and `items.parquet` into `out`.

    Args:
        out: an existing folder.
        rows: (the model's row of the curves schema, missing fields null or as in `OLDER`; its parquet of
            item_id and correct in [0, 1]).

    Raises:
        ValueError: for a field that the schema does not have.
    """
    unknown = {name for row, _ in rows for name in row} - set(CURVES.names)
    if unknown:
        raise ValueError(f"the curves schema has no {', '.join(sorted(unknown))}; it has {', '.join(CURVES.names)}")
    whole = [(_whole(row), path) for row, path in rows]
    pq.write_table(pa.Table.from_pylist([row for row, _ in whole], schema=CURVES), out / "curves.parquet")
    with pq.ParquetWriter(out / "items.parquet", ITEMS) as writer:
        for row, path in whole:
            cell = {name: row.get(name) for name in ITEMS.names}
            items = pq.read_table(path, columns=["item_id", "correct"]).to_pylist()
            writer.write_table(pa.Table.from_pylist([cell | item for item in items], schema=ITEMS))


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's row with its benchmark, and that of a student with its protocol."""
    defaults = OLDER if row.get("budget") is not None else {"benchmark": OLDER["benchmark"]}
    return {**defaults, **row}
