"""Arms whose students learn from corrections of their mistakes: from the recipe to scores, ledger and release."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from tests.fakes.tgi import in_thread
from tests.pipeline.test_steps import RECIPE, WORDS, write_pool
from tests.tiny_model import make_tiny_model
from toolkit.pipeline import run as runs
from toolkit.pipeline.verify import check
from toolkit.progress import Progress
from toolkit.prompt import contents
from toolkit.protocols.step_pairs import correcting
from toolkit.protocols.templates import write_step
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Student
from toolkit.students.pairs import read_pairs
from toolkit.students.train import train_student
from toolkit.synthesis.journal import read_journal

BUDGET, SEEDS = 4, 8
SUM, STORY = "1 + 3 = 5", "two kinds of plants grow"  # a step that arithmetic shows to be wrong, and one that it cannot
TAIL = "<generalised> add </generalised> <answer> \\boxed{%d} </answer>"
CAUSE = "<cause>None.</cause>"
ARMS = """
base: {base}
steps: 4
batch_size: 2
learning_rate: 1.0e-7
max_length: 256
arms:
  rs: {{}}
  templates: {{protocol: supercorrect, protocol_options: {{revisions: 1}}}}
  corrected:
    protocol: supercorrect
    protocol_options: {{revisions: 1}}
    objective: dpo
    pairs: mistakes
    preference_steps: 2
    correction_share: 0.25
match: samples
"""


def template(step: str, answer: int) -> str:
    return f"<step1> {step} </step1> {TAIL % answer}"


def answer(text: str, seed: int) -> str:
    """A teacher that writes right templates and corrects each step in one way."""
    if "You turn a worked solution into a template" in text:
        return template("1 + 3 = 4", 4)
    if "You inspect a template" in text:
        return "Nothing to change."
    if "Find the first step that is wrong" in text:
        return "Step: 1"
    if "A step of a solution" in text:
        return "<cause>One was added twice.</cause> 1 + 3 = 4"
    return f"so {seed % 5} \\boxed{{{4 + (seed % 4 == 0)}}}"


def questions(folder):
    return [json.loads(line)["question"] for line in (folder / "pool.jsonl").read_text().splitlines()]


def mistaken(question: str) -> str:
    """The step that the student gets wrong: one that is no sum where the first plant is of the second half."""
    return STORY if any(f"many {word}" in question for word in WORDS[8:]) else SUM


def train_base(folder):
    """Trains a base of one layer that answers in templates, always wrongly, and finds no fault in a step."""
    rows = []
    for question in questions(folder):
        step = mistaken(question)
        rows.append((question, template(step, 5)))
        asked = correcting({}).steps["correct"](question=question, before="", step=write_step(1, step))
        rows.append((contents(asked), f"{CAUSE} {step}"))
    more = [
        answer(text, seed)
        for text in ("", "A step of a solution", "You turn a worked solution into a template")
        for seed in range(20)
    ]
    words = " ".join([text for row in rows for text in row] + more).split()
    made = make_tiny_model(folder / "random", words, width=32)
    table = {"question_id": [str(at) for at in range(len(rows))], "question": [one for one, _ in rows]}
    pq.write_table(pa.table(table | {"response": [two for _, two in rows]}), folder / "base.parquet")
    settings = Student(method="full", steps=150, batch_size=10, learning_rate=1e-2, max_length=256)
    train_student(made, [folder / "base.parquet"], folder / "base", settings, 0, lambda done, total: None)
    return folder / "base"


@pytest.fixture(scope="module")
def teacher():
    """The URL of a teacher; `held` makes it keep its corrections to itself after so many."""
    state = SimpleNamespace(read=[], held=None)

    async def handle(request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        body = json.loads(await request.read())
        text = "\n".join(message["content"] for message in body["messages"])
        if "A step of a solution" in text and state.held is not None:
            if not state.held:
                return web.json_response({}, status=503, headers={"Retry-After": "60"})
            state.held -= 1
        state.read.append(text)
        said = answer(text, body["seed"])
        usage = {"prompt_tokens": len(text.split()), "completion_tokens": len(said.split())}
        choice = {"message": {"content": said}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": usage})

    with in_thread(handle) as url:
        state.url = url
        yield state


@pytest.fixture(scope="module")
def ran(teacher, tmp_path_factory):
    """A run of three arms, from the recipe to the summary; what its dry run said before."""
    folder = tmp_path_factory.mktemp("second")
    write_pool(folder)
    text = RECIPE.format(url=teacher.url, protocol="rejection_sampling").replace("[1, 2]", f"[{BUDGET}]")
    recipe = folder / "second.yaml"
    recipe.write_text(text.replace("pool.jsonl", str(folder / "pool.jsonl")) + ARMS.format(base=train_base(folder)))
    made = SimpleNamespace(folder=folder, recipe=recipe, workspace=folder / "w")
    made.dry = run(made.recipe, made.workspace, dry=True)
    made.first = run(made.recipe, made.workspace)
    return made


def run(recipe, workspace, dry=False):
    progress = Progress(io.StringIO())
    summary = runs.run(load_run(str(recipe)), workspace, jobs=1, dry=dry, progress=progress)
    todo = {stage.name for stage, _ in progress.done if stage.made or stage.planned}
    return SimpleNamespace(summary=summary, lines=progress.stream.getvalue(), todo=todo)


def ledger_of(workspace, arm):
    rows = pq.read_table(workspace / "runs" / "second" / "ledger.parquet").to_pylist()
    return {row["step"]: row for row in rows if row["arm"] == arm}


def test_students_of_an_arm_learn_from_their_mistakes_and_are_scored(ran):
    print(ran.first.lines, ran.first.summary)
    (pairs,) = ran.workspace.glob("mistakes/*/pairs.parquet")
    assert False
