import math
from collections import Counter

import pytest
import torch

from tests.tiny_model import make_tiny_model
from toolkit.teachers.local import LocalTeacher, SeededGumbel

WORDS = [f"w{n}" for n in range(20)]
QUESTIONS = ["w1 w2", "w3 w4 w5", "w6"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("teacher"), WORDS)


def teacher(folder, **settings):
    return LocalTeacher(folder, **({"temperature": 1.0, "top_p": 1.0, "max_tokens": 12} | settings))


def test_a_response_depends_on_its_question_and_seed_only(folder):
    together = teacher(folder).complete(QUESTIONS * 20, list(range(60)))
    alone = [teacher(folder).complete([question], [seed])[0] for seed, question in enumerate(QUESTIONS)]
    assert together[:3] == alone
    assert len({completion.text for completion in together}) > 50


def test_finish_reason_and_token_counts(folder):
    completions = teacher(folder, max_tokens=6).complete(["w1"] * 200, list(range(200)))
    assert {completion.finish_reason for completion in completions} == {"stop", "length"}
    for completion in completions:
        assert completion.prompt_tokens == 3  # <user> w1 <assistant>
        assert "<eos>" not in completion.text
        if completion.finish_reason == "length":
            assert completion.completion_tokens == 6
        else:
            assert 1 <= completion.completion_tokens <= 6


def test_draws_follow_the_softmax_at_the_temperature(folder):
    n, temperature = 20_000, 0.7
    model = teacher(folder)
    ids = model.tokenizer(model.prompt("w1 w2"), return_tensors="pt", add_special_tokens=False).input_ids
    with torch.inference_mode():
        expected = torch.softmax(model.model(ids).logits[0, -1].double() / temperature, 0)
    noise = SeededGumbel(torch.arange(n) * 7919, ids.shape[1])
    scores = (expected.log()[None].repeat(n, 1)).float()
    counts = Counter(noise(ids.repeat(n, 1), scores).argmax(1).tolist())
    for token, share in enumerate(expected.tolist()):
        assert abs(counts[token] / n - share) < 5 * math.sqrt(share * (1 - share) / n) + 1e-9


def test_a_low_top_p_leaves_only_the_likeliest_token(folder):
    first = teacher(folder, top_p=1e-6).complete(["w1"] * 8, list(range(8)))
    assert len({completion.text for completion in first}) == 1


def test_what_the_tokenizer_cannot_read_is_named(folder):
    assert teacher(folder).unreadable(["w1 w2", "w1 euros"]) == ["w1 euros"]
    assert teacher(folder).unreadable([]) == []
