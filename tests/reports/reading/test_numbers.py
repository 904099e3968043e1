"""Numbers as people write them; what may be read in two ways is decided by the table, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.reports.reading.numbers import Role, are_numbers, numbers
from toolkit.reports.reading.table import Table, read

ROLES = {"r": Role.WHOLE, "error": Role.SHARE, "loss": Role.OPEN, "sd": Role.SHARE}


def values(text):
    table = read(text)
    found, _ = numbers(table, {name: ROLES[name] for name in table.names})
    return [column.values for column in found.values()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r;error\n1;0,913\n2;0,8\n", [[1, 2], [0.913, 0.8]]),
        ('r,error\n"1,000",0.9\n"2,000",0.8\n', [[1000, 2000], [0.9, 0.8]]),
        ("r;error\n1,000;0.9\n12,000,000;0.8\n", [[1000, 12_000_000], [0.9, 0.8]]),
        ("r\terror\n1,000\t91\n2,000\t85\n", [[1000, 2000], [91, 85]]),
        ("r;error\n1.000;0,9\n2.000;0,8\n", [[1000, 2000], [0.9, 0.8]]),
        ("r,error\n1.000,0.900\n2.000,0.800\n", [[1, 2], [0.9, 0.8]]),
        ("r;error\n1 000;90,5 %\n2\u00a0000;80 %\n3\u202f000;70%\n", [[1000, 2000, 3000], [90.5, 80, 70]]),
        ("r;error\n1'000;0.9\n2\u2019000;0.8\n", [[1000, 2000], [0.9, 0.8]]),
        ("r;loss\n1;1.234,5\n2;12,345.678\n", None),
        ("r;loss\n1;1.234,5\n2;987,25\n", [[1, 2], [1234.5, 987.25]]),
        ("r;loss\n1;1,234.5\n2;987.25\n", [[1, 2], [1234.5, 987.25]]),
        ("r,loss\n1,2.345\n2,2.123\n", [[1, 2], [2.345, 2.123]]),
        ("r;error\n1;12,345\n2;10,123\n", [[1, 2], [12.345, 10.123]]),
        ("r;error\n1,00E+03;9,1E-01\n2,5E+03;8E-1\n", [[1000, 2500], [0.91, 0.8]]),
        ("r,error\n1e3,9e\u22121\n.5,1.\n", [[1000, 0.5], [0.9, 1]]),
        ("r,error\n1,True\n2,false\n", [[1, 2], [1, 0]]),
        ("r;error\n1,5;0,9\n2,250;0,8\n", [[1.5, 2.25], [0.9, 0.8]]),
    ],
)
def test_numbers_as_people_write_them(text, expected):
    if expected is None:
        with pytest.raises(ValueError, match=r"has a decimal comma .*, row 3 a decimal point"):
            values(text)
    else:
        assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r;error\n1,000;0,9\n2,000;0,8\n", "row 2, column 'r': '1,000' may be 1000 or 1: write it without a mark"),
        ("r;error\n1,000;91\n2,000;85\n", "row 2, column 'r': '1,000' may be 1000 or 1"),
        ("r;error\n1.000;91\n2.000;85\n", "row 2, column 'r': '1.000' may be 1 or 1000"),
        ("r;loss\n1;2,345\n2;2,123\n", "row 2, column 'loss': '2,345' may be 2345 or 2.345"),
        ("r;loss\n1;2.345\n2;1,024\n", "row 2, column 'loss': '2.345' may be 2.345 or 2345"),
        ('r,error\n1,0.9\n2,"0,8"\n', "row 3, column 'error' has a decimal comma .'0,8'., row 2 a decimal point"),
        ("r;loss\n1;1.234\n2;0,9\n", "row 2, column 'loss': '1.234' may be 1.234 or 1234"),
        ("r;loss\n1;2,345\n2;2.1\n", "row 2, column 'loss': '2,345' may be 2345 or 2.345"),
        ("r;loss\n0.5;2,345\n1;2,123\n", "row 2, column 'loss': '2,345' may be 2345 or 2.345"),
        ("r;error\n1;91,234\n2;90.5\n", "row 2, column 'error': '91,234' may be 91234 or 91.234"),
        ("r;error\n1.000;0,9\n2,5;0,8\n", "row 2, column 'r': '1.000' may be 1 or 1000"),
        ("r,error\n1,9 %\n2,0.8\n", "row 3, column 'error' has no percent sign, others have"),
        ("r;error\n12 34;0.9\n", "row 2, column 'r': '12 34' is not a number"),
        ("r;error\n1'2;0.9\n", "row 2, column 'r': \"1'2\" is not a number"),
        ("r;error\n1,02.5;0.9\n", "row 2, column 'r': '1,02.5' is not a number"),
        ("r;error\n1,00,000;0.9\n", "row 2, column 'r': '1,00,000' is not a number"),
        ("r,error\n1,0.9±0.01\n", "'0.9±0.01' holds a value and its spread; give each a column of its own"),
        ("r,error\n1,0.9 (0.01)\n", "holds a value and its spread"),
        ("r,error\n1,0.9 +/- 0.01\n", "holds a value and its spread"),
        ("r,error\n1,n/a\n", "'n/a' is not a measured number"),
        ("r,error\n1,-\n", "'-' is not a measured number"),
        ("r,error\n1k,0.9\n", "'1k' is not a number"),
        ("r,error\n1_000,0.9\n", "'1_000' is not a number"),
        ("r,error\n0x10,0.9\n", "'0x10' is not a number"),
        ("r,error\n2024-01-02,0.9\n", "'2024-01-02' is not a number"),
        ("r,error\n1e999,0.9\n", "'1e999' is not a number"),
        ("r,error\n,0.9\n", "row 2, column 'r': the cell is empty"),
        ("r,error\n1,**0.9**\n", "is not a number"),
        ("r,error\n1,<0.1\n", "is not a number"),
        ("r,error\n1,3/4\n", "is not a number"),
        ("r,error\n1,True\n2,0.5\n", "row 2, column 'error': 'True' is not a number"),
    ],
)
def test_what_is_no_number_or_two_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        values(text)


def test_what_could_be_read_otherwise_is_said():
    _, notes = numbers(read("r;error\n1.000;0,9\n2.000;0,8\n"), {"r": Role.WHOLE, "error": Role.SHARE})
    assert notes == ["column 'r': '1.000' is read as 1000", "column 'error': '0,9' is read as 0.9"]
    assert numbers(read('r,error\n"1,024",0.9\n0.5,1\n'), {"r": Role.WHOLE})[1] == [
        "column 'r': '1,024' is read as 1024"
    ]
    assert numbers(read("r,error\n1,0.9\n"), {"r": Role.WHOLE, "error": Role.SHARE})[1] == []


def grouped(value: float, decimal: str, between: str) -> str:
    whole, _, part = f"{value:,.4f}".partition(".")
    return f"{whole.replace(',', between)}{decimal}{part}"


STYLES = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "\u202f")]


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**6)), min_size=1, max_size=8),
    st.sampled_from(STYLES),
    st.sampled_from(["", "%", " %"]),
)
def test_a_table_in_any_style_reads_back_as_the_same_numbers(rows, style, sign):
    decimal, between = style
    cells = [[grouped(r, decimal, between), grouped(share / 10**4, decimal, between) + sign] for r, share in rows]
    found, _ = numbers(Table(["r", "error"], cells, list(range(len(cells)))), {"r": Role.WHOLE, "error": Role.SHARE})
    assert found["r"].values == [r for r, _ in rows]
    assert found["error"].values == [share / 10**4 for _, share in rows]
    assert found["error"].signed == bool(sign)


@given(
    st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 1000)), min_size=1, max_size=8),
    st.sampled_from(STYLES),
    st.sampled_from([";", "\t"]),
)
def test_whole_budgets_in_groups_read_back_or_are_refused(rows, style, separator):
    decimal, between = style
    lines = [f"{f'{r:,}'.replace(',', between)}{separator}{f'{e / 1000:.3f}'.replace('.', decimal)}" for r, e in rows]
    table = read("\n".join([f"r{separator}error", *lines]))
    try:
        found, _ = numbers(table, {"r": Role.WHOLE, "error": Role.SHARE})
    except ValueError as error:
        assert "may be" in str(error) or "decimal comma" in str(error)
    else:
        assert found["r"].values == [r for r, _ in rows] and found["error"].values == [e / 1000 for _, e in rows]


def test_columns_of_numbers_are_distinguished_from_text():
    table = read("a;b;c\n1,5;1;x\n2;2 %;3\n")
    assert are_numbers(table, "a") and are_numbers(table, "b") and not are_numbers(table, "c")
