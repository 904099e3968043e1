"""A link shows another reader the same controls and the same numbers."""

import re
from urllib.parse import parse_qs, urlsplit

from tests.spaces.browser.conftest import choose, idle, open_tab, tabs

CONTROLS = """() => [...document.querySelectorAll('input, textarea')].filter(each => !each.disabled).map(each => [
    each.getAttribute('aria-label') ?? each.labels[0]?.innerText, each.type === 'radio' ? each.checked : each.value])"""


def record(page) -> dict[str, list]:
    """View -> its words and the values of its controls; figures by the names in their legends."""
    found = {}
    for name in tabs(page):
        open_tab(page, name)
        panel = page.locator("[role=tabpanel]:visible").first
        found[name] = [panel.locator(".prose:visible").all_inner_texts(), page.locator(".legendtext").all_inner_texts()]
    return found | {"banner": [page.locator("#banner").inner_text()], "controls": [page.evaluate(CONTROLS)]}


def test_a_link_brings_back_every_control_and_number(visit):
    page = visit()
    choose(page, "Fit up to r =", "8")
    page.locator("#link textarea, #link input").first.wait_for()
    page.get_by_label("accuracy", exact=True).check()
    open_tab(page, "Extrapolate")
    page.get_by_label("number input for Budget: responses per question").fill("24")
    page.get_by_label("number input for Budget: responses per question").press("Enter")
    page.get_by_label("50 %", exact=True).check()
    page.wait_for_function("location.search.includes('budget=24') && location.search.includes('level=50')")
    idle(page)
    query = urlsplit(page.url).query
    output = {name: values[0] for name, values in parse_qs(query).items()}
    assert output | {"upto": "8", "budget": "24", "level": "50", "y": "accuracy", "exploratory": "1"} == output
    assert page.locator("#link textarea, #link input").first.input_value() == page.url
    shown = record(page)  # before another page is in front: the browser draws a hidden one once a second
    other = visit(f"?{query}")
    idle(other)
    assert other.get_by_role("tab", selected=True).inner_text() == "Extrapolate"
    assert "Exploratory" in other.locator("#banner").inner_text()
    assert record(other) == shown


def test_a_link_that_asks_for_what_is_not_there_says_so(visit):
    page = visit("?upto=7&budget=lots&y=<b>both</b>")
    notice = page.locator("#notice")
    notice.wait_for()
    text = notice.inner_text()
    assert "no rung r = 7" in text and "budget = lots cannot be used: it is not a number" in text
    assert "y = <b>both</b> cannot be used: choices are error, accuracy" in text
    assert re.search(r"forecast \d+\.\d\d %", page.locator("[role=tabpanel]:visible").first.inner_text())
