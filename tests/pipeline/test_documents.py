"""An arm that expands its source: from documents in a folder to labels that votes verify."""

import io
import json

import pytest

from tests.pipeline.test_steps import RECIPE, RIGHT, url, write_pool  # noqa: F401
from toolkit.pipeline import run as runs
from toolkit.pipeline.context import StageError
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.pool import held_out_questions
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

ARMS = """
arms:
  rs: {}
  web: {protocol: web_pairs, protocol_options: {documents: ./pages, calls_per_round: 2}}
"""


def reply(text, seed):
    """Extract a question with the right answer, or with a wrong one; answer all of them right."""
    if "<document>" in text or "copied out of" in text:
        page = text.split("page", 1)[1][:1]
        question = f"On page{page}, how many are {seed % 97} and {seed % 89}?"
        return f"<pair>\nQuestion: {question}\nAnswer: \\boxed{{{page}}}\n</pair>"
    return f"so {RIGHT}"


@pytest.fixture
def arm(url, tmp_path, monkeypatch):  # noqa: F811
    """Opens the context of a recipe with such an arm; gives a function that draws the arm, and what was said."""
    monkeypatch.setattr("tests.pipeline.test_steps.answer", reply)
    write_pool(tmp_path)
    text = RECIPE.format(url=url, protocol="rejection_sampling").replace("[1, 2]", "[3]") + ARMS
    (tmp_path / "own.yaml").write_text(text.replace("pool.jsonl", str(tmp_path / "pool.jsonl")))
    (tmp_path / "pages").mkdir()
    for page in ("page4: on cookies", "page5: on ads"):
        (tmp_path / "pages" / f"{page[:5]}.txt").write_text(page)
    progress = Progress(io.StringIO())

    def draw(quote=False):
        with runs._context(load_run(str(tmp_path / "own.yaml")), tmp_path / "w", 1, progress) as context:
            pools = runs.pools_stage(context)
            held_out = next(iter(held_out_questions(pools[context.recipe.pool].path, seeds=False).values()))
            for file in (tmp_path / "pages").iterdir() if quote else ():
                file.write_text(f"page4 {held_out}")
            models = checked_models(context, pools[context.recipe.pool], ["teacher"])
            for one, pool in runs.sources_of(context, pools):
                if one.recipe.arm == "web":
                    return runs.draw_corpus(one, pool, models)[0]

    return draw, progress.stream


def test_documents_take_the_place_of_the_seeds_and_votes_verify_their_answers(arm):
    draw, said = arm
    source = draw()
    labels = json.loads((source.labels.path / "labels.json").read_text())
    assert len(source.questions) == 8 and all(row["parents"][0].startswith("doc-") for row in source.questions)
    assert {row["extracted"]: row["answer"] for row in source.questions} == {"4": "4", "5": ""}
    assert [labels[row["question_id"]]["verified"] for row in source.questions] == [
        row["extracted"] == "4" for row in source.questions
    ]
    assert "source expansion: questions of 2 documents, 0 with held-out questions left out" in said.getvalue()
    assert "8 new questions (source expansion: made of documents)" in said.getvalue()
    assert "4 verified" in said.getvalue()


def test_documents_that_changed_meanwhile_are_refused(arm):
    with pytest.raises(StageError, match="its documents changed since the recipe was read; run again"):
        arm[0](quote=True)


def test_documents_with_held_out_questions_are_not_shown_to_the_teacher(arm, monkeypatch):
    monkeypatch.setattr("toolkit.pipeline.stages.questions.leak_finder", lambda *_, **__: lambda text: "ads" in text)
    draw, said = arm
    assert {row["extracted"] for row in draw().questions} == {"4"}
    assert "source expansion: questions of 1 documents, 1 with held-out questions left out" in said.getvalue()
