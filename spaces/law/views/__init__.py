"""The views, one file each: `law`, `extrapolate`, `plan`.

A view module has a `NAME` (its tab in links), a `TITLE` and `build(yours) -> View`, called inside its own tab; `yours`
is this session's uploaded `Experiment` or None, and setting it brings it up in every view. The frame (`app.py`) calls
`render` whenever a control of the selection or of the view changes, and when the page opens; the view never wires that
itself. Events of its own (an upload, a button) are wired in `build`, with `api_visibility="private"`. To add a view:
its file, and its name in `app.VIEWS`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component


class View(NamedTuple):
    """`controls`, components with an `input` event, by their names in links (unique over all views).

    `render(chosen, *values of the controls)` gives one value or update per output and may raise ValueError, which is
    shown in `outputs[0]`, a Markdown; the other outputs are then emptied. `lazy`: render only while the tab is open.
    """

    controls: dict[str, Any]
    outputs: list[Component]
    render: Callable[..., list[Any]]
    lazy: bool = False


FORMULAS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]


def reading(text: str) -> None:
    """The "how to read this" beside a plot; the text is ours and may hold formulas."""
    with gr.Accordion("How to read this", open=False):
        gr.Markdown(text, latex_delimiters=FORMULAS, elem_classes="reading")
