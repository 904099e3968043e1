"""Estimates of protocols with several steps: at most what their bounds allow, and what the journal lets expect."""

import pytest

from tests.protocols.scripted import Scripted
from toolkit.protocols import load_protocol, load_question_protocol
from toolkit.protocols.contract import Question
from toolkit.synthesis.journal import Journal, Usage
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.spending import Prices
from toolkit.synthesis.step_estimates import (
    Sampled,
    call_prompts,
    estimate_questions,
    estimate_steps,
    step_prompts,
)

NOTHING = Sampled({}, 0)
PRICES = Prices(prompt=1.0, completion=2.0, max_tokens=50)


def loaded(rounds=4):
    return load_protocol("self_refine", "{{ question }}", {"rounds": rounds})


def test_each_step_counts_as_often_as_it_is_declared_with_prompts_as_long_as_they_can_get():
    ahead = estimate_steps(loaded(), ["x" * 40] * 10, NOTHING, max_tokens=50, prices=PRICES)
    draft, review = ahead.steps
    assert draft.most == (10, 10 * 10, 10 * 50) and draft.expected is review.expected is None
    words = len(step_prompts(loaded(), "x" * 40)["review"][0]["content"]) // 4
    assert review.most == (40, 40 * (words + 4 * 50), 40 * 50)  # an attempt and three reviews
    most = (draft.most.prompt_tokens + review.most.prompt_tokens + 2 * 50 * 50) / 1e6
    assert ahead.requests == 50
    assert f"10 responses, at most 50 requests, about {100 + review.most.prompt_tokens:,} prompt" in str(ahead)
    assert f"at most {most:,.4g} to pay" in str(ahead) and "expected" not in str(ahead)
    assert "\n             review: at most 40 requests, " in str(ahead)


def test_what_was_sampled_stays_below_the_bounds_and_is_expected_to_go_on(tmp_path):
    protocol, draws = loaded(2), [(f"q{at}", f"1 + {at}?", 0) for at in range(20)]
    before = estimate_steps(protocol, [draw[1] for draw in draws], NOTHING, max_tokens=8)
    with Journal(tmp_path / "rows") as journal:
        sample(journal, draws, Scripted(lambda *_: "no"), protocol, sampling_seed=0, report=lambda _: None)
        ledger, responses = journal.ledger, journal.responses
    for step in before.steps:
        assert all(ledger[step.step][at] <= step.most[at] for at in (0, 2))
    after = estimate_steps(protocol, ["?"] * 10, Sampled(ledger, responses), max_tokens=8, prices=PRICES)
    assert [step.expected.samples for step in after.steps] == [10, 20] and after.requests == 30
    assert after.steps[1].expected == Usage(*(amount // 2 for amount in ledger["review"]))
    assert " expected" in str(after).splitlines()[0]


def test_each_step_shows_one_filled_prompt():
    prompts = step_prompts(loaded(), "1 + 1?")
    assert prompts["draft"][0]["content"] == "1 + 1?"
    assert "1 + 1?" in prompts["review"][0]["content"] and "\n[attempt]\n" in prompts["review"][0]["content"]


SEEDS = [Question("a", "1 + 1 =?"), Question("b", "2 + 2 =?")]  # 8 characters each


def test_new_questions_take_a_call_each_and_their_answers():
    calls = load_question_protocol(
        "question_augmentation", "{{ question }}", {"style": "similar"}, prompts={"similar": "Vary:\n{{ question }}"}
    )
    answers = load_protocol("rejection_sampling", "{{ question }}")
    found = estimate_questions(calls, answers, SEEDS, 3, 4, max_tokens=10, prices=Prices(1e6, 1e6, 10))
    assert {step.step: tuple(step.most) for step in found.steps} == {
        "similar": (3, 3 * (14 // 4), 30),
        "answer": (12, 12 * (8 // 4), 120),
    }
    assert found.requests == 15 and found.responses == 12
    assert "about 15 requests" in str(found) and "at most" not in str(found)
    assert "about 183 to pay" in str(found)  # 9 + 24 tokens of prompts, 30 + 120 of completions


@pytest.mark.parametrize("name", ["self_instruct", "evol_instruct", "persona", "question_augmentation"])
def test_a_call_has_a_prompt_of_each_step_the_first_as_it_is_asked(name):
    protocol = load_question_protocol(name, "{{ question }}", {})
    prompts = call_prompts(protocol, SEEDS)
    assert list(prompts) == list(protocol.steps)
    first = next(iter(prompts.values()))[-1]["content"]
    assert any(seed.text in first for seed in SEEDS) and "[question]" not in first
