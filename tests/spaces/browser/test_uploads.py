"""Files that people drop on the page: what is good is shown in every view, what is bad is told with row and column."""

import json

import pytest

from tests.spaces.browser.conftest import open_tab

ROWS = [(r, seed, round(0.3 + 1.2 / (1 + r**0.7) + 0.004 * seed, 4)) for r in (1, 2, 4, 8, 16) for seed in (0, 1, 2)]
COMMAS = "budget,error,seed\n" + "".join(f"{r},{error},{seed}\n" for r, seed, error in ROWS)
GOOD = {
    "fractions.csv": COMMAS,
    "percent.tsv": "r\taccuracy\trun\n" + "".join(f"{r}\t{100 - 100 * e:.2f}\t{s}\n" for r, s, e in ROWS),
    "lines.jsonl": "".join(json.dumps({"budget": r, "error": e, "seed": s}) + "\n" for r, s, e in ROWS),
    "list.json": "\ufeff" + json.dumps([{"budget": r, "error": e, "seed": s} for r, s, e in ROWS]),
    "excel.csv": COMMAS.replace(",", ";").replace(".", ",").encode("utf-16"),
}
BAD = {
    "binary.csv": (b"PAR1\0\0\0\1", "it is not text but a binary file"),
    "latin.csv": ("größe,error\n1,0.9\n".encode("latin-1"), "is not text in UTF-8"),
    "empty.csv": (b"\n\n", "there is nothing in it"),
    "missing.csv": (b"budget,error\n1,0.9\n2,NaN\n", "row 3, column 'error': 'NaN' is not a measured number"),
    "long.csv": (b"budget,error\n" + b"1,0.9\n" * 2001, "it has 2,001 rows: at most 2,000 are taken"),
    "ragged.csv": (b"budget,error\n1,0.9\n2,0.8,0.7\n", "row 3"),
    "markup.csv": (COMMAS.replace("1,", "<img src=x onerror=alert(1)>,", 1).encode(), "row 2, column 'budget'"),
}


def drop(page, name: str, content: bytes):
    """Drops a file; the words about it."""
    dropped = {"name": name, "mimeType": "text/plain", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(dropped)
    output = page.locator("#read .prose").first
    output.get_by_text("rows,").or_(output.get_by_text("cannot be read")).first.wait_for()
    return output


def answer(page, question: str, option: str) -> None:
    page.locator("fieldset", has_text=question).get_by_label(option, exact=True).check()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_shown_in_every_view(visit, name):
    page = visit("?view=yours")
    open_tab(page, "Your data")
    assert (
        "15 rows, 3 columns"
        in drop(page, name, GOOD[name] if name == "excel.csv" else GOOD[name].encode()).inner_text()
    )
    if name != "percent.tsv":
        answer(page, "Values of 1 or less", "fraction")
    answer(page, "Students were trained with", "matched optimiser steps")
    answer(page, "The budget counts responses", "sampled")
    page.get_by_role("button", name="Show the law of these data").click()
    page.wait_for_function("document.querySelector('#read').innerText.includes('is shown in every view')")
    page.wait_for_function("document.querySelector('#banner').innerText.includes('Exploratory')")
    open_tab(page, "The law")
    words = page.locator("[role=tabpanel]:visible").first
    words.get_by_text("r = 16: forecast").first.wait_for()
    observed = 100 * sum(error for r, _, error in ROWS if r == 16) / 3
    assert f"observed {observed:.2f} %" in words.inner_text()
    assert "toy" not in page.locator("#banner").inner_text()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_reported_by_row_and_column(visit, name):
    page = visit("?view=yours")
    open_tab(page, "Your data")
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
def test_a_file_without_a_byte_or_with_too_many_is_reported(visit, size, output):
    page = visit("?view=yours")
    open_tab(page, "Your data")
    assert output in drop(page, "table.csv", b"9" * size).inner_text()


def test_a_file_of_10_megabytes_is_not_taken(visit):
    page = visit("?view=yours")
    open_tab(page, "Your data")
    dropped = {"name": "table.csv", "mimeType": "text/csv", "buffer": b"9" * 10_000_000}
    page.locator("input[type=file]").first.set_input_files(dropped)
    output = page.get_by_text("exceed the maximum allowed size").first
    output.wait_for()
    assert "2" in output.inner_text() and "table.csv" in output.inner_text()
