"""Templates: what is read, and that whatever would have to be guessed is refused with its reason, in linear time."""

import re
import time

import pytest

from toolkit.protocols import templates
from toolkit.protocols.templates import TemplateError, read_template, write_step

GOOD = """
<step1>
Add: 3 + 4 = 7
</step1>
<step2>
Double it, and x < y > z.
<key>
Doubling is adding it to itself: 7 + 7 = 14
</key>
</step2>
<generalised>
Work from the inside out.
</generalised>
<answer>
\\boxed{14}
</answer>
"""


def test_the_blocks_are_read_in_order():
    steps, generalised, answer = read_template(GOOD)
    assert steps[0] == "Add: 3 + 4 = 7" and steps[1].startswith("Double it, and x < y > z.\n<key>\n")
    assert (generalised, answer) == ("Work from the inside out.", "\\boxed{14}")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("</step2>", "", templates.UNBALANCED),
        ("</answer>", "", templates.UNBALANCED),
        ("<step1>", "Sure!\n<step1>", templates.UNBALANCED),
        ("</answer>", "</answer>\nSo it is 14.", templates.UNBALANCED),
        ("</step1>", "</Step1>", templates.UNBALANCED),
        ("</key>", "", templates.INSIDE),
        ("<key>", "", templates.INSIDE),
        ("<key>", "<key><key>", templates.INSIDE),
        ("<key>", "<Key>", templates.INSIDE),
        ("Add:", "<step 2>", templates.INSIDE),
        ("Work", "<key>Work</key>", templates.INSIDE),
        ("</step1>\n<step2>", "", templates.ORDER),
        ("<step1>\nAdd: 3 + 4 = 7\n</step1>", "", templates.ORDER),
        ("<generalised>\nWork from the inside out.\n</generalised>", "", templates.ORDER),
        ("Work from the inside out.", " ", templates.EMPTY),
        ("Doubling is adding it to itself: 7 + 7 = 14", "", templates.EMPTY),
        ("\\boxed{14}", "14", templates.NO_ANSWER),
        ("\\boxed{14}", "\\boxed{14", templates.NO_ANSWER),
        ("= 7\n", "= \\boxed{7}\n", templates.ELSEWHERE),
        ("\\boxed{14}", "\\boxed{14} or \\boxed{15}", templates.ELSEWHERE),
    ],
)
def test_anything_else_is_none_and_has_its_reason(old, new, reason):
    names = {"</step1>\n<step2>": ("step1", "step2")}.get(old)
    broken = GOOD.replace(old, new, 1) if not names else GOOD.replace(old, new, 1).replace("</step2>", "</step1>", 1)
    broken = broken.replace("step1", "step2") if names else broken
    with pytest.raises(TemplateError, match=f"^{re.escape(reason)}$"):
        read_template(broken)


@pytest.mark.parametrize("text", ["", "\\boxed{14}", "<answer>\\boxed{14}</answer>", GOOD + GOOD, "\0", "<step1>" * 3])
def test_garbage_is_no_template(text):
    with pytest.raises(TemplateError):
        read_template(text)


@pytest.mark.parametrize("part", ["<step1>", "<step1></step1>", "<key>", "</", "\\boxed{", " ", "<step1>x</step1>"])
def test_a_long_text_takes_no_long_time(part):
    start = time.perf_counter()
    with pytest.raises(TemplateError):
        read_template(part * 30_000)
    assert time.perf_counter() - start < 5


def test_a_written_step_is_read_again():
    text = "\n".join([write_step(1, " Add. "), GOOD[GOOD.index("<step2>") :]])
    assert read_template(text).steps[0] == "Add."
