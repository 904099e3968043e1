"""Build the views, one file each.

A view module has a `NAME` (its tab in links), a `TITLE` and `build(yours) -> View`, called inside its own tab; `yours`
is this session's uploaded `Experiment` or None, and setting it shows it in every view. The frame (`app.py`) calls
`render` whenever a control of the selection or of the view changes, and when the page opens, so the view does not
connect that itself. Its own events (an upload, a button) are connected in `build`, with `api_visibility="private"`. To
add a view, write its file and add its name to `app.VIEWS`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component


class View(NamedTuple):
    """A view: its `controls`, components with an `input` event, by their names in links (unique over all views).

    `render(choice, *values of the controls)` returns one value or update per output (of a `gr.Column`, whether its part
    of the view is shown) and may raise ValueError, which is shown in `outputs[0]`, a Markdown; the other outputs are
    then emptied. A `lazy` view is rendered only while its tab is open.
    """

    controls: dict[str, Any]
    outputs: Sequence[Component | gr.Column]
    render: Callable[..., list[Any]]
    lazy: bool = False


FORMULAS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]


def reading(text: str) -> None:
    """Add the "How to read this" of a plot; the text is ours and may have formulas."""
    with gr.Accordion("How to read this", open=False):
        gr.Markdown(text, latex_delimiters=FORMULAS, elem_classes="reading")
