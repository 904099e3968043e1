"""The Space of the law of fixed-source synthesis: see it, extrapolate it, plan with it.

Who is where: `data` reads results; `selection` is the row of controls over all views and what they mean; `fitting`
holds the numbers (the functions of `fss fit` and `fss plan`); `views/` has a file per tab with a small common interface
(see `views/__init__.py`); `links` puts every control into the URL; `guards` has the words of caution; `plots` and
`theme` the look; `api` what `gradio_client` can call. Here: the frame, what triggers what, and the launch.

Run it with `python app.py`; it listens on the loopback address unless GRADIO_SERVER_NAME says otherwise.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: nothing is sent anywhere

import gradio as gr
from gradio.data_classes import GradioModel

import api
import guards
import links
import selection
from data import EXAMPLE, Experiment
from memory import share_arenas
from scale import Scale
from theme import CSS, JS, THEME
from views import View, compare, extrapolate, law, plan, responses, your_data

VIEWS = (law, extrapolate, plan, your_data, compare, responses)
INTRO = (
    "# When does generating more synthetic data help?\n"
    "Fixed questions, fixed teacher, more responses: what was measured, the law fitted to it, and what that allows "
    "to say."
)
LAUNCH: dict[str, Any] = {
    "theme": THEME,
    "css": CSS,
    "js": JS,
    "footer_links": ["api"],
    "ssr_mode": False,
    "max_threads": 16,
    "max_file_size": "2mb",  # a table is refused beyond half of it, in words
    "state_session_capacity": 500,
}
FRAMED = (gr.Plot, gr.Markdown)  # outputs that leave an empty frame or a button without use where nothing is in them
START: list[str | None] = [None] * len(selection.NAMES)
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build() -> gr.Blocks:
    """The page with its events; queue limits set."""
    with gr.Blocks(title="The law of fixed-source synthesis", analytics_enabled=False) as page:
        gr.Markdown(INTRO)
        yours = gr.State(None)
        chosen, scale = selection.build()
        controls = dict(zip(selection.NAMES, chosen, strict=True))
        notice = gr.Markdown(elem_id="notice", visible=False)
        banner = gr.Markdown(elem_id="banner")
        views, view, opened = _tabs(yours)
        _fill(views, banner)
        link = gr.Textbox(label="Link to what is shown", elem_id="link", interactive=False, buttons=["copy"])
        _wire(page, yours, controls, scale, notice, banner, views, view, opened, link)
        api.add()
    return page.queue(max_size=200, default_concurrency_limit=4)


def _tabs(yours: gr.State) -> tuple[list[View], gr.Textbox, gr.Checkbox]:
    """The views in their tabs, and out of sight: the name of the open one, and whether the link has been read."""
    view, opened = gr.Textbox(law.NAME, visible=False), gr.Checkbox(False, visible=False)
    with gr.Tabs(selected=law.NAME) as tabs:
        built = [_tab(module, yours, view, opened) for module in VIEWS]
    view.change(lambda name: gr.Tabs(selected=name), view, tabs, **QUIET)
    return built, view, opened


def _tab(module: Any, yours: gr.State, view: gr.Textbox, opened: gr.Checkbox) -> View:
    with gr.Tab(module.TITLE, id=module.NAME) as tab:
        built: View = module.build(yours)
    # A tab also says that it is selected when the page is drawn: until its link is read, that is no choice of a view.
    tab.select(None, [opened, view], view, js=f"(opened, view) => opened ? '{module.NAME}' : view", **QUIET)
    return built


def _fill(views: list[View], banner: gr.Markdown) -> None:
    """What the page opens with goes out with the page itself, so that something real is there at once."""
    chosen = selection.settle(START)[0]
    banner.value = guards.banner(chosen.toy, chosen.why)
    for built in views:
        values = built.render(chosen, *(knob.value for knob in built.controls.values()))
        for output, value in zip(built.outputs, values, strict=True):
            if output in built.controls.values():  # links leave out what a control starts with: that stays
                continue
            shown = output.postprocess(value)
            output.value = shown.model_dump() if isinstance(shown, GradioModel) else shown
            if isinstance(output, FRAMED):
                output.visible = _there(value)


def _wire(
    page: gr.Blocks,
    yours: gr.State,
    controls: Mapping[str, Any],
    scale: gr.Radio,
    notice: gr.Markdown,
    banner: gr.Markdown,
    views: list[View],
    view: gr.Textbox,
    opened: gr.Checkbox,
    link: gr.Textbox,
) -> None:
    """Opening, choosing and turning knobs: settle the selection, render the views, write the link."""
    own: dict[str, Any] = {"y": scale} | {name: control for built in views for name, control in built.controls.items()}
    linked = {name: links.Linked(control, None) for name, control in controls.items()}
    linked |= {name: links.Linked(control, control.value) for name, control in {**own, "view": view}.items()}
    # What was settled on, None as the page opens; every view follows it, whatever changed it (a link, a control, ...).
    settled = gr.State(None)
    chosen, heads = list(controls.values()), [settled, *controls.values(), banner, notice]
    query = gr.Textbox("", visible=False)

    def opening(request: gr.Request) -> list[Any]:
        values, wrong = links.read(linked, dict(request.query_params))
        heads = _settled([values[name] for name in controls], None, wrong)
        if not request.query_params:  # the page came with what it opens with
            heads[0] = gr.skip()
        return [*heads, *(values[name] for name in own), values["view"], True]

    page.load(opening, None, [*heads, *own.values(), view, opened], **QUIET)
    for index, control in enumerate(chosen):
        control.input(_changed(index), [yours, *chosen], heads, **QUIET)
    yours.change(_uploaded, yours, heads, **QUIET)
    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    for module, built in zip(VIEWS, views, strict=True):
        knobs = list(built.controls.values())
        triggers = [settled.change, scale.input, *(knob.input for knob in knobs), *([view.change] * built.lazy)]
        render = _rendered(built, module.NAME)
        gr.on(triggers, render, [yours, settled, scale, view, *knobs], built.outputs, **latest)
    moved = [settled.change, view.change, opened.change, *(knob.input for knob in own.values())]
    addressed = gr.on(moved, _address(linked), [yours, settled, *own.values(), view], query, **latest)
    addressed.then(None, query, link, js=links.REPLACE, **QUIET)


def _settled(values: list[Any], yours: Experiment | None, messages: list[str]) -> list[Any]:
    """Updates of the selection's controls, the banner and the notice."""
    try:
        chosen, more = selection.settle(values, yours)
    except ValueError as error:
        chosen, more = (
            selection.settle([EXAMPLE, *[None] * 6])[0],
            [f"{guards.plain(str(error))}. Shown is the example."],
        )
    messages = [*messages, *more]
    notice = gr.update(value="\n\n".join(messages), visible=bool(messages))
    return [chosen.values, *selection.updates(chosen, yours), guards.banner(chosen.toy, chosen.why), notice]


def _changed(index: int) -> Callable[..., list[Any]]:
    """A control of the selection was set: those above it stay, those below start anew (range and rung all stay)."""
    kept = len(selection.NAMES) if index >= selection.RANGE else index + 1

    def changed(yours: Experiment | None, *values: Any) -> list[Any]:
        return _settled([*values[:kept], *[None] * (len(values) - kept)], yours, [])

    return changed


def _uploaded(yours: Experiment | None) -> list[Any]:
    return _settled([yours.origin if yours else EXAMPLE, *[None] * 6], yours, [])


def _rendered(view: View, name: str) -> Callable[..., list[Any]]:
    """The view's render on the values of selection and view; what is wrong is told where its words go."""

    def rendered(yours: Experiment | None, settled: list[str] | None, scale: str, open_: str, *knobs: Any) -> list[Any]:
        if view.lazy and name != open_:
            return _emptied(view, "")
        try:
            chosen = selection.settle(settled or START, yours)[0]._replace(scale=Scale(scale == "accuracy"))
            return _shown(view, view.render(chosen, *knobs))
        except ValueError as error:
            return _emptied(view, f"**This cannot be shown.** {guards.plain(str(error))}")

    return rendered


def _emptied(view: View, message: str) -> list[Any]:
    """These words, and nothing else; controls stay as they are."""
    controls = list(view.controls.values())
    return _shown(view, [message, *(gr.skip() if output in controls else None for output in view.outputs[1:])])


def _shown(view: View, values: list[Any]) -> list[Any]:
    """A figure or words that are not there leave no empty frame."""
    return [
        gr.update(value=value, visible=_there(value)) if isinstance(output, FRAMED) else value
        for output, value in zip(view.outputs, values, strict=True)
    ]


def _there(value: Any) -> bool:
    return value is not None and value != ""


def _address(linked: dict[str, links.Linked]) -> Callable[..., str]:
    """The query of what is shown; nothing of the selection where it is the one that the page opens with."""

    def address(yours: Experiment | None, settled: list[str] | None, *others: Any) -> str:
        chosen, first = selection.settle(settled or START, yours)[0], selection.settle(START)[0]
        names = START if chosen.values == first.values else chosen.values
        return links.query(linked, dict(zip(linked, [*names, *others], strict=True)), bool(chosen.why))

    return address


if __name__ == "__main__":
    share_arenas()
    build().launch(**LAUNCH)
