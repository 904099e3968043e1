import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.reports.tables import CURVES, ITEMS, write_curves


def test_items_carry_the_cell_of_their_model(tmp_path):
    items = tmp_path / "of_model.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"], "correct": [1.0, 0.0], "response": ["x", "y"]}), items)
    rows = [({"experiment": "e", "arm": "FSS", "budget": 4, "error": 0.5, "n": 2, "eval_key": "k"}, items)] * 2
    write_curves(tmp_path, rows)
    curves, written = pq.read_table(tmp_path / "curves.parquet"), pq.read_table(tmp_path / "items.parquet")
    assert curves.schema.equals(CURVES) and written.schema.equals(ITEMS)
    assert written.num_rows == 4 and written["budget"].to_pylist() == [4] * 4
    assert curves["train_seed"].to_pylist() == [None, None]


def test_models_have_a_benchmark_and_students_a_protocol(tmp_path):
    items = tmp_path / "of_model.parquet"
    pq.write_table(pa.table({"item_id": ["a"], "correct": [1.0]}), items)
    write_curves(
        tmp_path, [({"arm": "teacher"}, items), ({"budget": 1}, items), ({"budget": 1, "protocol": "p"}, items)]
    )
    for name in ("curves", "items"):
        read = pq.read_table(tmp_path / f"{name}.parquet")
        assert read["benchmark"].to_pylist() == ["pool"] * 3
        assert read["protocol"].to_pylist() == [None, "rejection_sampling", "p"]


def test_a_field_outside_the_schema_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no accuracy; it has experiment"):
        write_curves(tmp_path, [({"accuracy": 0.5}, tmp_path)])
