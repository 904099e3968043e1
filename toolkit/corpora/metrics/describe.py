"""All metrics of one corpus at a fixed number of rows, each with its interval, to set beside those of another corpus.

Keys are stable names for tables; a metric is left out where what it is computed from is not given.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from toolkit.corpora.metrics import counts, likelihood, overlap, vectors, wording
from toolkit.corpora.metrics.sample import Row, draw_rows
from toolkit.corpora.metrics.wording import WHITE_SPACE, Tokenization
from toolkit.statistics.metric import RESAMPLES, Metric, by_question, from_interval, with_interval

EQUAL = ("covered_in_k", "distinct_paths")  # in as many draws as every corpus of a comparison has
OWN = ("coverage@k", "diversity@k")  # in as many draws as this corpus has: what a budget of tokens or compute bought
SHARE = (0.0, 1.0)
POSITIVE = (0.0, np.inf)

Measure = Callable[..., Metric]  # `with_interval` with its seed and its resamples


@dataclass(frozen=True)
class Beside:
    """What is known of a corpus beside its kept rows; what is left out takes its metrics with it.

    Attributes:
        draws: all draws of the answer step, kept or not, each with question_id, response and verdict.
        paths_in: number of draws per question in which coverage and distinct paths are counted, the same for every
            corpus of a comparison; needs `draws`.
        fewest: number of draws that every question of this corpus has, in which both are counted too; needs `draws`.
        seeds: ids of all seed questions.
        difficulty: question -> its acceptance in [0, 1] under plain rejection sampling.
        labels: question -> its majority label.
    """

    draws: Iterable[Row] | None = None
    paths_in: int | None = None
    fewest: int | None = None
    seeds: Collection[str] = ()
    difficulty: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, counts.LabelVotes] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedBase:
    """The base model, in evaluation mode, and its tokenizer; `embed` gives texts unit rows (None: by this model)."""

    model: Any
    tokenizer: Any
    embed: Callable[[Sequence[str]], vectors.Array] | None = None
    batch: int = 16


def describe(
    kept: Iterable[Row],
    rows: int,
    beside: Beside | None = None,
    base: LoadedBase | None = None,
    tokens: Tokenization = WHITE_SPACE,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Metric]:
    """Compute every metric of a corpus, those of texts and models on `rows` of its kept rows.

    Give every corpus of a comparison the same `rows`, `seed`, `tokens` and `base`. The bounds cover the choice of
    questions, not that of the rows drawn from a larger corpus. Holds `rows` rows, 150 bytes per row of the
    corpus, and the matrix of `overlap.MOST` texts; with a base also a vector per row and one batch.

    Args:
        kept: the rows that train, read once, each with question_id, question and response, and where there are any
            response_index, messages and wrong_step.
        rows: how many of them to compare at, at least 2 and of at least 2 questions.
        tokens: by which tokens length and distinct n-grams are counted.
        resamples: halves of the questions behind each interval.

    Raises:
        ValueError: for fewer kept rows than `rows`, rows of a single question, or what the metrics refuse.
    """
    drawn, beside = draw_rows(kept, rows, seed), beside or Beside()
    measure: Measure = partial(with_interval, seed=seed, resamples=resamples)
    metrics = _lengths(drawn, tokens, measure) | _diversity(drawn, tokens, measure) | _overlap(drawn, measure)
    metrics |= _compression(drawn, seed, measure) | _draws(beside, measure) | _questions(drawn, beside, measure)
    metrics |= _steps(drawn) | _labels(beside.labels, measure)
    return metrics | (_likelihood(drawn, base, measure) | _spread(drawn, base, measure) if base else {})


def _of_rows(drawn: Sequence[Row], items: Iterable[Any]) -> dict[str, list[Any]]:
    return by_question((row["question_id"] for row in drawn), items)


def _texts(drawn: Sequence[Row]) -> list[str]:
    return [row["response"] for row in drawn]


def _lengths(drawn: Sequence[Row], tokens: Tokenization, measure: Measure) -> dict[str, Metric]:
    items = _of_rows(drawn, [len(tokens.split(text)) for text in _texts(drawn)])
    unit = f"tokens ({tokens.name})"
    return {
        "length_mean": measure(wording.mean, items, unit, POSITIVE),
        "length_median": measure(partial(wording.quantile, share=0.5), items, unit, POSITIVE),
        "length_p90": measure(partial(wording.quantile, share=0.9), items, unit, POSITIVE),
    }


def _diversity(drawn: Sequence[Row], tokens: Tokenization, measure: Measure) -> dict[str, Metric]:
    words = [tokens.split(text) for text in _texts(drawn)]
    grams = {n: wording.coded_grams(words, n) for n in (1, 2, 3)}
    metrics = {
        f"distinct_{n}": measure(wording.distinct_n, _of_rows(drawn, coded), f"share of {n}-grams", SHARE)
        for n, coded in grams.items()
        if any(map(len, coded))
    }
    if tokens.vocabulary:
        adjusted = partial(wording.expectation_adjusted_distinct, vocabulary=tokens.vocabulary)
        metrics["ead"] = measure(adjusted, _of_rows(drawn, grams[1]), f"of {tokens.vocabulary:,} tokens", POSITIVE)
    return metrics


def _overlap(drawn: Sequence[Row], measure: Measure) -> dict[str, Metric]:
    some = drawn[: overlap.MOST]  # rows are in random order
    bleu, similar = overlap.SelfBleu(_texts(some)), overlap.rouge_l(_texts(some))
    places = _of_rows(some, range(len(some)))
    return {
        "self_bleu": measure(bleu.mean, places, "BLEU", (0.0, 100.0)),
        "homogenisation": measure(
            lambda chosen: overlap.mean_of_pairs(similar[np.ix_(chosen, chosen)]), places, "ROUGE-L F1", SHARE
        ),
    }


def _compression(drawn: Sequence[Row], seed: int, measure: Measure) -> dict[str, Metric]:
    ratio = partial(wording.compression_ratio, seed=seed)
    return {"compression_ratio": measure(ratio, _of_rows(drawn, _texts(drawn)), "bytes per byte of gzip", POSITIVE)}


def _draws(beside: Beside, measure: Measure) -> dict[str, Metric]:
    if beside.draws is None:
        return {}
    tallies = counts.tally_draws(beside.draws)
    items = {question: [tally] for question, tally in tallies.items()}
    metrics = {"acceptance": measure(counts.acceptance, items, "share of draws", SHARE)}
    for k, names in ((beside.paths_in, EQUAL), (beside.fewest, OWN)):
        if k:
            metrics |= dict(zip(names, _in_draws(tallies, k, measure), strict=True))
    return metrics


def _in_draws(tallies: Mapping[str, counts.DrawTally], k: int, measure: Measure) -> tuple[Metric, Metric]:
    """Give coverage@k and diversity@k (arXiv 2408.16737), means over questions, in that order."""
    covered = {question: [counts.chance_seen(of.draws, of.accepted, k)] for question, of in tallies.items()}
    paths = {question: [counts.distinct_paths(of, k)] for question, of in tallies.items()}
    return (
        measure(wording.mean, covered, f"share of questions in {k} draws", SHARE),
        measure(wording.mean, paths, f"paths in {k} draws", (0.0, float(k))),
    )


def _questions(drawn: Sequence[Row], beside: Beside, measure: Measure) -> dict[str, Metric]:
    rows = Counter(row["question_id"] for row in drawn)
    metrics = {}
    if beside.seeds:
        covered = {seed: [float(seed in rows)] for seed in beside.seeds}
        metrics["coverage"] = measure(wording.mean, covered, "share of seed questions", SHARE)
    if beside.difficulty:
        items = {question: [(question, count)] for question, count in rows.items()}
        for name in (*counts.BINS, counts.NEW):
            metrics[f"difficulty {name}"] = measure(
                partial(_in_bin, name=name, difficulty=beside.difficulty), items, "share of rows", SHARE
            )
    return metrics


def _in_bin(rows: Sequence[tuple[str, int]], name: str, difficulty: Mapping[str, float]) -> float:
    return counts.difficulty_profile(dict(rows), difficulty)[name]


def _steps(drawn: Sequence[Row]) -> dict[str, Metric]:
    checked = [row["wrong_step"] for row in drawn if row.get("wrong_step") is not None]
    if not checked:
        return {}
    rate = counts.false_positives(checked)
    return {"false_positives": from_interval(rate, "share of checked responses", len(checked))}


def _labels(labels: Mapping[str, counts.LabelVotes], measure: Measure) -> dict[str, Metric]:
    if not labels:
        return {}
    shares = {question: [label.share] for question, label in labels.items()}
    metrics = {"label_share": measure(wording.mean, shares, "share of votes", SHARE)}
    known = sum(label.right is not None for label in labels.values())
    if known:
        right = counts.label_precision(labels.values())
        metrics["label_precision"] = from_interval(right, "share of labels", known)
    return metrics


def _likelihood(drawn: Sequence[Row], base: LoadedBase, measure: Measure) -> dict[str, Metric]:
    scored = list(likelihood.likelihoods(base.model, base.tokenizer, drawn, base.batch))
    whole = _of_rows(drawn, scored)
    # IFD is of the response's own tokens: the end token, which closes every response, is not among them.
    parts = [(row.given[:-1], row.alone[:-1]) for row in scored]
    return {
        "perplexity": measure(likelihood.perplexity, whole, "per token of the base", (1.0, np.inf)),
        "bits_per_character": measure(likelihood.bits_per_character, whole, "bits", POSITIVE),
        "ifd_loss": _ifd(drawn, [likelihood.ifd_loss(*part) for part in parts], "ratio of losses", measure),
        "ifd_ppl": _ifd(drawn, [likelihood.ifd_ppl(*part) for part in parts], "ratio of perplexities", measure),
    }


def _ifd(drawn: Sequence[Row], values: Sequence[float], unit: str, measure: Measure) -> Metric:
    return measure(wording.mean, _of_rows(drawn, values), unit, POSITIVE)


def _spread(drawn: Sequence[Row], base: LoadedBase, measure: Measure) -> dict[str, Metric]:
    own = partial(vectors.mean_hidden_states, base.model, base.tokenizer, batch=base.batch)
    embedded = _of_rows(drawn, (base.embed or own)(_texts(drawn)))
    return {
        "dispersion": measure(vectors.dispersion, embedded, "cosine distance", (0.0, 2.0)),
        "vendi": measure(vectors.vendi_score, embedded, "effective texts", (1.0, float(len(drawn)))),
    }
