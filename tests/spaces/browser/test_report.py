"""What people take away: the report's figure and texts as files, saved by the browser; and a search that narrows."""

import csv
import json
from pathlib import Path

from tests.spaces.browser.conftest import idle


def saved(page, kind: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save {kind}", exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_the_report_is_saved_in_every_form(visit, ladder, forecast):
    page = visit("?view=yours")
    page.get_by_text("As declared before the fit").wait_for()
    idle(page)
    assert saved(page, "PNG").startswith(b"\x89PNG") and b"<svg" in saved(page, "SVG")[:200]
    assert json.loads(saved(page, "JSON"))["forecasts"][0]["r"] == forecast["held_out"]
    rows = list(csv.DictReader(saved(page, "CSV").decode().splitlines()))
    assert [float(row["error"]) for row in rows] == ladder["error"].tolist()
    assert "forecast(" in saved(page, "Python").decode()


def test_a_search_shows_the_first_match_and_a_link_keeps_it(visit):
    page = visit("?view=responses&find=coins")
    request = page.get_by_label("Question, as it is given to the teacher")
    page.get_by_text("2 of 24 questions").wait_for()
    assert "coins" in request.input_value()
    page.get_by_label("Search the questions").press_sequentially(" do they")
    page.get_by_text("1 of 24 questions").or_(page.get_by_text("no question contains")).wait_for()
    assert page.locator(".toast-body").count() == 0
