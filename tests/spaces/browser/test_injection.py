"""Names and texts of others are shown as they are: no script runs, no link or image is made of them."""

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.spaces.browser.conftest import choose, idle, open_tab, tabs
from tests.spaces.browser.evil import EVIL, TEXTS
from tests.spaces.browser.test_uploads import answer, drop, measured
from tests.spaces.browser.test_views import LOOK

# Elements that only mark-up of somebody's could have made.
MADE = """() => [...document.querySelectorAll('[onerror], img[src="x"], a[href^="javascript:" i], script')]
    .filter(each => each.matches(':not(script)') || each.textContent.startsWith('alert('))
    .map(each => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def messages():
    """What scripts have said."""
    return []


@pytest.fixture(scope="module")
def opened(stay, evil, messages):
    """One page for all tests: it opens with the results, and tables are dropped on it afterwards."""
    page = stay(url=evil.url)
    page.on("dialog", lambda dialog: (messages.append(dialog.message), dialog.dismiss()))
    return page


@pytest.fixture
def page(opened, evil, messages):
    yield opened
    assert messages == [] and not evil.log.exists()


def test_results_with_mark_up_are_shown_as_text(page):
    expect(page.get_by_label("Experiment", exact=True)).to_have_value(EVIL, timeout=30_000)
    expect(page.get_by_label("Teacher > student base", exact=True)).to_have_value(EVIL, timeout=30_000)
    expect(page.get_by_label("Ladder", exact=True)).not_to_have_value("", timeout=30_000)
    assert EVIL in page.get_by_label("Ladder", exact=True).input_value()
    words = {}
    for name in tabs(page):
        open_tab(page, name)
        panel = page.locator("[role=tabpanel]:visible").first
        panel.locator(".js-plotly-plot:visible .trace").first.wait_for(state="attached")
        assert page.evaluate(MADE) == [], name
        words[name] = panel.inner_text()
    assert EVIL in words["Plan"] and EVIL in words["Your data"]
    assert EVIL in words["Responses"]  # in its tables
    assert page.get_by_label("Question, as it is given to the teacher").input_value() == EVIL
    for label in ("Experiment", "Ladder"):  # the choices of a list
        page.get_by_label(label, exact=True).click()
        page.get_by_role("option").first.wait_for()
        assert EVIL in page.get_by_role("option").first.inner_text() and page.evaluate(MADE) == []
        page.keyboard.press("Escape")


def test_arms_with_mark_up_are_text_and_a_link_brings_back_what_was_chosen_and_saved(page, evil):
    query = "?view=compare&experiment=arms&metric=length_mean&transfer=error"
    page.goto(evil.url + query)
    page.locator("#arms-figure .trace").first.wait_for(state="attached")
    idle(page)
    panel = page.locator("[role=tabpanel]:visible").first
    assert EVIL in panel.inner_text() and page.evaluate(MADE) == [] and page.evaluate(LOOK) == []
    assert page.get_by_label("Intrinsic: metric of the corpora").input_value() == "length_mean"
    assert page.get_by_label("test error", exact=True).is_checked() and "metric=length_mean" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Save CSV of the arms").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert {row["metric"] for row in rows} == {"length_mean"} and EVIL in {row["arm"] for row in rows}
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG of the arms").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_table_with_mark_up_is_shown_as_text(page):
    columns = dict.fromkeys(("arm", *TEXTS))
    rows = [
        {"budget": r, "error": error, "seed": seed} | dict.fromkeys(columns, text)
        for r, seed, error in measured()
        for text in TEXTS
    ]
    open_tab(page, "Your data")
    output = drop(page, "table.json", json.dumps(rows).encode())
    shown = 8 // len(TEXTS) * len(columns) + 1  # in the cells of the first rows, and as the name of a column
    assert [output.inner_text().count(text) for text in TEXTS] == [shown] * len(TEXTS) and page.evaluate(MADE) == []
    answer(page, "Values of 1 or less", "fraction")
    answer(page, "Students were trained with", "matched optimiser steps")
    answer(page, "The budget counts responses", "sampled")
    page.get_by_role("button", name="Show the law of these data").click()
    page.wait_for_function("document.querySelector('#read').innerText.includes('is shown in every view')")
    idle(page)
    expect(page.get_by_label("Ladder", exact=True)).to_have_value(re.compile(re.escape(TEXTS[0])))
    for name in tabs(page):
        open_tab(page, name)
        assert page.evaluate(MADE) == [], name
    open_tab(page, "The law")
    for text in TEXTS[1:]:
        choose(page, "Ladder", f"{text}, matched steps")
        idle(page)
        assert page.evaluate(MADE) == [], text


def test_a_link_with_mark_up_is_shown_as_text(page, evil):
    page.goto(f"{evil.url}?budget={EVIL}&experiment={EVIL}&y={EVIL}&pair={TEXTS[1]}")
    notice = page.locator("#notice")
    notice.wait_for()
    assert TEXTS[0] in notice.inner_text() and page.evaluate(MADE) == []
