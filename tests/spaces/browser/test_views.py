"""Every view in light, in dark and on a phone: its shade, something to see, nothing cut or over the edge."""

from pathlib import Path

import pytest

from tests.spaces.browser.conftest import MODES, SHOTS, drawn, idle, open_tab, tabs

WITH_PLOT = {"The law", "Extrapolate", "Plan", "Your data", "Compare", "Responses"}
SHADE = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("mode", MODES)
def test_every_view(visit, mode):
    page = visit(mode=mode)
    shade = page.evaluate(SHADE)
    assert max(shade) < 80 if mode == "dark" else min(shade) > 200
    SHOTS.mkdir(parents=True, exist_ok=True)
    wrong = []
    for number, name in enumerate(tabs(page)):
        open_tab(page, name)
        wrong += [f"{name}: {each}" for each in _looked_at(page, name)]
        _shoot(page, SHOTS / f"{number}-{mode}.png")
    assert not wrong, "\n".join(wrong)


def _shoot(page, path: Path) -> None:
    """All of the page, in a window as high as it is: one that grows for the picture draws its figures anew."""
    size = page.viewport_size
    page.set_viewport_size({**size, "height": page.evaluate("document.documentElement.scrollHeight")})
    drawn(page)
    page.screenshot(path=path)
    page.set_viewport_size(size)


def _looked_at(page, name: str) -> list[str]:
    panel = page.locator("[role=tabpanel]:visible").first
    if name in WITH_PLOT:  # a figure is drawn in several goes
        panel.locator(".js-plotly-plot:visible .trace").first.wait_for(state="attached")
    return [
        *(["nothing to read"] if len(panel.inner_text()) < 200 else []),
        *(f"a message of an error: {text}" for text in page.locator(".toast-body").all_inner_texts()),
        *page.evaluate(LOOK),
    ]


def test_a_figure_tells_more_where_the_mouse_is(visit, ladder):
    page = visit()
    idle(page)
    page.locator(".js-plotly-plot .point").nth(1).hover(force=True)
    hover = page.locator(".hoverlayer").first
    hover.locator("text").first.wait_for()
    students = ladder["train_seed"].nunique()
    assert f"students: {students}" in hover.text_content() and "sd of one student" in hover.text_content()
