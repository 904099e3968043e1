"""Reads and writes hierarchical templates: numbered steps with key blocks, a generalised block, an answer block.

The form is that of SuperCorrect (arXiv:2410.09008). It is read strictly: a template of which anything would have to be
guessed is none, and has a reason.
"""

import re
from typing import NamedTuple

from toolkit.boxed import all_boxed

GENERALISED, ANSWER = "generalised", "answer"
UNBALANCED, ORDER, EMPTY, INSIDE = "unbalanced tags", "blocks out of order", "an empty block", "tags in the wrong block"
NO_ANSWER, ELSEWHERE = "no boxed answer in its block", "boxed answers elsewhere"

BLOCK = re.compile(rf"\s*<(step\d{{1,3}}|{GENERALISED}|{ANSWER})>(.*?)</\1>", re.DOTALL)
# Whatever looks like a tag of the form, so that a misspelt one is a fault and no text; x < y > z is none.
TAG = re.compile(r"</?(?:step ?\d{0,9}|key|generali[sz]ed|answer) ?/?>", re.IGNORECASE)
KEY = ["<key>", "</key>"]


class TemplateError(ValueError):
    """A text that is no template; the message is one of the reasons above."""


class Template(NamedTuple):
    """The blocks of a template: `steps` in order, with the key blocks that are in them."""

    steps: tuple[str, ...]
    generalised: str
    answer: str


def read_template(text: str) -> Template:
    """Read the blocks of a template, in time that is linear in its length.

    Raises:
        TemplateError: for tags that are not closed or nested otherwise, text outside of the blocks, blocks that are
            empty, missing or out of order, and an answer that is not boxed once, in the answer block.
    """
    blocks, place = [], 0
    while block := BLOCK.match(text, place):
        blocks.append((block[1], block[2].strip()))
        place = block.end()
    if text[place:].strip():
        raise TemplateError(UNBALANCED)
    steps = len(blocks) - 2
    if steps < 1 or [name for name, _ in blocks] != [*map(step_name, range(1, steps + 1)), GENERALISED, ANSWER]:
        raise TemplateError(ORDER)
    for name, content in blocks:
        _refuse_inside(name, content)
    contents = [content for _, content in blocks]
    _refuse_boxes(text, contents[-1])
    return Template(tuple(contents[:-2]), *contents[-2:])


def step_name(number: int) -> str:
    """Give the tag's name of a step, from 1 on."""
    return f"step{number}"


def write_step(number: int, text: str) -> str:
    """Write a step between its tags."""
    return f"<{step_name(number)}>\n{text.strip()}\n</{step_name(number)}>"


def _refuse_inside(name: str, content: str) -> None:
    """Refuse an empty block, and tags in it other than those of key blocks, one after the other, in a step."""
    tags = TAG.findall(content)
    if tags != KEY * (len(tags) // 2) or (tags and name in (GENERALISED, ANSWER)):
        raise TemplateError(INSIDE)
    if not all(part.strip() for part in (TAG.sub("", content), *TAG.split(content)[1::2])):
        raise TemplateError(EMPTY)


def _refuse_boxes(text: str, answer: str) -> None:
    if not all_boxed(answer):
        raise TemplateError(NO_ANSWER)
    if len(all_boxed(text)) > 1:
        raise TemplateError(ELSEWHERE)
