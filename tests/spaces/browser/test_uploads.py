"""Files that people drop on the page: what is good is shown in every view, what is bad is told with row and column."""

import json

import pytest

from tests.spaces.browser.conftest import open_tab

READ = "document.querySelector('#read .prose')?.innerText ?? ''"


def measured(shift: float = 0.0) -> list[tuple[int, int, float]]:
    """Budget, seed and error of 15 students."""
    return [
        (r, seed, round(0.3 + shift + 1.2 / (1 + r**0.7) + 0.004 * seed, 4))
        for r in (1, 2, 4, 8, 16)
        for seed in range(3)
    ]


def commas(rows) -> str:
    return "budget,error,seed\n" + "".join(f"{r},{error},{seed}\n" for r, seed, error in rows)


def objects(rows) -> list[dict]:
    return [{"budget": r, "error": e, "seed": s} for r, s, e in rows]


GOOD = {
    "fractions.csv": lambda rows: commas(rows).encode(),
    "percent.tsv": lambda rows: (
        "r\taccuracy\trun\n" + "".join(f"{r}\t{100 - 100 * e:.2f}\t{s}\n" for r, s, e in rows)
    ).encode(),
    "lines.jsonl": lambda rows: "".join(json.dumps(row) + "\n" for row in objects(rows)).encode(),
    "list.json": lambda rows: ("\ufeff" + json.dumps(objects(rows))).encode(),
    "excel.csv": lambda rows: commas(rows).replace(",", ";").replace(".", ",").encode("utf-16"),
}
BAD = {
    "binary.csv": (b"PAR1\0\0\0\1", "it is not text but a binary file"),
    "latin.csv": ("größe,error\n1,0.9\n".encode("latin-1"), "is not text in UTF-8"),
    "empty.csv": (b"\n\n", "there is nothing in it"),
    "missing.csv": (b"budget,error\n1,0.9\n2,NaN\n", "row 3, column 'error': 'NaN' is not a measured number"),
    "long.csv": (b"budget,error\n" + b"1,0.9\n" * 2001, "it has 2,001 rows: at most 2,000 are taken"),
    "ragged.csv": (b"budget,error\n1,0.9\n2,0.8,0.7\n", "row 3"),
    "markup.csv": (
        commas(measured()).replace("1,", "<img src=x onerror=alert(1)>,", 1).encode(),
        "row 2, column 'budget'",
    ),
}


@pytest.fixture(scope="module")
def opened(stay):
    return stay("?view=yours")


@pytest.fixture
def page(opened):
    """The one page of this file, at the view that takes files: the next file takes the place of the one before."""
    open_tab(opened, "Your data")
    return opened


def choose_file(page, name: str, content: bytes) -> None:
    """Drop a file, in place of an earlier one."""
    # Tables of other views have hidden inputs for files, too.
    inputs = page.locator("[role=tabpanel]:visible input[type=file]")
    if not inputs.count():
        page.get_by_role("button", name="Clear", exact=True).click()
    inputs.first.set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})


def drop(page, name: str, content: bytes):
    """Drops a file; the words about it, once they are others than before."""
    before = page.evaluate(READ)
    choose_file(page, name, content)
    page.wait_for_function(f"before => !['', before].includes({READ})", arg=before)
    output = page.locator("#read .prose").first
    output.get_by_text("rows,").or_(output.get_by_text("cannot be read")).first.wait_for()
    return output


def answer(page, question: str, option: str) -> None:
    page.locator("fieldset", has_text=question).get_by_label(option, exact=True).check()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_shown_in_every_view(page, name):
    rows = measured(shift=0.01 * list(GOOD).index(name))  # each file has numbers of its own
    assert "15 rows, 3 columns" in drop(page, name, GOOD[name](rows)).inner_text()
    if name != "percent.tsv":
        answer(page, "Values of 1 or less", "fraction")
    answer(page, "Students were trained with", "matched optimiser steps")
    answer(page, "The budget counts responses", "sampled")
    page.get_by_role("button", name="Show the law of these data").click()
    page.wait_for_function("document.querySelector('#read').innerText.includes('is shown in every view')")
    page.wait_for_function("document.querySelector('#banner').innerText.includes('Exploratory')")
    open_tab(page, "The law")
    words = page.locator("[role=tabpanel]:visible").first
    observed = 100 * sum(error for r, _, error in rows if r == 16) / 3
    words.get_by_text(f"observed {observed:.2f} %").first.wait_for()
    assert "r = 16: forecast" in words.inner_text()
    assert "toy" not in page.locator("#banner").inner_text()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_reported_by_row_and_column(page, name):
    content, why = BAD[name]
    output = drop(page, name, content)
    if name in ("markup.csv", "missing.csv"):  # a table of text like any other, until it is taken for numbers
        answer(page, "Students were trained with", "matched optimiser steps")
        answer(page, "The budget counts responses", "sampled")
        page.get_by_role("button", name="Show the law of these data").click()
        page.wait_for_function("document.querySelector('#read').innerText.includes('cannot be read')")
        assert page.locator("#read img").count() == 0
    assert why in output.inner_text() and "This cannot be read" in output.inner_text()


@pytest.mark.parametrize(("size", "output"), [(0, "there is nothing in it"), (1_500_000, "at most 1 MB are taken")])
def test_a_file_without_a_byte_or_with_too_many_is_reported(page, size, output):
    drop(page, "other.csv", commas(measured(shift=0.5)).encode())  # `empty.csv` may be here, with the same words
    assert output in drop(page, "table.csv", b"9" * size).inner_text()


def test_a_file_of_10_megabytes_is_not_taken(page):
    choose_file(page, "table.csv", b"9" * 10_000_000)
    output = page.get_by_text("exceed the maximum allowed size").first
    output.wait_for()
    assert "2" in output.inner_text() and "table.csv" in output.inner_text()
