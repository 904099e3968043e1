"""Serve the Space of the law of fixed-source synthesis: see it, extrapolate it, plan with it.

The modules: `data` reads results; `selection` is the row of controls over all views and what they mean; `fitting`
computes the numbers (by the functions of `fss fit` and `fss plan`); `views/` has a file per tab with a small common
interface (see `views/__init__.py`); `links` puts every control into the URL; `guards` has the cautions; `plots` and
`theme` define the style; `api` is what `gradio_client` can call. This module has the frame, the events and the launch.

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
    "Fixed questions, fixed teacher, more responses: the measured errors, the law fitted to them, and what can be "
    "concluded from it."
)
LAUNCH: dict[str, Any] = {
    "theme": THEME,
    "css": CSS,
    "js": JS,
    "footer_links": ["api"],
    "ssr_mode": False,
    "max_threads": 16,
    "max_file_size": "2mb",  # a table beyond half of it is refused with an explanation
    "state_session_capacity": 500,
}
FRAMED = (gr.Plot, gr.Markdown)  # outputs that leave an empty frame or a useless button where they are empty
START: list[str | None] = [None] * len(selection.NAMES)
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build() -> gr.Blocks:
    """Build the page with its events and queue limits."""
    with gr.Blocks(title="The law of fixed-source synthesis", analytics_enabled=False) as page:
        gr.Markdown(INTRO)
        yours = gr.State(None)
        choice, scale = selection.build()
        controls = dict(zip(selection.NAMES, choice, strict=True))
        notice = gr.Markdown(elem_id="notice", visible=False)
        banner = gr.Markdown(elem_id="banner")
        views, view, opened = _tabs(yours)
        _fill(views, banner)
        link = gr.Textbox(label="Link to what is shown", elem_id="link", interactive=False, buttons=["copy"])
        _wire(page, yours, controls, scale, notice, banner, views, view, opened, link)
        api.add()
    return page.queue(max_size=200, default_concurrency_limit=4)


def _tabs(yours: gr.State) -> tuple[list[View], gr.Textbox, gr.Checkbox]:
    """Build the views in their tabs and, invisibly, the name of the open one and whether the link has been read."""
    view, opened = gr.Textbox(law.NAME, visible=False), gr.Checkbox(False, visible=False)
    with gr.Tabs(selected=law.NAME) as tabs:
        tab_views = [_tab(module, yours, view, opened) for module in VIEWS]
    view.change(lambda name: gr.Tabs(selected=name), view, tabs, **QUIET)
    return tab_views, view, opened


def _tab(module: Any, yours: gr.State, view: gr.Textbox, opened: gr.Checkbox) -> View:
    with gr.Tab(module.TITLE, id=module.NAME) as tab:
        tab_view: View = module.build(yours)
    # A tab also reports that it is selected when the page is drawn, which counts only after the link has been read.
    tab.select(None, [opened, view], view, js=f"(opened, view) => opened ? '{module.NAME}' : view", **QUIET)
    return tab_view


def _fill(views: list[View], banner: gr.Markdown) -> None:
    """Put the first values into the page itself, so that it opens with results."""
    choice = selection.settle(START)[0]
    banner.value = guards.banner(choice.toy, choice.why, choice.one_budget)
    for tab_view in views:
        values = tab_view.render(choice, *(knob.value for knob in tab_view.controls.values()))
        for output, value in zip(tab_view.outputs, values, strict=True):
            if output in tab_view.controls.values():  # links leave out a control's first value, so it stays
                continue
            if isinstance(output, gr.Column):
                output.visible = value
                continue
            processed = output.postprocess(value)
            output.value = processed.model_dump() if isinstance(processed, GradioModel) else processed
            if isinstance(output, FRAMED):
                output.visible = _is_filled(value)


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
    """Connect the events: settle the selection, render the views, write the link."""
    own: dict[str, Any] = {"y": scale} | {
        name: control for tab_view in views for name, control in tab_view.controls.items()
    }
    linked = {name: links.Linked(control, None) for name, control in controls.items()}
    linked |= {name: links.Linked(control, control.value) for name, control in {**own, "view": view}.items()}
    # The settled selection, None as the page opens; every view follows it, whatever changed it (a link or a control).
    settled = gr.State(None)
    choice, heads = list(controls.values()), [settled, *controls.values(), banner, notice]
    query = gr.Textbox("", visible=False)

    def opening(request: gr.Request) -> list[Any]:
        if not request.query_params:  # the page came with its first values, and may have been used already
            return [gr.skip()] * (len(outputs) - 1) + [True]
        values, wrong = links.read(linked, dict(request.query_params))
        return [
            *_settled([values[name] for name in controls], None, wrong),
            *(values[name] for name in own),
            values["view"],
            True,
        ]

    outputs = [*heads, *own.values(), view, opened]
    page.load(opening, None, outputs, **QUIET)
    for index, control in enumerate(choice):
        control.input(_changed(index), [yours, *choice], heads, **QUIET)
    yours.change(_uploaded, yours, heads, **QUIET)
    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    for module, tab_view in zip(VIEWS, views, strict=True):
        knobs = list(tab_view.controls.values())
        triggers = [settled.change, scale.input, *(knob.input for knob in knobs), *([view.change] * tab_view.lazy)]
        render = _rendered(tab_view, module.NAME)
        gr.on(triggers, render, [yours, settled, scale, view, *knobs], tab_view.outputs, **latest)
    moves = [settled.change, view.change, opened.change, *(knob.input for knob in own.values())]
    address_event = gr.on(moves, _address(linked), [yours, settled, *own.values(), view], query, **latest)
    address_event.then(None, query, link, js=links.REPLACE, **QUIET)


def _settled(values: list[Any], yours: Experiment | None, messages: list[str]) -> list[Any]:
    """Return updates of the selection's controls, the banner and the notice."""
    try:
        choice, more = selection.settle(values, yours)
    except ValueError as error:
        choice, more = (
            selection.settle([EXAMPLE, *[None] * 6])[0],
            [f"{guards.plain(str(error))}. The example is shown instead."],
        )
    messages = [*messages, *more]
    notice = gr.update(value="\n\n".join(messages), visible=bool(messages))
    return [
        choice.values,
        *selection.updates(choice, yours),
        guards.banner(choice.toy, choice.why, choice.one_budget),
        notice,
    ]


def _changed(index: int) -> Callable[..., list[Any]]:
    """Return the event of a control of the selection: those above it stay, those below start anew (not the range)."""
    unchanged = len(selection.NAMES) if index >= selection.RANGE else index + 1

    def changed(yours: Experiment | None, *values: Any) -> list[Any]:
        return _settled([*values[:unchanged], *[None] * (len(values) - unchanged)], yours, [])

    return changed


def _uploaded(yours: Experiment | None) -> list[Any]:
    return _settled([yours.origin if yours else EXAMPLE, *[None] * 6], yours, [])


def _rendered(view: View, name: str) -> Callable[..., list[Any]]:
    """Return the event that renders a view on the values of selection and view; its first output shows errors."""

    def rendered(yours: Experiment | None, settled: list[str] | None, scale: str, open_: str, *knobs: Any) -> list[Any]:
        if view.lazy and name != open_:
            return _emptied(view, "")
        try:
            choice = selection.settle(settled or START, yours)[0]._replace(scale=Scale(scale == "accuracy"))
            return _view_updates(view, view.render(choice, *knobs))
        except ValueError as error:
            return _emptied(view, f"**This cannot be shown.** {guards.plain(str(error))}")

    return rendered


def _emptied(view: View, message: str) -> list[Any]:
    """Return these words and nothing else for a view; controls stay as they are."""
    controls = list(view.controls.values())
    kept = [output in controls or isinstance(output, gr.Column) for output in view.outputs[1:]]
    return _view_updates(view, [message, *(gr.skip() if keep else None for keep in kept)])


def _view_updates(view: View, values: list[Any]) -> list[Any]:
    """Return updates of a view's outputs, in which empty figures and texts leave no frame, and parts come and go."""
    return [_view_update(output, value) for output, value in zip(view.outputs, values, strict=True)]


def _view_update(output: Any, value: Any) -> Any:
    if isinstance(value, bool) and isinstance(output, gr.Column):
        return gr.update(visible=value)
    return gr.update(value=value, visible=_is_filled(value)) if isinstance(output, FRAMED) else value


def _is_filled(value: Any) -> bool:
    return value is not None and value != ""


def _address(linked: dict[str, links.Linked]) -> Callable[..., str]:
    """Return the event that writes the query of the page, without a selection that is the one it opens with."""

    def address(yours: Experiment | None, settled: list[str] | None, *others: Any) -> str:
        choice, first = selection.settle(settled or START, yours)[0], selection.settle(START)[0]
        names = START if choice.values == first.values else choice.values
        return links.query(linked, dict(zip(linked, [*names, *others], strict=True)), bool(choice.why))

    return address


if __name__ == "__main__":
    share_arenas()
    build().launch(**LAUNCH)
