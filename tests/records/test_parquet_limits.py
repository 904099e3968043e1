"""A stranger's parquet file is read within limits: by its footer first, then in small batches that are counted."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.records.parquet_limits import FileLimits, ParquetError, read_batches, read_rows

MEBIBYTE = 2**20


def write(path: Path, table: pa.Table, **options: object) -> Path:
    pq.write_table(table, path, **options)
    return path


def bomb(path: Path, rows: int) -> Path:
    """Write a text of 1 MiB in every row, which its dictionary holds once: some 50 kB, with a small footer."""
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * MEBIBYTE])
    return write(path, pa.table({"text": repeated, "number": list(range(rows))}))


def test_rows_come_in_order_with_the_columns_asked_for(tmp_path: Path) -> None:
    columns = {"a.b": ["x", None, "y"] * 1000, "list": [["a"], [], None] * 1000, "number": list(range(3000))}
    path = write(tmp_path / "a.parquet", pa.table(columns))
    assert list(read_rows(path)) == pa.table(columns).to_pylist()
    assert [list(row) for row in read_rows(path, ["number", "a.b"])][-1] == ["number", "a.b"]
    assert [batch.num_rows for batch in read_batches(path, ["number"])] == [1024, 1024, 952]


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_text_is_read(tmp_path: Path, text: pa.DataType) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"t": pa.array(["a", None, "b", "a"]).cast(text)}))
    read = [row["t"].decode() if isinstance(row["t"], bytes) else row["t"] for row in read_rows(path)]
    assert read == ["a", None, "b", "a"]


def test_the_footer_refuses_before_a_row_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "zeros.parquet", pa.table({"n": [0] * 5000, "t": ["x" * 100 + str(n) for n in range(5000)]})
    )
    with pytest.raises(ParquetError, match=r"zeros\.parquet holds 5,000 rows, more than the 4,999 allowed"):
        next(read_batches(path, limits=FileLimits(rows=4999)))
    with pytest.raises(ParquetError, match=r"zeros\.parquet unpacks to .* GiB or more, beyond the"):
        next(read_batches(path, limits=FileLimits(bytes=500_000)))
    assert sum(batch.num_rows for batch in read_batches(path, ["n"], FileLimits(bytes=500_000))) == 5000


def test_a_text_repeated_by_its_dictionary_is_counted_as_often_as_it_stands(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.parquet", 3000)
    assert path.stat().st_size < MEBIBYTE // 4
    pool, read = pa.default_memory_pool(), 0
    start = pool.bytes_allocated()
    with pytest.raises(ParquetError, match=r"bomb\.parquet unpacks to 2\.0 GiB or more, beyond the 1\.5 GiB"):
        for batch in read_batches(path, limits=FileLimits(bytes=3 * 2**29)):
            read += batch.num_rows
            assert pool.bytes_allocated() - start < 600 * MEBIBYTE
    assert read == 1024


def test_texts_that_share_their_beginning_come_few_at_a_time(tmp_path: Path) -> None:
    table = pa.table({"t": ["y" * MEBIBYTE + str(number) for number in range(300)]})
    path = write(tmp_path / "d.parquet", table, use_dictionary=False, column_encoding={"t": "DELTA_BYTE_ARRAY"})
    largest = max(batch.nbytes for batch in read_batches(path))
    assert largest < 300 * MEBIBYTE


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "rubbish.parquet").write_bytes(b"PAR1 rubbish PAR1")
    with pytest.raises(ParquetError, match=r"rubbish\.parquet is not a readable parquet file"):
        next(read_rows(tmp_path / "rubbish.parquet"))
    with pytest.raises(ParquetError, match=r"absent\.parquet is not a readable parquet file: .*No such file"):
        next(read_rows(tmp_path / "absent.parquet"))
    good = write(tmp_path / "good.parquet", pa.table({"n": list(range(100_000))}))
    damaged = good.read_bytes()
    (tmp_path / "torn.parquet").write_bytes(damaged[:200] + bytes(300) + damaged[500:])
    with pytest.raises(ParquetError, match=r"torn\.parquet is not a readable parquet file"):
        list(read_rows(tmp_path / "torn.parquet"))


def test_missing_and_repeated_columns_are_named(tmp_path: Path) -> None:
    twice = write(tmp_path / "twice.parquet", pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(ParquetError, match=r"twice\.parquet has 2 columns 'a': rename all but one"):
        next(read_rows(twice))
    with pytest.raises(ParquetError, match=r"twice\.parquet has no column 'b', only a, a"):
        next(read_rows(twice, ["b"]))
