"""Rows of anybody's file: numbers as they were written, every packing and encoding, and plain refusals."""

import bz2
import datetime
import gzip
import json
import lzma
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.records.cells import CellError, Number, as_json, cell_text
from toolkit.records.parquet_limits import FileLimits, ParquetError
from toolkit.records.reading import format_of, read_records
from toolkit.records.texts import RecordError

SPELLINGS = ["0.7", "2", "0.70", "0.023340601", "6.022e23", "1E-7", "9007199254740993", "-0.0", "1" * 5000]


def read(path: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read_records(path, **options))


def test_json_numbers_are_the_text_that_stood_there(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(f'{{"n": {text}, "t": "x"}}\n' for text in SPELLINGS))
    whole = tmp_path / "a.json"
    whole.write_text("[" + ",".join(f'{{"n": {text}, "t": "x"}}' for text in SPELLINGS) + "]")
    for path in (lines, whole):
        rows = read(path)
        assert [row["n"] for row in rows] == SPELLINGS
        assert {type(row["n"]) for row in rows} == {Number} and {type(row["t"]) for row in rows} == {str}


@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.text())
def test_json_is_written_as_it_was_read(numbers: list[Any], text: str) -> None:
    from toolkit.records.reading import _DECODER

    spelled = json.dumps({text: numbers, "t": text, "none": None, "yes": True}, indent=None)
    again = as_json(_DECODER.decode(spelled))
    assert json.loads(again) == json.loads(spelled)
    assert all(json.dumps(number) in again for number in numbers)


COLUMNS: list[tuple[pa.DataType, list[Any], list[str]]] = [
    (pa.float32(), [0.7, 2, 1e-10, 6.022e23], ["0.7", "2.0", "1e-10", "6.022e+23"]),
    (pa.float64(), [0.7, 0.023340601, 6.022e23, 1 / 3], ["0.7", "0.023340601", "6.022e+23", "0.3333333333333333"]),
    (pa.float16(), [np.float16(0.7)], ["0.7"]),
    (pa.int64(), [9007199254740993, -1], ["9007199254740993", "-1"]),
    (pa.uint64(), [2**64 - 1], [str(2**64 - 1)]),
    (pa.decimal128(20, 6), [Decimal("0.7"), Decimal("2"), Decimal("100")], ["0.7", "2", "100"]),
    (pa.decimal256(60, 10), [Decimal("0.0000000001"), Decimal("0")], ["0.0000000001", "0"]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"], ["a", "b", "a"]),
    (pa.binary(), ["é".encode()], ["é"]),
    (pa.large_string(), ["x "], ["x"]),
    (pa.dictionary(pa.int32(), pa.int64()), [7, 7], ["7", "7"]),
]


@pytest.mark.parametrize(("kind", "values", "texts"), COLUMNS, ids=lambda value: str(value)[:20])
def test_parquet_cells_have_the_shortest_text_of_their_own_width(
    tmp_path: Path, kind: pa.DataType, values: list[Any], texts: list[str]
) -> None:
    pq.write_table(pa.table({"n": pa.array(values, kind)}), tmp_path / "a.parquet")
    assert [cell_text(row["n"]) for row in read(tmp_path / "a.parquet")] == texts


def test_csv_fields_stay_what_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfq, a \r\n"two\r\nlines, ""quoted""",0.70\r\n\r\nNA,007\r\n')
    assert read(path) == [{"q": 'two\r\nlines, "quoted"', "a": "0.70"}, {"q": "NA", "a": "007"}]
    path.write_text('q;"a,b";c\nx;1,5;2\n')
    assert read(path) == [{"q": "x", "a,b": "1,5", "c": "2"}]
    (tmp_path / "a.tsv").write_text("q,r\ta\nx\t1\n")
    assert read(tmp_path / "a.tsv") == [{"q,r": "x", "a": "1"}]
    path.write_text(f"q\n{'x' * 200_000}\n")  # beyond the limit that Python's reader begins with
    assert len(read(path)[0]["q"]) == 200_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_files_that_name_their_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"q": "Größe\u2028 ½"}\r\n{"q": "b"}\r\n'.encode(encoding))
    assert read(tmp_path / "a.jsonl") == [{"q": "Größe\u2028 ½"}, {"q": "b"}]
    (tmp_path / "a.csv").write_bytes("q\r\nGröße\r\n".encode(encoding))
    assert read(tmp_path / "a.csv") == [{"q": "Größe"}]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".XZ", lzma.compress)])
def test_packed_files_are_read_and_torn_ones_named(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack("".join(f'{{"n": {number}.50}}\n' for number in range(20_000)).encode())
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(packed)
    assert [row["n"] for row in read(path)][-1] == "19999.50"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(RecordError, match=rf"a\.jsonl\{suffix} cannot be read: "):
        read(path)
    path.write_bytes(b"rubbish")
    with pytest.raises(RecordError, match=rf"a\.jsonl\{suffix} cannot be read: "):
        read(path)


def test_json_tables_of_columns_are_rows(tmp_path: Path) -> None:
    for text in ('{"q": {"0": "a", "1": "b"}, "n": {"0": 0.70, "1": 2}}', '{"q": ["a", "b"], "n": [0.70, 2]}'):
        (tmp_path / "a.json").write_text(text)
        assert read(tmp_path / "a.json") == [{"q": "a", "n": "0.70"}, {"q": "b", "n": "2"}]


REFUSED: list[tuple[str, bytes, str]] = [
    ("a.jsonl", '{"q": 1}\n{"q": "é"}\n'.encode("latin-1"), r"a\.jsonl, line 2: byte 0xe9 is not UTF-8: save"),
    ("a.csv", "q\né\n".encode("latin-1"), r"a\.csv, line 2: byte 0xe9 is not UTF-8"),
    ("a.jsonl", '{"q": 1}\n'.encode("utf-16-le"), r"a\.jsonl holds zero bytes \(UTF-16 without its mark\?\)"),
    ("a.jsonl", b"\xff\xfe{", r"a\.jsonl, after line 0: not utf-16 \(truncated data\): save it as UTF-8"),
    ("a.jsonl", b'{"q": 1}\n\n{"q": \n', r"a\.jsonl, line 3 is not readable JSON \(column 6: Expecting value\)"),
    ("a.jsonl", b'{"q": 1}\n[1]\n', r"a\.jsonl, line 2 holds .*, not an object: write each row as"),
    ("a.jsonl", b'{"q": 1, "q": 2}\n', r"a\.jsonl, line 1 has the key 'q' twice: remove one"),
    ("a.jsonl", b'{"q": ' + b"[" * 100_000, r"a\.jsonl, line 1 is nested too deep"),
    ("a.json", b'[{"q": 1}, 2]', r"a\.json, row 1 holds '2', not an object"),
    ("a.json", b'{"data": [{"q": 1}], "version": 2}', r"a\.json is one object, not a list of rows"),
    ("a.json", b"7", r"a\.json does not hold a list of rows"),
    ("a.json", b"", r"a\.json is not readable JSON \(column 1: Expecting value\)"),
    ("a.json", b'[{"q": 1},\n{"q"]', r"a\.json is not readable JSON \(line 2, column 5: Expecting ':' delimiter\)"),
    ("a.csv", b"a,b\n1,2\n1,2,3\n", r"a\.csv, line 3 has 3 fields where the header has 2: put quotes"),
    ("a.csv", b'a,b\n1,"2\n1,2\n', r"a\.csv, line 3 is not readable CSV \(unexpected end of data\)"),
    ("a.csv", b"a,a\n1,2\n", r"a\.csv has 2 columns 'a': rename all but one"),
    ("a.xlsx", b"PK", r"a\.xlsx: cannot tell what file this is; use one of .*\.csv"),
    ("a.parquet", b"PAR1", r"a\.parquet is not a readable parquet file"),
]


@pytest.mark.parametrize(("name", "content", "message"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        read(tmp_path / name)
    assert isinstance(raised.value, RecordError | ParquetError)


def test_limits_are_on_rows_and_on_what_a_file_unpacks_to(tmp_path: Path) -> None:
    path = tmp_path / "zeros.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"q": 1}\n' * 100_000))
    with pytest.raises(RecordError, match=r"zeros\.jsonl\.gz holds more than 500,000 characters: take a part"):
        read(path, limits=FileLimits(bytes=500_000))
    with pytest.raises(RecordError, match=r"zeros\.jsonl\.gz holds more than 99,999 rows"):
        read(path, limits=FileLimits(rows=99_999))
    (tmp_path / "zeros.json.gz").write_bytes(gzip.compress(b"[" + b" " * 2_000_000 + b"]"))
    with pytest.raises(RecordError, match=r"zeros\.json\.gz .* 1,000,00\d characters: take a part"):
        read(tmp_path / "zeros.json.gz", limits=FileLimits(bytes=1_000_000))


def test_repeated_columns_matter_only_where_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("q,,\nx,1,2\n")
    assert read(tmp_path / "a.csv", columns=["q"])[0]["q"] == "x"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "holds null"),
        (True, "holds true"),
        ([1], r"holds \[1\] \(a list\)"),
        ({}, r"holds {} \(an object\)"),
        (float("inf"), "holds Infinity: .* finite number"),
        (np.float32("nan"), "holds NaN"),
        (" \n", "not blank"),
        (b"\xff", "bytes that are not UTF-8"),
        (datetime.date(2024, 1, 2), r'holds "2024-01-02" \(of type date\)'),
        ("a\ud800", "half a character"),
    ],
)
def test_what_is_no_text_says_so(value: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        cell_text(value)
    assert cell_text(" ", blank=True) == ""


def test_formats_go_by_the_suffix() -> None:
    names = {"a.jsonl": "jsonl", "a.CSV": "csv", "a.tsv.gz": "csv", "a.parquet": "parquet", "a.b.json.xz": "json"}
    assert {name: format_of(name) for name in names} == names
    assert [format_of(name) for name in ("org/name", "a.gz", "a.parquet.gz", "org/set-v1.5", "")] == [None] * 5
