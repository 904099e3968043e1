"""The recipes of the paper profile, end to end: real questions, a loopback teacher with TGI's rules, a tiny student."""

import dataclasses
import io

import pyarrow.parquet as pq
import pytest

from tests.fakes.tgi import stats, tgi
from tests.tiny_model import make_byte_model
from toolkit.pipeline.run import run, sample
from toolkit.progress import Progress
from toolkit.recipe.files import recipe_file
from toolkit.recipe.load import Run, load_recipe
from toolkit.synthesis.journal import read_journal

BUDGETS = (1, 2, 3, 4, 6)
TEACHER = "Qwen/Qwen2.5-7B-Instruct"


def real_run(name, shared_data, base, url):
    """The recipe as it ships, with its questions read from files, few of them, a teacher at `url`, a tiny base."""
    recipe = load_recipe(recipe_file(name), "paper")
    data = {
        "math": ("math/math_test_5000.jsonl", "math/math500_prm800k_test.jsonl", "solution", "boxed"),
        "gsm8k": ("gsm8k/train.jsonl", "gsm8k/test.jsonl", "answer", recipe.pool.answer_pattern),
    }[name]
    files = {"pool": str(shared_data / data[0]), "test_pool": str(shared_data / data[1])}
    pool = dataclasses.replace(
        recipe.pool,
        **files,
        pool_config=None,
        test_split=None,
        answer_column=data[2],
        answer_pattern=data[3],
        pool_sizes=(8, 16),
        test_size=12,
        dev_size=10,
    )
    tiny = dataclasses.replace(recipe.base, base=str(base), base_revision=None)
    small = dataclasses.replace(
        recipe,
        pool=pool,
        serving=dataclasses.replace(recipe.serving, server=None, urls=(url,), price_prompt=1.0, price_completion=2.0),
        verification=dataclasses.replace(recipe.verification, response_pattern=None if name == "math" else data[3]),
        base=tiny,
        bases={"tiny": tiny},
        ladder=dataclasses.replace(recipe.ladder, budgets=BUDGETS, ladder_questions=16),
        student=dataclasses.replace(recipe.student, steps=4, batch_size=2, max_length=8000, lora_rank=2, lora_alpha=4),
        experiment=dataclasses.replace(recipe.experiment, replicates=(0,)),
        evaluation=dataclasses.replace(recipe.evaluation, eval_max_tokens=16),
        # A student of a few thousand weights gets nothing right in four steps: there is no curve to fit.
        law=dataclasses.replace(recipe.law, fit_max=None, held_out=None, confirm_budget=None),
        decisions=dataclasses.replace(recipe.decisions, decide=()),
    )
    return Run(name, "paper", small, BUDGETS, (0,))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_byte_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(params=["math", pytest.param("gsm8k", marks=pytest.mark.slow)])
def real(request, shared_data, base):
    answers = {"math": "math/math_test_5000.jsonl", "gsm8k": "gsm8k/train.jsonl"}[request.param]
    with tgi(answers=shared_data / answers, model=TEACHER, refuse_every=7, max_total_tokens=8192) as url:
        yield real_run(request.param, shared_data, base, url), url


def test_the_whole_chain_runs_on_real_questions(real, tmp_path):
    selected, url = real
    progress = Progress(io.StringIO())
    summary = run(selected, tmp_path, jobs=2, dry=False, progress=progress)
    lines = progress.stream.getvalue()
    assert "to sample: 96 requests" in lines and "96 sampled now, cost" in lines
    (journal,) = (tmp_path / "responses").glob("*.jsonl")
    rows = list(read_journal(journal))
    assert len({(row.question_id, row.index) for row in rows}) == len(rows) == 96
    assert {row.finish_reason for row in rows} <= {"stop", "length"}
    assert all(row.model.startswith(f"{TEACHER}@") for row in rows)
    release = tmp_path / "runs" / selected.name / "release"
    accepted = pq.read_table(release / "data" / "accepted").to_pylist()
    assert 20 < len(accepted) < 96 and f"r6 {len(accepted)}" in lines
    curves = pq.read_table(tmp_path / "runs" / selected.name / "curves.parquet").to_pylist()
    assert [row["arm"] for row in curves] == ["teacher", "base"] + ["FSS"] * 5
    assert "r6" in summary
    seen = stats(url)
    assert seen["statuses"]["429"] > 10 and seen["answered_twice"] == 0


def test_a_dry_run_says_what_it_takes_and_a_largest_cost_is_kept(real, tmp_path):
    selected, url = real
    progress = Progress(io.StringIO())
    prompt = sample(selected, tmp_path, jobs=1, dry=True, progress=progress)
    assert "put the final answer within \\boxed{}" in prompt
    assert "to sample: 96 requests" in progress.stream.getvalue() and "to pay" in progress.stream.getvalue()
    assert stats(url)["requests"] == 0
    with pytest.raises(RuntimeError, match=r"stopped at a cost of 0\.01.* above --max-cost 0\.02\. "):
        sample(selected, tmp_path, jobs=1, dry=False, progress=progress, max_cost=0.02)
    (journal,) = (tmp_path / "responses").glob("*.jsonl")
    rows = list(read_journal(journal))
    spent = sum(row.prompt_tokens * 1.0 + row.completion_tokens * 2.0 for row in rows) / 1e6
    assert 0 < len(rows) < 96 and 0 < spent <= 0.02
    sample(selected, tmp_path, jobs=1, dry=False, progress=progress)
    assert len(list(read_journal(journal))) == 96
