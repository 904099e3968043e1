"""All metrics of a corpus together: at equal rows, with what is known of it, and with a base model."""

import dataclasses
import random
from math import comb

import pytest
import torch

from tests.tiny_model import make_byte_model
from toolkit.corpora.metrics import counts, wording
from toolkit.corpora.metrics.describe import Beside, LoadedBase, describe
from toolkit.models.chat import load_tokenizer
from toolkit.models.networks import load_network
from toolkit.statistics.metric import HALVES

TEXTS_ALONE = {
    *("length_mean", "length_median", "length_p90", "distinct_1", "distinct_2", "distinct_3"),
    *("self_bleu", "homogenisation", "compression_ratio"),
}
WITH_BASE = {"perplexity", "bits_per_character", "ifd_loss", "ifd_ppl", "dispersion", "vendi"}


def corpus(questions=12, draws=4):
    """Every fourth draw is rejected, every fifth accepted one has a wrong step; half of the texts repeat."""
    return [
        {
            "question_id": f"q{q}",
            "question": f"What is {q} + {d % 2} ?",
            "response_index": d,
            "response": f"{q} + {d % 2} = {q + d % 2}",
            "verdict": "rejected" if (q + d) % 4 == 0 else "accepted",
            "wrong_step": (q + d) % 5 == 0,
        }
        for q in range(questions)
        for d in range(draws)
    ]


def kept(rows):
    return [row for row in rows if row["verdict"] == "accepted"]


def test_texts_alone_give_the_metrics_of_texts_and_of_checked_steps():
    metrics = describe(kept(corpus()), 30, resamples=10)
    assert set(metrics) == {*TEXTS_ALONE, "false_positives"}
    assert metrics["length_mean"].unit == "tokens (white space)" and metrics["length_mean"].value == 5
    assert metrics["false_positives"].method == "wilson" and metrics["false_positives"].count == 30
    for name in TEXTS_ALONE:
        assert metrics[name].low <= metrics[name].value <= metrics[name].high, name
        assert metrics[name].method == HALVES


def test_the_order_of_the_stream_does_not_matter_and_the_seed_does():
    rows = kept(corpus())
    first = describe(iter(rows), 20, resamples=10)
    random.Random(0).shuffle(rows)
    again = describe(rows, 20, resamples=10)
    assert again.keys() == first.keys()
    for name, metric in first.items():
        assert dataclasses.astuple(again[name])[:3] == pytest.approx(dataclasses.astuple(metric)[:3]), name
    assert describe(rows, 20, seed=1, resamples=10) != first


def test_what_is_known_beside_the_rows_adds_its_metrics():
    rows = corpus()
    labels = {"q0": counts.LabelVotes(0.75, True), "q1": counts.LabelVotes(0.5, False), "new": counts.LabelVotes(1.0)}
    beside = Beside(
        draws=iter(rows),
        paths_in=2,
        fewest=4,
        seeds=[f"q{q}" for q in range(24)],
        difficulty={f"q{q}": 0.75 for q in range(11)},
        labels=labels,
    )
    metrics = describe(kept(rows), 36, beside, resamples=10)
    assert metrics["acceptance"].value == 36 / 48
    # three of four draws are accepted, on two paths of two draws and one, in every question
    assert metrics["diversity@k"].value == 2 and metrics["coverage@k"].value == 1
    assert metrics["covered_in_k"].value == 1 and metrics["coverage@k"].unit == "share of questions in 4 draws"
    assert metrics["distinct_paths"].value == pytest.approx(
        (1 - comb(2, 2) / comb(4, 2)) + (1 - comb(3, 2) / comb(4, 2))
    )
    assert metrics["diversity@k"].low <= 2 <= metrics["diversity@k"].high and metrics["diversity@k"].method == HALVES
    assert metrics["coverage"].value == 0.5 and metrics["coverage"].count == 24
    assert metrics["difficulty (.5, .75]"].value + metrics["difficulty new"].value == pytest.approx(1)
    assert metrics["difficulty new"].value == pytest.approx(3 / 36)
    assert metrics["label_share"].value == 0.75
    assert metrics["label_precision"].value == 0.5 and metrics["label_precision"].count == 2


def test_a_base_model_adds_likelihood_and_spread_and_its_tokens_give_ead(tmp_path):
    folder = make_byte_model(tmp_path / "base")
    tokenizer = load_tokenizer(folder)
    base = LoadedBase(load_network(folder, torch.float32).eval(), tokenizer)
    metrics = describe(kept(corpus()), 20, base=base, tokens=wording.tokens_of("tiny", tokenizer), resamples=10)
    assert set(metrics) == {*TEXTS_ALONE, *WITH_BASE, "false_positives", "ead"}
    assert metrics["length_mean"].unit == "tokens (tiny)"
    # a model with random weights finds every byte about equally likely, with a question or without
    assert metrics["perplexity"].value == pytest.approx(len(tokenizer), rel=0.2)
    assert metrics["ifd_loss"].value == pytest.approx(1, abs=0.1)
    assert 1 <= metrics["vendi"].value <= 20
    own = dataclasses.replace(base, embed=lambda texts: [[1.0, 0.0]] * len(texts))
    assert describe(kept(corpus()), 20, base=own, resamples=10)["vendi"].value == pytest.approx(1)


def test_short_responses_have_no_long_grams_and_a_corpus_too_small_is_refused():
    rows = [{"question_id": f"q{q}", "question": "?", "response": str(q)} for q in range(6)]
    assert not {"distinct_2", "distinct_3"} & set(describe(rows, 6, resamples=10))
    with pytest.raises(ValueError, match="rows: 7 asked for, and the corpus has 6"):
        describe(rows, 7)
    with pytest.raises(ValueError, match="give rows of more questions"):
        describe([rows[0], {**rows[0], "response": "x"}], 2)
