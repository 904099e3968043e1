"""Perplexity, IFD and embeddings: the values worked by hand, and a model whose numbers can be computed otherwise."""

import math

import numpy as np
import pytest
import torch

from tests.tiny_model import make_byte_model, make_tiny_model
from toolkit.corpora.metrics.likelihood import (
    Likelihood,
    bits_per_character,
    ifd_loss,
    ifd_ppl,
    likelihoods,
    perplexity,
    token_spans,
)
from toolkit.corpora.metrics.vectors import mean_hidden_states
from toolkit.models.chat import load_tokenizer
from toolkit.models.networks import load_network

GIVEN, ALONE = (-0.5, -1, -0.3), (-2, -1.5, -1)
ROWS = [
    {"question_id": "a", "question": "2 + 2 ?", "response": "2 + 2 = 4"},
    {"question_id": "b", "question": "a much longer question ?", "response": "7"},
    {
        "question_id": "c",
        "question": "3 ?",
        "response": "3",
        "messages": [
            {"role": "user", "content": "first say why : 3 ?"},
            {"role": "assistant", "content": "3"},
        ],
    },
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = make_byte_model(tmp_path_factory.mktemp("base"), layers=2)
    return load_network(folder, torch.float32).eval(), load_tokenizer(folder)


def scored(nll, tokens, characters=4):
    return Likelihood(np.full(tokens, -nll / tokens), np.full(tokens, -1.0), characters)


def test_perplexity_weighs_tokens_and_not_rows():
    assert perplexity([scored(2, 2), scored(4, 6)]) == pytest.approx(math.exp(0.75))
    assert bits_per_character([scored(2, 2), scored(4, 6)]) == pytest.approx(6 / math.log(2) / 8)


def test_ifd_by_hand():
    assert ifd_loss(GIVEN, ALONE) == pytest.approx(0.4)
    assert ifd_ppl(GIVEN, ALONE) == pytest.approx(0.40657, abs=5e-6)


def test_the_spans_are_the_tokens_of_training_and_the_prompt_is_what_a_student_reads(base):
    _, tokenizer = base
    span = token_spans(tokenizer, ROWS[2])
    assert tokenizer.decode(span.prompt).replace(" ", "") == "<user>firstsaywhy:3?<assistant>"
    assert tokenizer.decode(span.header).strip() == "<assistant>"
    assert span.response == [*tokenizer("3")["input_ids"], tokenizer.eos_token_id]


def test_a_control_token_in_a_response_is_text(base):
    _, tokenizer = base
    span = token_spans(tokenizer, {**ROWS[0], "response": "<eos>"})
    assert span.response.count(tokenizer.eos_token_id) == 1


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_likelihoods_are_those_of_one_row_at_a_time_without_padding(base, batch):
    model, tokenizer = base
    for row, found in zip(ROWS, likelihoods(model, tokenizer, ROWS, batch), strict=True):
        span = token_spans(tokenizer, row)
        for first, logps in ((span.prompt, found.given), (span.header, found.alone)):
            ids = torch.tensor([first + span.response])
            labels = ids.clone()
            labels[:, : len(first)] = -100
            with torch.inference_mode():
                loss = model(input_ids=ids, labels=labels).loss
            assert len(logps) == len(span.response)
            assert -logps.mean() == pytest.approx(float(loss), rel=1e-4)
        assert found.characters == len(row["response"])


def test_embeddings_are_unit_means_of_the_last_state_whatever_the_batch(base):
    model, tokenizer = base
    texts = [row["response"] for row in ROWS]
    together = mean_hidden_states(model, tokenizer, texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)
    ids = torch.tensor([tokenizer(texts[0])["input_ids"]])
    with torch.inference_mode():
        state = model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0].mean(0).numpy()
    assert together[0] == pytest.approx(state / np.linalg.norm(state), abs=1e-5)
    assert mean_hidden_states(model, tokenizer, texts, batch=1) == pytest.approx(together, abs=1e-5)


def test_what_has_no_likelihood_is_refused(base):
    model, tokenizer = base
    with pytest.raises(ValueError, match="likelihood of no tokens"):
        perplexity([])
    with pytest.raises(ValueError, match="likelihood of no characters"):
        bits_per_character([])
    with pytest.raises(ValueError, match="response without tokens"):
        ifd_ppl([], [])
    with pytest.raises(ValueError, match="certain without its question"):
        ifd_loss(GIVEN, (0, 0, 0))
    with pytest.raises(ValueError, match="has no tokens"):
        mean_hidden_states(model, tokenizer, [""])
    with pytest.raises(ValueError, match="and the model reads 4096"):
        list(likelihoods(model, tokenizer, [{**ROWS[0], "response": "x" * 5000}]))


def test_a_model_that_would_give_wrong_numbers_is_refused(tmp_path):
    folder = make_tiny_model(tmp_path / "tiny", ["2", "+", "=", "4", "?"])
    model, tokenizer = load_network(folder, torch.float32), load_tokenizer(folder)
    with pytest.raises(ValueError, match=r"call model.eval\(\) first"):
        list(likelihoods(model.train(), tokenizer, ROWS[:1]))
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(math.nan)
    with pytest.raises(ValueError, match="logits are not finite"):
        list(likelihoods(model.eval(), tokenizer, ROWS[:1]))
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="set eos_token"):
        token_spans(tokenizer, ROWS[0])
