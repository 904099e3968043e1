"""Keep every control in the URL by its name, except those with their first value."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import gradio as gr

from guards import plain

# Runs in the browser with the query made by `query`: sets the address without reloading.
REPLACE = "(query) => { history.replaceState(null, '', location.pathname + query); return location.href; }"
EXPLORATORY = "exploratory"


class Linked(NamedTuple):
    """A control and the value it starts with, which a link leaves out."""

    control: gr.components.Component
    start: Any


def query(linked: Mapping[str, Linked], values: Mapping[str, Any], exploratory: bool) -> str:
    """Return `?name=value&...` of the values that differ from the first ones, with a mark where exploratory."""
    changed = {name: _text(value) for name, value in values.items() if value != linked[name].start}
    marked = changed | ({EXPLORATORY: "1"} if exploratory else {})
    text = urlencode({name: value for name, value in marked.items() if value is not None})
    return f"?{text}" if text else ""


def read(linked: Mapping[str, Linked], params: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Read the values of all controls from a link, with a sentence for each part of it that cannot be used."""
    values, wrong = {name: entry.start for name, entry in linked.items()}, []
    for name, text in params.items():
        if name in linked:
            try:
                values[name] = parse(linked[name].control, text)
            except ValueError as error:
                wrong.append(f"The link's {name} = {plain(text[:60])} cannot be used: {error}.")
    return values, wrong


def parse(control: gr.components.Component, text: str) -> Any:
    """Return the value that a control has for this text; ValueError for no number, or a choice it does not have."""
    if isinstance(control, gr.Checkbox):
        return text == "1"
    if isinstance(control, gr.Number | gr.Slider):
        return _number(control, text)
    choices = [value for _, value in getattr(control, "choices", None) or []]
    if isinstance(control, gr.Radio) and text not in choices:
        raise ValueError(f"choices are {', '.join(choices)}")
    return text


def _number(control: gr.Number | gr.Slider, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("it is not a number") from None
    if not abs(value) < 1e12:
        raise ValueError("it is too large a number, or not a number")
    if isinstance(control, gr.Number) and control.minimum is not None and value < control.minimum:
        raise ValueError(f"the least is {control.minimum:g}")
    return int(value) if value == int(value) else value


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.12g}"
    return None if value is None else str(value)
