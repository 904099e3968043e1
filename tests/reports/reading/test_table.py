"""Dialects of tables: every one reads back as the cells that were written, and what is unclear is refused."""

import json
import struct
from decimal import Decimal
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.reports.reading.rows import TableLimits
from toolkit.reports.reading.table import read, read_file

NAMES, ROWS = ["r", "error"], [["1", "0.9"], ["2", "0.8"]]
SAME = {
    "commas": "r,error\n1,0.9\n2,0.8\n",
    "semicolons": "r;error\r\n1;0.9\r\n2;0.8\r\n",
    "tabs": "r\terror\n1\t0.9\n2\t0.8",
    "bars": "r|error\n1|0.9\n2|0.8\n",
    "spaces": "r     error\n1     0.9\n 2    0.8  \n",
    "several tabs": "r\t\terror\n1\t0.9\n2\t\t0.8\n",
    "old Macintosh": "r,error\r1,0.9\r2,0.8\r",
    "spaces beside separators": "r , error\n 1 , 0.9\n2 ,0.8\n",
    "quotes": '"r","error"\n"1","0.9"\n"2","0.8"\n',
    "quotes after spaces": '"r", "error"\n"1", "0.9"\n"2", "0.8"\n',
    "blank lines": "\n\nr,error\n\n1,0.9\n,\n2,0.8\n\n",
    "empty columns at the end": "r,error,,\n1,0.9,,\n2,0.8,,\n",
    "separators at the end": "r,error\n1,0.9,\n2,0.8,\n",
    "an empty column between": "r,,error\n1,,0.9\n2,,0.8\n",
    "comments above": "# made by x, version 2\n#\nr,error\n1,0.9\n2,0.8\n",
    "a comment below": "r,error\n1,0.9\n2,0.8\n# end\n",
    "Excel's separator": "sep=;\nr;error\n1;0.9\n2;0.8\n",
    "Excel's CSV UTF-8": "\ufeffr,error\r\n1,0.9\r\n2,0.8\r\n",
    "an index of pandas": ",r,error\n0,1,0.9\n1,2,0.8\n",
    "write.csv of R": '"","r","error"\n"1",1,0.9\n"2",2,0.8\n',
    "write.table of R": '"r" "error"\n"1" 1 0.9\n"2" 2 0.8\n',
    "printed by pandas": "   r  error\n0  1    0.9\n1  2    0.8\n",
    "printed by R": "  r error\n1 1   0.9\n2 2   0.8\n",
    "Markdown": "| r | error |\n|---|:-----:|\n| 1 | 0.9 |\n| 2 | 0.8 |\n",
    "Markdown of pandas": "|    |   r | error |\n|---:|----:|------:|\n|  0 |   1 |   0.9 |\n|  1 |   2 |   0.8 |\n",
    "a table of pandoc": "r | error\n--|--\n1 | 0.9\n2 | 0.8\n",
    "a line of dashes": "r   error\n--- -----\n1   0.9\n2   0.8\n",
    "a JSON list": '[{"r": 1, "error": 0.9}, {"r": 2, "error": 0.8}]',
    "an indented list": '[\n {\n  "r": 1,\n  "error": 0.9\n },\n {"r": 2, "error": 0.8}\n]\n',
    "JSON lines": '{"r": 1, "error": 0.9}\n{"error": 0.8, "r": 2}\n',
    "columns": '{"r": [1, 2], "error": [0.9, 0.8]}',
    "columns of pandas": '{"r": {"0": 1, "1": 2}, "error": {"0": 0.9, "1": 0.8}}',
}
REFUSED = {
    "decimal commas between commas": ("r,error\n1,0,9\n2,0,8\n", "row 2 has 3 cells, the header 2"),
    "thousands between spaces": ("r error\n1 024 0.9\n2 048 0.8\n", "row 2 has 3 cells, the header 2"),
    "the same below a header set in": (" r error\n1 024 0.9\n2 048 0.8\n", "row 2 has 3 cells, the header 2"),
    "an sd without a name": ("r error\n1 0.9 0.01\n2 0.8 0.01\n", "row 2 has 3 cells, the header 2"),
    "a row commented out": ("r,error\n1,0.9\n#2,0.8\n", "row 3 begins with #, a comment or a cell: delete the row"),
    "a header commented out": ("# r error\n1 0.9\n", "row 2 holds numbers, .*take the # from the line above"),
    "comments alone": ("# nothing\n", "comments and no rows"),
    "a name that stands twice": ("r,error,error\n1,0.9,0.8\n", "row 1 has two columns named 'error': rename one"),
    "a column without a name": ("r,error,\n1,0.9,0.01\n", "row 2 has 3 cells, the header 2"),
    "one between": ("r,,error\n1,7,0.9\n", "row 1, column 2 has no name"),
    "a workbook": (b"PK\x03\x04\x14\0", "not text but a binary file .a workbook or archive.: save"),
    "compressed": (b"\x1f\x8b\x08\0", "a binary file .compressed."),
    "no parquet": (b"PAR1 garbage PAR1", "it is no parquet file that can be read"),
    "results of lm-eval": (
        '{"results": {"gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.3}}, "n-shot": {"gsm8k": 5}}',
        r"it is one JSON object \(results, n-shot\) and no table: write a list of flat objects",
    ),
    "a list in an object": ('{"data": [{"r": 1}]}', r"it is one JSON object \(data\) and no table"),
    "columns of other lengths": ('{"r": [1, 2], "error": [0.9]}', "it is one JSON object"),
    "a name twice in an object": ('[{"r": 1, "error": 0.9, "r": 2}]', "an object names 'r' twice"),
    "no names": ("[{}]", "the header has no columns"),
    "a list of lists": ("[[1, 2]]", "row 1 is no flat object"),
    "deep JSON": ("[" * 100_000, "it is nested too deep"),
    "deep JSON lines": ('{"a":' * 100_000, "row 1 is no JSON of a table: it is nested too deep"),
    "an open quote": ('r,error\n1,"0.9\n', "a quote is not closed"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "text"])
def test_one_table_in_every_dialect(name, encoding):
    text = SAME[name]
    table = read(text if encoding == "text" else text.removeprefix("\ufeff").encode(encoding))
    assert sorted(table.names) == sorted(NAMES)
    assert [table.cells(name) for name in NAMES] == [list(column) for column in zip(*ROWS, strict=True)]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unclear_is_refused_with_its_remedy(name):
    given_, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        read(given_)


@pytest.mark.parametrize(("text", "numbers"), [
    ("# a\n\nr,error\n\n1,0.9\n2,0.8", [5, 6]),
    ('[{"r": 1, "error": 2}, {"r": 3, "error": 4}]', [1, 2]),
    ('\n{"r": 1, "error": 2}\n\n{"r": 3, "error": 4}', [2, 4]),
])  # fmt: skip
def test_rows_are_numbered_as_in_the_file(text, numbers):
    assert read(text).numbers == numbers


def test_names_may_hold_other_separators():
    for text in (
        "r exact_match,strict-match\n1 0.3\n2 0.5\n",
        "r\texact_match,strict-match\n1\t0.3\n2\t0.5\n",
        'r,"exact_match,strict-match"\n1,0.3\n2,0.5\n',
        "r;exact_match,strict-match\n1;0.3\n2;0.5\n",
    ):
        table = read(text)
        assert table.names == ["r", "exact_match,strict-match"] and table.rows == [["1", "0.3"], ["2", "0.5"]]


def test_wide_spaces_separate_names_and_numbers_with_single_ones():
    table = read("responses   test error\n1 000       0.9\n2 000       0.8\n")
    assert table.names == ["responses", "test error"] and table.rows == [["1 000", "0.9"], ["2 000", "0.8"]]


def test_json_numbers_stay_as_they_were_written():
    text = '{"n": 9007199254740993, "tokens": 1e400, "time": 36000000, "error": 0.70, "ok": true, "none": null}'
    assert read(text).rows == [["9007199254740993", "1e400", "36000000", "0.70", "True", ""]]


def parquet_of(table, **options):
    file = BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_parquet_keeps_every_digit():
    columns = {
        "float32": pa.array([0.7, None], pa.float32()),
        "double": pa.array([0.1, 1e-20]),
        "whole": pa.array([9007199254740993, -1]),
        "decimal": pa.array([Decimal("0.9130"), Decimal("12345678901234567890.1234")], pa.decimal128(38, 4)),
        "text": pa.array(["None", None]),
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "bool": pa.array([True, None]),
    }
    table = read(parquet_of(pa.table(columns)))
    assert dict(zip(table.names, zip(*table.rows, strict=True), strict=True)) == {
        "float32": ("0.7", ""), "double": ("0.1", "1e-20"), "whole": ("9007199254740993", "-1"),
        "decimal": ("0.9130", "12345678901234567890.1234"), "text": ("None", ""), "kind": ("a", "b"),
        "bool": ("True", ""),
    }  # fmt: skip


def test_parquet_is_bounded_before_it_is_read():
    small = TableLimits(size=10_000, rows=100, columns=5, letters=20)
    with pytest.raises(ValueError, match="it has 1,000 rows: at most 100 are taken"):
        read(parquet_of(pa.table({"r": pa.array([1] * 1000)})), small)
    packed = parquet_of(pa.table({"r": pa.array(["a" * 1_000_000])}), compression="zstd")
    assert len(packed) < small.size
    with pytest.raises(ValueError, match=r"it unpacks to 1 MB: at most 0\.08 MB are taken"):
        read(packed, small)
    with pytest.raises(ValueError, match="column 'r' holds lists, objects or binary data"):
        read(parquet_of(pa.table({"r": [[1]]})))
    with pytest.raises(ValueError, match="column 'r' holds lists, objects or binary data"):
        read(parquet_of(pa.table({"r": pa.array([b"a"], pa.large_binary())})))
    with pytest.raises(ValueError, match="row 1, column 'r' holds 21 letters: at most 20 are taken"):
        read(parquet_of(pa.table({"r": ["a" * 21]})), small)


def test_a_damaged_parquet_file_is_named_plainly():
    whole = bytearray(parquet_of(pa.table({"r": list(range(1000))})))
    for place in range(4, len(whole) - 4, 7):
        damaged = bytes(whole[:place]) + struct.pack("B", whole[place] ^ 0xFF) + bytes(whole[place + 1 :])
        try:
            read(damaged)
        except ValueError as error:
            assert str(error)


def test_only_the_columns_that_are_asked_for_are_kept_and_judged(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"r": 1, "doc": {"question": "?"}, "error": 0.5}\n')
    table = read_file(tmp_path / "a.jsonl", {"r", "error"})
    assert table.names == ["r", "error"] and table.rows == [["1", "0.5"]]
    with pytest.raises(ValueError, match="it has no column 'loss'; it has r, doc, error"):
        read_file(tmp_path / "a.jsonl", {"loss"})


WORD = st.text(st.characters(categories=("L",)), min_size=1, max_size=8)
CELL = st.one_of(WORD, st.integers().map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr))


@given(
    names=st.lists(WORD, min_size=2, max_size=4, unique=True),
    rows=st.lists(st.lists(CELL, min_size=4, max_size=4), min_size=1, max_size=5),
    separator=st.sampled_from([",", ";", "\t", "|", " ", "   "]),
    line=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoted=st.booleans(),
)
def test_whatever_is_written_reads_back(names, rows, separator, line, encoding, quoted):
    cells = [names, *(row[: len(names)] for row in rows)]
    mark = '"' if quoted else ""
    text = line.join(separator.join(f"{mark}{cell}{mark}" for cell in row) for row in cells)
    table = read(text.encode(encoding))
    assert table.names == names and table.rows == cells[1:]


@given(st.lists(st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_json_and_parquet_read_back(rows):
    objects = [{"r": budget, "error": error} for budget, error in rows]
    as_lines = read("\n".join(map(json.dumps, objects)))
    assert read(json.dumps(objects)).rows == as_lines.rows
    assert [(int(r), float(error)) for r, error in as_lines.rows] == rows
    floats = [error for _, error in rows]
    as_floats = read(parquet_of(pa.table({"error": pa.array(floats, pa.float64())})))
    assert [float(cell) for (cell,) in as_floats.rows] == floats
    narrow = [float(np.float32(error)) for error in floats if abs(error) < 1e30] or [0.5]
    as_narrow = read(parquet_of(pa.table({"error": pa.array(narrow, pa.float32())})))
    assert [float(np.float32(cell)) for (cell,) in as_narrow.rows] == narrow
