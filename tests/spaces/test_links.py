"""Every control in the URL: round trip, refusals, and the mark of what is exploratory."""

from urllib.parse import parse_qsl

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

import links

NUMBERS = st.one_of(st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False))


@pytest.fixture(scope="module")
def linked():
    with gr.Blocks():
        controls = {
            "name": (gr.Dropdown(["a", "b"], allow_custom_value=True), None),
            "axis": (gr.Radio([("logarithmic", "log"), ("linear", "linear")], value="log"), "log"),
            "money": (gr.Number(12, minimum=0), 12),
            "budget": (gr.Slider(1, 512, 64), 64),
        }
    return {name: links.Linked(*each) for name, each in controls.items()}


def params(query):
    return dict(parse_qsl(query.removeprefix("?"), strict_parsing=bool(query)))


@given(money=NUMBERS, budget=NUMBERS, axis=st.sampled_from(["log", "linear"]), name=st.text(min_size=1, max_size=20))
def test_what_a_link_says_is_what_was_shown(linked, money, budget, axis, name):
    display = {"name": name, "axis": axis, "money": money, "budget": budget}
    values, wrong = links.read(linked, params(links.query(linked, display, False)))
    assert wrong == [] and values["name"] == name and values["axis"] == axis
    assert values["money"] == pytest.approx(money, rel=1e-11) and values["budget"] == pytest.approx(budget, rel=1e-11)


def test_the_page_as_it_opens_needs_no_query(linked):
    assert links.query(linked, {name: each.start for name, each in linked.items()}, False) == ""


def test_an_exploratory_result_is_marked(linked):
    assert params(links.query(linked, {"axis": "log"}, True)) == {"exploratory": "1"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("axis", "sideways", "choices are log, linear"),
        ("money", "much", "it is not a number"),
        ("money", "-1", "the least is 0"),
        ("budget", "nan", "it is too large a number, or not a number"),
        ("budget", "1e400", "it is too large a number, or not a number"),
    ],
)
def test_what_cannot_be_used_is_reported_and_the_start_is_shown(linked, name, text, why):
    values, wrong = links.read(linked, {name: text})
    assert values[name] == linked[name].start and why in wrong[0]


def test_a_link_cannot_write_mark_up_into_the_page(linked):
    _, wrong = links.read(linked, {"money": "<img src=x onerror=alert(1)>$x$[a](javascript:b)"})
    assert not set("<>$[") & set(wrong[0]) and len(wrong) == 1
