"""Arms with another teacher: which one is asked, and that it may spend as much compute or money as the first one."""

import io
import math
import re
from fractions import Fraction

import pytest

from tests.pipeline.test_arms import costs
from tests.pipeline.test_steps import RECIPE, url, write_pool  # noqa: F401
from toolkit.nano.pretrain import NanoSettings, _shape, count_parameters, save
from toolkit.nano.tokenizer import build_tokenizer
from toolkit.pipeline import run as runs
from toolkit.pipeline.cells import cells_of, drawn_by, single_runs
from toolkit.pipeline.context import StageError
from toolkit.pipeline.plan import _source as source_of
from toolkit.pipeline.stages.arm_ledger import write_ledger
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.responses import plan_responses
from toolkit.pipeline.token_costs import TokenCosts, _by_price
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Serving
from toolkit.reports.step_costs import mean_costs, read_step_costs

BUDGET = 4
ARMS = """
parameters: 900
arms:
  strong: {}
  weak: {teacher: org/small, parameters: 300, match: compute}
  weak_alike: {teacher: org/small, parameters: 300}
  cheap: {teacher: org/cheap, price_prompt: 0.25, price_completion: 0.25, match: money}
"""


def write_recipe(folder, url, old="", new=""):  # noqa: F811
    text = RECIPE.format(url=url, protocol="rejection_sampling").replace("[1, 2]", f"[{BUDGET}]") + ARMS
    assert old in text
    write_pool(folder)
    path = folder / "taught.yaml"
    path.write_text(text.replace("pool.jsonl", str(folder / "pool.jsonl")).replace(old, new, 1))
    return str(path)


@pytest.fixture(scope="module")
def drawn(url, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("taught")
    run = load_run(write_recipe(folder, url))
    with runs._context(run, folder / "w", 1, Progress(io.StringIO())) as context:
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher"])
        planned = {}
        made = {}
        for one, pool in runs.sources_of(context, pools):
            planned[drawn_by(one.run).arm] = plan_responses(one, source_of(one, pool, models)).text
            made[drawn_by(one.run).arm] = runs.draw_corpus(one, pool, models)
        yield context, models, made, planned


def test_each_arm_asks_its_own_teacher_and_students_are_of_one_pair(drawn):
    context, models, made, _ = drawn
    assert [name for _, name in models] == ["org/teacher", "of weak", "of cheap"]
    assert {arm: source.teacher.path.name for arm, (source, _) in made.items()} == {
        "strong": "teacher", "weak": "small", "weak_alike": "small", "cheap": "cheap",
    }  # fmt: skip
    assert made["weak"][0].journal == made["weak_alike"][0].journal != made["strong"][0].journal
    assert len({cell.pair for run in single_runs(context.run) for cell in cells_of(run)}) == 1


def test_a_third_of_the_parameters_buys_three_times_the_tokens(drawn):
    _, _, made, planned = drawn
    strong, weak = (costs(made[arm][0], "tokens") for arm in ("strong", "weak"))
    assert 300 * weak[:-1].sum() < 900 * strong.sum() <= 300 * weak.sum()
    assert len(strong) == 8 * BUDGET and len(costs(made["weak_alike"][0], "tokens")) == 8 * BUDGET
    assert planned["weak"].startswith("8 questions, as much compute as 4 responses each take in the first arm")
    assert f"to sample: {3 * 8 * BUDGET} requests" in planned["weak"]


def test_a_quarter_of_the_price_buys_four_times_the_tokens(drawn):
    _, _, made, planned = drawn
    strong, cheap = (costs(made[arm][0], "tokens") for arm in ("strong", "cheap"))
    assert 0.25 * cheap[:-1].sum() < strong.sum() <= 0.25 * cheap.sum()
    assert f"to sample: {4 * 8 * BUDGET} requests" in planned["cheap"]


def test_a_larger_draw_is_the_same_journal_gone_on(drawn):
    _, _, made, _ = drawn
    alike, weak = (made[arm][1].statistics[8, BUDGET]["sampled"] for arm in ("weak_alike", "weak"))
    assert alike == 8 * BUDGET < weak == len(costs(made["weak"][0], "tokens"))


def test_an_arm_that_may_draw_no_more_is_no_fair_comparison(url, tmp_path):  # noqa: F811
    run = load_run(write_recipe(tmp_path, url, "parameters: 900", "parameters: 900\nmax_draws: 6"))
    with runs._context(run, tmp_path / "w", 1, Progress(io.StringIO())) as context:
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher"])
        with pytest.raises(
            StageError, match=r"max_draws: at 6 responses per question the arm has taken .* compute; raise"
        ):
            for one, pool in runs.sources_of(context, pools):
                runs.draw_corpus(one, pool, models)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "strong: {}",
            "strong: {teacher: org/other}",
            "arms: strong: is the first arm, whose teacher is the recipe's own",
        ),
        ("parameters: 900\n", "", "compute, of arm weak: how large org/teacher is cannot be seen from here"),
        (
            ", price_prompt: 0.25, price_completion: 0.25",
            ", price_prompt: 0.0, price_completion: 0.0",
            "money, of arm cheap",
        ),
        (
            "org/small, parameters: 300, match",
            "org/small, teacher_revision: null, match",
            "arms: weak: teacher_revision",
        ),
        (
            "parameters: 900\n",
            "parameters: 900\nteachers: {a: {}, b: {}}\n",
            "teachers: must be left out: arm weak names",
        ),
        ("org/small, parameters", "org/small, base_steps: 3, parameters", "arms: weak: base_steps: unknown key"),
    ],
)
def test_what_is_wrong_with_a_teacher_of_an_arm_is_said(tmp_path, old, new, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_run(write_recipe(tmp_path, "http://127.0.0.1:1", old, new))


def test_prices_are_whole_numbers_of_one_unit():
    found = _by_price(
        Serving(price_prompt=10.5, price_completion=10.5), Serving(price_prompt=0.3, price_completion=0.3)
    )
    assert found.ratio == 35  # the paper's ratio of prices
    assert all(isinstance(weight, int) for weight in found.own)
    assert TokenCosts((Fraction(27, 9),) * 2, (1, 1)).ratio == 3  # and of 27 B to 9 B parameters


def test_parameters_are_the_same_before_and_after_training(tmp_path):
    from transformers import LlamaForCausalLM

    from toolkit.models.networks import count_weights

    settings = NanoSettings(steps=1, learning_rate=1e-3, width=56, layers=2)
    tokenizer = build_tokenizer(settings.domain, settings.formats)
    model = LlamaForCausalLM(_shape(settings, tokenizer))
    save(model, tokenizer, tmp_path)
    assert count_parameters(settings) == count_weights(tmp_path, "teacher") == 120_848
    assert math.isclose(count_parameters(NanoSettings(steps=1, learning_rate=1e-3)) / 120_848, 2.885, abs_tol=1e-3)


def test_the_recipe_of_a_weaker_teacher_has_two_arms_of_one_pair():
    run = load_run("weaker-math")
    taught = {one.recipe.arm: one.recipe for one in single_runs(run)}
    assert [recipe.teacher.teacher_layers for recipe in taught.values()] == [3, 2]
    assert {recipe.pair for recipe in taught.values()} == {"nano>nano"}
    assert list(run.recipe.every_teacher) == ["nano", "of weaker"]
    assert run.replicates == (0, 1, 2, 3, 4) and run.recipe.decisions.decide == ("audit",)


def test_the_ledger_has_the_compute_and_the_cost_of_each_arm(drawn, tmp_path):
    context, models, made, _ = drawn
    replicates = []
    for run in single_runs(context.run):
        source, corpus = made[run.recipe.arm]
        base = next(iter(models.values()))
        replicates.append(runs.Replicate(context.part(run), source.pool, source.teacher, base, source, corpus))
    write_ledger(replicates, tmp_path)
    table = mean_costs(read_step_costs(tmp_path / "ledger.parquet"))
    rows = {arm: ["", arm, *row] for arm, *row in table if row[0] != "unused"}
    flops = {arm: float(row[7]) for arm, row in rows.items() if row[7].strip()}
    assert flops["strong"] == pytest.approx(2 * 900 * costs(made["strong"][0], "tokens").sum(), rel=1e-3)
    assert flops["weak"] == pytest.approx(flops["strong"], rel=0.05)
    assert float(rows["cheap"][8]) == pytest.approx(float(rows["strong"][8]), rel=0.05)
