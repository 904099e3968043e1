"""For people without a mouse or without a screen; and nothing is asked of another machine."""

import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.spaces.browser.conftest import open_tab, tabs

NAMED = {"textbox", "combobox", "listbox", "slider", "spinbutton", "radio", "checkbox", "button", "tab", "link"}
FOCUSED = """() => { const at = document.activeElement; return at === document.body ? null : [at.tagName, at.type ?? '',
    at.getAttribute('aria-label') ?? at.labels?.[0]?.innerText ?? at.innerText ?? '',
    getComputedStyle(at).outlineStyle, getComputedStyle(at).boxShadow, getComputedStyle(at).borderColor]; }"""


def test_every_control_has_a_name_for_a_screen_reader_and_no_view_leaves_the_machine(visit, space):
    page = visit()
    session = page.context.new_cdp_session(page)
    nameless, record = [], set()
    for tab in tabs(page):
        open_tab(page, tab)
        for node in session.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if node.get("ignored") or role not in NAMED:
                continue
            name = node.get("name", {}).get("value", "").strip()
            record.add((role, name))
            nameless += [f"{tab}: a {role} without a name"] if not name else []
    assert nameless == [] and len({role for role, _ in record}) >= 5 and len(record) > 20
    assert not space.log.exists(), space.log.read_text()


def test_the_tab_key_reaches_every_kind_of_control(visit):
    page = visit()
    open_tab(page, "Extrapolate")
    page.locator("body").press("Home")
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    labels = " | ".join(str(each[2]) for each in reached if each)
    for expected in (
        "Results",
        "Experiment",
        "Fit up to r =",
        "Held-out rung",
        "Budget: responses per question",
        "Copy",
    ):
        assert expected.lower() in labels.lower(), (expected, labels)


def test_keys_alone_change_view_and_budget(visit):
    page = visit()
    page.get_by_role("tab", selected=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("tab", selected=True).inner_text() == "Extrapolate"
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function("location.search.includes('budget=65')")


def test_something_real_is_on_the_page_before_any_script_asks_for_more(space, forecast):
    with urllib.request.urlopen(space.url) as answer:
        text = answer.read().decode()
    assert f"forecast {100 * forecast['law']['mean']:.2f} %" in text
    assert "held out, observed" in text and "trust the shapes" in text


def test_the_guard_of_the_server_sees_what_leaves(tmp_path):
    log, guarded = tmp_path / "log", Path(__file__).with_name("guarded.py")
    code = f"""
import runpy, socket, pathlib
runpy.run_path({str(guarded)!r})["guard"](pathlib.Path({str(log)!r}))
for reach in (lambda: socket.create_connection(("192.0.2.1", 9), 1), lambda: socket.getaddrinfo("hub.invalid", 443)):
    try:
        reach()
    except OSError as error:
        assert "may not leave the machine" in str(error), error
    else:
        raise AssertionError
listening = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listening.getsockname()).close()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["socket.getaddrinfo"] * 2
