"""From results to files: JSON with every number, Markdown, figures, and the table of claims."""

import json
import re
from dataclasses import replace

import pytest

from tests.reports.simulated import LADDER, LATE, SPENT, simulate
from tests.reports.simulated_arms import arms, corpora
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import series_of
from toolkit.reports.rules.decide import DecisionRequest, decide, draw, write_decision
from toolkit.reports.rules.markdown import as_markdown, claims_table
from toolkit.reports.rules.verdict import CLAIMS
from toolkit.workspace import canonical

SIX = {f"p{at}": 0.01 * (at - 4) for at in range(6)}
OF_ARMS = {
    "arms": arms(SIX, items=60, replicates=3, sd=0.004),
    "corpora": corpora({name: {"distinct_2": 4.0 * at} for at, name in enumerate(SIX)}, draws=3),
    "notes": ("toys",),
}
SMALL = [(m, r) for m in (128, 256) for r in (1, 2, 4)]
QUESTIONS = {
    "law": (LADDER, DecisionRequest("law", fit_max=16, held_out=32, notes=("toys",))),
    "expansion": (SMALL, DecisionRequest("expansion", notes=("toys",))),
    "mixture": (SPENT, DecisionRequest("mixture", notes=("toys",))),
    "bound": (LADDER, DecisionRequest("bound", notes=("toys",))),
    "synthesis": ([], DecisionRequest("synthesis", **OF_ARMS)),
    "audit": ([], DecisionRequest("audit", **OF_ARMS)),
    "saturation": (LATE, DecisionRequest("saturation", labels=[[None, *range(31)]] * 5, notes=("toys",))),
}


@pytest.fixture(scope="module")
def decisions():
    result = {}
    for rule, (cells, question) in QUESTIONS.items():
        every = series_of(*simulate(cells, sd=0.004, items=60, replicates=3))[1] if cells else []
        result[rule] = decide(question, "sim", every, DecisionRules()), every
    return result


@pytest.mark.parametrize("rule", list(CLAIMS))
def test_a_decision_leaves_numbers_words_and_a_figure(rule, decisions, tmp_path):
    decision, every = decisions[rule]
    files = write_decision(tmp_path, decision, every, "A title")
    assert [file.name for file in files] == [f"{rule}.{kind}" for kind in ("json", "md", "png")][
        : 2 + (rule != "bound")
    ]
    output = json.loads(files[0].read_text(), parse_constant=pytest.fail)
    assert output["verdict"] == decision.verdict and output["rules"]["margin"] == 0.03 and output["numbers"]
    text = files[1].read_text()
    assert text.startswith(f"{decision.verdict.capitalize()}. {decision.sentence}") and "Note: toys" in text
    assert all(row[0] in text for row in decision.rows)
    if rule != "bound":
        assert files[2].stat().st_size > 20_000


def test_every_figure_in_a_sentence_is_among_the_numbers(decisions):
    """Whatever is given in points or percent is a number of the decision or of its rules, but for the sign."""
    for decision, _ in decisions.values():
        known = {f"{abs(100 * value):.1f}" for value in _numbers(canonical([decision.numbers, decision.rules]))}
        every = re.findall(r"[+-]?(\d+\.\d)(?= points| to|\)|[,;] )", decision.sentence)
        assert len(every) >= 3
        for messages in every:
            assert messages in known, f"{decision.rule}: {messages} in {decision.sentence}"


def _numbers(value):
    """All numbers of a tree, and the widths of its intervals and distances to its forecasts."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return []
    if isinstance(value, int | float):
        return [value]
    parts = list(value.values()) if isinstance(value, dict) else list(value)
    found = [number for part in parts for number in _numbers(part)]
    if isinstance(value, dict) and value.get("low") is not None and value.get("high") is not None:
        found.append(value["high"] - value["low"])
        if "forecast" in value:
            found += [value["high_refuted"] - value["forecast"], value["forecast"] - value["low_refuted"]]
        if "middle" in value:
            found.append(value["middle"] - value["low"])
    return found


def test_the_table_of_claims_has_a_row_per_decision(decisions):
    output = [
        {"rule": d.rule, "experiment": "sim", "verdict": d.verdict, "sentence": d.sentence}
        for d, _ in decisions.values()
    ]
    lines = claims_table(output).splitlines()
    assert len(lines) == 2 + len(CLAIMS) and all(line.count(" | ") == 4 for line in lines[2:])
    assert lines[2].startswith("| RQ1 | error against r follows")
    with pytest.raises(ValueError, match="no decision: sentence is missing"):
        claims_table([{"rule": "law", "experiment": "e", "verdict": "v"}])


@pytest.mark.parametrize(
    ("question", "messages"),
    [
        (DecisionRequest("law"), "needs fit_max"),
        (DecisionRequest("best"), "no rule is called 'best'"),
        (DecisionRequest("saturation"), "need rungs a doubling apart, and all draws"),
    ],
)
def test_a_question_that_lacks_something_is_refused(question, messages, decisions):
    with pytest.raises(ValueError, match=messages):
        decide(question, "sim", decisions["law"][1], DecisionRules())


def test_figures_go_to_known_formats_only(decisions, tmp_path):
    decision, every = decisions["expansion"]
    with pytest.raises(ValueError, match=r"cannot draw a\.bmp: use \.png, \.svg, \.pdf"):
        draw(tmp_path / "a.bmp", decision, every, "t")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="'bound' has no figure"):
        draw(tmp_path / "a.png", *decisions["bound"], "t")


def test_rules_out_of_range_are_refused():
    with pytest.raises(ValueError, match="rules: level must lie between 0 and 1, got 95"):
        DecisionRules(level=95.0)
    assert replace(DecisionRules(), margin=0.02).margin == 0.02 and DecisionRules(shift_sd=3.0).shift_sd == 3
    with pytest.raises(ValueError, match="rules: shift_sd must be above 0, got 0"):
        DecisionRules(shift_sd=0.0)


def test_markdown_holds_the_shifts(decisions):
    text = as_markdown(decisions["audit"][0])
    assert "| distinct_2 " in text and "rank correlation with the gain" in text
    assert "distinct_2 " not in as_markdown(decisions["synthesis"][0])


def test_markdown_holds_the_surface_and_the_plan(decisions):
    text = as_markdown(decisions["expansion"][0])
    assert "Surface, control steps: kappa" in text and "a question at the price of 20 responses" in text
