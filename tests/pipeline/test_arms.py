"""Arms of an experiment: ways from a source to a student, which may take as much as plain rejection sampling does."""

import dataclasses
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.test_steps import RECIPE, RIGHT, url, write_arms, write_pool  # noqa: F401
from toolkit.domains import mathematics
from toolkit.pipeline import run as runs
from toolkit.pipeline.cells import cells_of, drawn_by, single_runs
from toolkit.pipeline.judge import open_judge
from toolkit.pipeline.plan import find_replicates
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.questions import _truth
from toolkit.pipeline.stages.responses import allowance
from toolkit.pipeline.unused import unused
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.synthesis.journal import read_journal
from toolkit.synthesis.schedule import matched_rounds

ARMS = """
match: samples
replicates: [0, 1]
arms:
  rs: {}
  refine: {protocol: self_refine, protocol_options: {rounds: 2}}
  refine_tokens: {protocol: self_refine, protocol_options: {rounds: 2}, match: tokens}
  guided: {protocol: critique_guided}
  redi: {objective: redi, steps: 100, preference_steps: 20}
  similar: {protocol: question_augmentation, protocol_options: {style: similar, calls_per_round: 4}}
  as_many: {protocol: question_augmentation, protocol_options: {style: similar, calls_per_round: 4}, match: null}
"""
BUDGET = 4


@pytest.fixture(scope="module")
def experiment(url, tmp_path_factory):  # noqa: F811
    """Draws the corpora of every arm in both replicates; gives the open context, and what was drawn by arm."""
    folder = tmp_path_factory.mktemp("arms")
    write_arms(folder, url, BUDGET, ARMS)
    with runs._context(load_run(str(folder / "audit.yaml")), folder / "w", 1, Progress(io.StringIO())) as context:
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher"])
        drawn = {
            drawn_by(one.run): runs.draw_corpus(one, pool, models) for one, pool in runs.sources_of(context, pools)
        }
        yield context, models, {(made.arm, made.replicate): both for made, both in drawn.items()}


def costs(source, unit: str) -> np.ndarray:
    """What each counted response of a source took, in the order in which arms draw: index by index."""
    index = JournalIndex(source.journal, source.questions)
    index.read()
    (rows,) = source.rows.values()
    places = {offset: place for place, offset in enumerate(index.column("offset").tolist())}
    at = [places[offset] for offset in rows.offsets.tolist()]
    positions, indices = index.column("position")[at], index.column("index")[at]
    assert sorted(zip(indices, positions, strict=True)) == [*zip(indices, positions, strict=True)]
    return index.costs(unit, len(source.questions), int(indices.max()) + 1)[positions, indices]


def test_every_arm_is_drawn_in_every_replicate_the_plain_one_first(experiment):
    context, _, drawn = experiment
    arms = ("rs", "refine", "refine_tokens", "guided", "redi", "similar", "as_many")
    assert list(drawn) == [(arm, seed) for arm in arms for seed in (0, 1)]
    names = [cell.name for run in single_runs(context.run) for cell in cells_of(run)]
    assert names[0] == "rs-q8-r4-s0" and len(set(names)) == len(names) == 14


@pytest.mark.parametrize("arm", ["refine", "guided"])
def test_an_arm_takes_as_many_samples_as_the_plain_one(experiment, arm):
    _, _, drawn = experiment
    for seed in (0, 1):
        took, total = costs(drawn[arm, seed][0], "samples"), 8 * BUDGET
        assert costs(drawn["rs", seed][0], "samples").sum() == total
        assert total - 3 < took.sum() <= total  # what is left begins the next response, which is none of the corpus
        assert len(set(took.tolist())) > 1 or arm == "guided"


def test_an_arm_takes_as_many_tokens_as_the_plain_one_and_at_most_a_response_more(experiment):
    _, _, drawn = experiment
    for seed in (0, 1):
        plain, took = (costs(drawn[arm, seed][0], "tokens") for arm in ("rs", "refine_tokens"))
        assert took[:-1].sum() < plain.sum() <= took.sum()


def test_arms_that_sample_alike_share_a_journal_and_a_longer_one_continues_a_shorter(experiment):
    _, _, drawn = experiment
    journals = {name: source.journal for name, (source, _) in drawn.items()}
    assert journals["rs", 0] == journals["redi", 0] != journals["rs", 1]
    assert journals["refine", 0] == journals["refine_tokens", 0]
    keys = [(row.question_id, row.index, row.step, row.occurrence) for row in read_journal(journals["refine", 0])]
    assert len(set(keys)) == len(keys)


def test_little_is_asked_for_that_no_arm_counts(experiment):
    _, _, drawn = experiment
    asked = sum(row.is_completion for row in read_journal(drawn["guided", 0][0].journal))
    assert asked <= 8 * BUDGET + 2


def test_new_questions_take_the_place_of_the_seeds_and_are_labelled_by_their_answers(experiment):
    _, _, drawn = experiment
    (source, corpus), seeds = drawn["as_many", 0], {row["question_id"] for row in drawn["rs", 0][0].questions}
    assert len(source.questions) == 8 and seeds.isdisjoint(row["question_id"] for row in source.questions)
    assert {parent for row in source.questions for parent in row["parents"]} <= seeds
    assert {row["answer"] for row in source.questions} <= {"4", "5", ""}
    assert source.labels.facts["questions"] == 8
    assert corpus.statistics[8, BUDGET]["sampled"] == 8 * BUDGET
    assert corpus.statistics[8, BUDGET]["accepted"] > 0


def test_calls_and_answers_of_new_questions_take_as_many_samples_together(experiment):
    _, _, drawn = experiment
    for seed in (0, 1):
        source = drawn["similar", seed][0]
        calls = sum(row.is_completion for row in read_journal(source.journal) if row.question_id == "synthesis")
        answers = len(source.questions) * BUDGET
        assert calls > 0 and 8 * BUDGET - BUDGET - 4 < calls + answers <= 8 * BUDGET
        assert costs(source, "samples").sum() == answers
        assert calls >= sum(usage["samples"] for usage in source.made.facts["ledger"].values()) > 0


def test_an_unlabelled_question_has_no_accepted_response(experiment):
    context, _, drawn = experiment
    with open_judge(context, drawn["rs", 0][0].pool) as judge:
        given = [("", RIGHT, "stop"), ("", "no answer", "stop"), ("4", RIGHT, "stop"), ("", "\\boxed{0}", "stop")]
        assert [judged.verdict for judged in judge.judge(given)] == ["rejected", "unparsable", "accepted", "rejected"]


def test_what_was_drawn_is_found_again(experiment):
    context, models, drawn = experiment
    models = {**models, ("base", "nano"): next(iter(models.values()))}
    for replicate in find_replicates(context, models):
        single = replicate.context
        source, corpus = drawn[single.recipe.arm, single.run.replicates[0]]
        assert replicate.source.digests == source.digests and replicate.source.rows
        assert [part.digest for part in replicate.corpus.parts.values()] == [
            part.digest for part in corpus.parts.values()
        ]


def test_what_a_plain_arm_takes_is_not_known_before_it_is_there(experiment, tmp_path):
    context, models, drawn = experiment
    single = next(run for run in single_runs(context.run) if run.recipe.arm == "refine_tokens")
    (teacher,), pool = models.values(), drawn["rs", 0][0].pool
    here = context.part(single)
    assert allowance(here, pool, teacher) == costs(drawn["rs", 0][0], "tokens").sum()
    here.workspace = type(here.workspace)(tmp_path, print)
    assert allowance(here, pool, teacher) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rs: {}", "rs: {protocol: orca}", "arms: rs: must be plain rejection_sampling"),
        ("  rs: {}\n", "", "arms: refine: must be plain rejection_sampling"),
        ("arms:", "arms_:", "arms_: unknown key; did you mean arms?"),
        ("rounds: 2}}", "rounds: 2}, budgets: [2]}", "arms: refine: budgets: unknown key"),
        ("match: samples", "match: words", "match: input should be 'samples', 'tokens', 'compute' or 'money'"),
        (f"budgets: [{BUDGET}]", "budgets: [1, 4]", "match: takes one budget"),
        ("held_out: null", "held_out: 4", "held_out: must be null with arms"),
    ],
)
def test_what_is_wrong_with_arms_is_said(tmp_path, old, new, message):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol="rejection_sampling") + ARMS
    text = text.replace("[1, 2]", f"[{BUDGET}]")
    assert old in text
    (tmp_path / "audit.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_run(str(tmp_path / "audit.yaml"))


def test_match_without_arms_is_refused(tmp_path):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol="rejection_sampling").replace("[1, 2]", "[4]")
    (tmp_path / "audit.yaml").write_text(text + "match: samples\n")
    with pytest.raises(RecipeError, match="match: compares arms"):
        load_run(str(tmp_path / "audit.yaml"))


def test_one_budget_of_an_experiment_is_its_plain_arm(experiment, tmp_path):
    context, _, _ = experiment
    path = context.recipe.set_in["arms"]
    run = load_run(f"{path}-r4-s1")
    assert run.recipe.arm == "rs" and [cell.name for cell in cells_of(single_runs(run)[0])] == ["rs-q8-r4-s1"]


@given(
    st.lists(st.lists(st.integers(1, 5), min_size=6, max_size=6), min_size=1, max_size=5),
    st.integers(1, 60),
    st.integers(1, 6),
    st.booleans(),
)
def test_draws_are_the_first_that_fill_a_total(rows, total, guess, whole):
    table = np.array(rows)  # (questions, draws)
    asked = np.zeros_like(table)

    def drawn():
        return table * asked

    stop = np.zeros(len(rows), int)
    for wanted in matched_rounds(total, 6, table.shape, drawn, guess, whole=whole):
        for position, index in wanted.pairs():
            assert not asked[position, index]
            asked[position, index] = 1
        stop = wanted.stop
    walk = [table[position, index] for index in range(6) for position in range(len(rows)) if index < stop[position]]
    assert stop.max() - stop.min() <= 1 and sorted(stop, reverse=True) == stop.tolist()
    if whole:
        assert sum(walk[:-1]) < total and (sum(walk) >= total or len(walk) == table.size)
    else:
        after = table.T.reshape(-1)[len(walk) : len(walk) + 1]
        assert sum(walk) <= total and (not len(after) or sum(walk) + after[0] > total)


def test_what_an_arm_took_has_the_calls_for_its_new_questions(experiment):
    context, models, _ = experiment
    models = {**models, ("base", "nano"): next(iter(models.values()))}
    for replicate in find_replicates(context, models):
        ledger, recipe = replicate.ledger(8, BUDGET), replicate.context.recipe
        if recipe.arm in ("similar", "as_many"):
            assert list(ledger) == ["similar", "answer"] and ledger["similar"]["samples"] > 0
        if recipe.ladder.match == "samples":
            assert sum(step["samples"] for step in ledger.values()) <= 8 * BUDGET


def test_every_completion_is_on_one_line_of_the_ledgers_of_the_arms(experiment):
    context, models, _ = experiment
    models = {**models, ("base", "nano"): next(iter(models.values()))}
    replicates = find_replicates(context, models)
    left, longest = unused(replicates), {}
    for replicate in replicates:
        steps = replicate.ledger(8, BUDGET)
        took = [sum(step[name] for step in steps.values()) for name in ("samples", "prompt_tokens", "tokens")]
        total = [sum(both) for both in zip(took, left[drawn_by(replicate.context.run)], strict=True)]
        assert min(left[drawn_by(replicate.context.run)]) >= 0
        longest.setdefault(replicate.source.journal, []).append(total)
    for journal, totals in longest.items():
        rows = [row for row in read_journal(journal) if row.is_completion]
        tokens = sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)
        assert max(totals) == [len(rows), *tokens]


def test_what_is_unused_are_completions_that_no_corpus_of_a_journal_has(experiment):
    context, models, _ = experiment
    models = {**models, ("base", "nano"): next(iter(models.values()))}
    replicates = find_replicates(context, models)
    left = unused(replicates)
    assert sum(usage.samples for usage in left.values()) > 0
    for journal in {replicate.source.journal for replicate in replicates}:
        own = [replicate for replicate in replicates if replicate.source.journal == journal]
        used = {at for one in own for rows in one.source.rows.values() for at in (*rows.offsets, *rows.steps)}
        rest, start = 0, 0
        for line, row in zip(journal.read_bytes().splitlines(keepends=True), read_journal(journal), strict=True):
            rest += row.is_completion and start not in used and row.question_id != "synthesis"
            start += len(line)
        calls = sum(row.is_completion and row.question_id == "synthesis" for row in read_journal(journal))
        counted = max(
            (
                sum(usage["samples"] for usage in one.source.made.facts["ledger"].values())
                for one in own
                if one.source.made
            ),
            default=0,
        )
        assert sum(left[drawn_by(one.context.run)].samples for one in own) == rest + calls - counted


def test_the_truth_of_a_new_question_is_what_its_domain_computes(experiment):
    context, _, _ = experiment
    pool = dataclasses.replace(context.recipe.pool, pool="mathematics")
    ours = context.with_recipe(dataclasses.replace(context.recipe, pool=pool))
    question = next(iter(mathematics.DOMAIN.generate("train", 0)))
    assert _truth(ours, question.text) == question.answer
    assert _truth(ours, "How is it going?") is None and _truth(context, question.text) is None
