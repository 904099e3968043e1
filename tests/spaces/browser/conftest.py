"""The Space in a real browser: Debian's headless Chromium against a server process that may not leave the machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[3]
SHOTS = ROOT / "build" / "screenshots"
# The shell has no windows of its own to draw, and starts in a quarter of the time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 60_000  # milliseconds: time is no verdict on a shared machine
FRAMES = 12  # what a click triggers begins within a few frames, and so does one event after another
# Whether LOOK says the same as that many frames ago, and not null.
STEADY = """frames => {
    const seen = JSON.stringify(LOOK);
    window.steadyFrames = seen !== 'null' && seen === window.seenLast ? window.steadyFrames + 1 : 0;
    window.seenLast = seen;
    return window.steadyFrames >= frames;
}"""
LINKED = "document.querySelector('#link textarea, #link input')?.value"
WAITING = Path(__file__).with_name("waiting.js")
IDLE = "window.isWaiting() ? null : true"
SIZES = "[...document.querySelectorAll('.main-svg')].map(each => Object.values(each.getBoundingClientRect().toJSON()))"
MODES = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Chromium, one for a file of tests; skips where there is none.

    Its driver runs an event loop in this thread, in which no other test could start one: it ends with the file.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path: `apt-get install chromium-headless-shell` on Debian brings it")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as driver:
        sync_api.expect.set_options(timeout=PATIENCE)
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The Space on the bundled example: its `url`, and the `log` of addresses that it tried to reach elsewhere."""
    with _served(tmp_path_factory.mktemp("space"), "guarded.py") as served:
        yield served


@pytest.fixture(scope="module")
def evil(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """As `space`, on results whose names and texts would like to be mark-up."""
    folder = tmp_path_factory.mktemp("evil")
    with _served(folder, "evil.py", str(folder / "example")) as served:
        yield served


@contextmanager
def _served(folder: Path, script: str, *more: str) -> Iterator[SimpleNamespace]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/", folder / "elsewhere.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FSS_", "HF_", "GRADIO_"))}
    environment |= {"GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name(script)), str(log), *more]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(url, process, folder / "output")
        yield SimpleNamespace(url=url, log=log)
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def contexts(browser) -> Iterator[dict[str, Any]]:
    """Give for each mode what a browser keeps between visits: only the first one compiles the page's scripts."""
    opened = {mode: browser.new_context(**settings) for mode, settings in MODES.items()}
    for context in opened.values():
        context.set_default_timeout(PATIENCE)
        context.add_init_script(path=WAITING)
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture
def visit(contexts, space) -> Iterator[Callable]:
    """Opens a page of the Space in a mode.

    At the end no page met an error, and neither a page nor the server asked another machine for anything.
    """
    with _visits(contexts, space) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def stay(contexts, space) -> Iterator[Callable]:
    """As `visit`, for a page that the tests of a file share, as a reader does: opening one takes seconds."""
    with _visits(contexts, space) as open_page:
        yield open_page


@contextmanager
def _visits(contexts: dict[str, Any], space: SimpleNamespace) -> Iterator[Callable]:
    pages, wrong = [], []

    def open_page(query: str = "", mode: str = "light", url: str = space.url):
        page = contexts[mode].new_page()
        pages.append(page)
        page.on("request", lambda request: wrong.append(request.url) if _foreign(request.url) else None)
        page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
        page.goto(url + query)
        page.locator(".js-plotly-plot").first.wait_for(state="attached")
        page.wait_for_function(LINKED)  # the last thing that the page does as it opens
        return page

    yield open_page
    for page in pages:
        page.close()
    assert wrong == [] and not space.log.exists(), (wrong, space.log.exists() and space.log.read_text())


def idle(page) -> None:
    """Wait until what was triggered is shown."""
    _steady(page, IDLE)


def drawn(page) -> None:
    """Wait until figures have their sizes."""
    _steady(page, SIZES)


def _steady(page, look: str) -> None:
    page.evaluate("window.steadyFrames = 0")
    page.wait_for_function(STEADY.replace("LOOK", look), arg=FRAMES)


def tabs(page) -> list[str]:
    """Names of all views; on a phone most of their tabs are behind a menu."""
    return page.locator(".tab-wrapper .visually-hidden button").all_text_contents()


def open_tab(page, name: str) -> None:
    tab, more = page.get_by_role("tab", name=name, exact=True), page.get_by_role("button", name="More tabs")
    if not tab.is_visible() and more.is_visible():
        more.click()
        tab = page.locator(".overflow-dropdown").get_by_role("button", name=name, exact=True)
    tab.click()
    idle(page)


def choose(page, label: str, option: str) -> None:
    """Pick from a dropdown as people do."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def _foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"


def _wait(url: str, process: subprocess.Popen, output: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"the Space did not answer: {output.read_text()}")
