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
from toolkit.pipeline.context import StageError
from toolkit.pipeline.stages.publish import Incomplete
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
    asked = ("", "A step of a solution", "You turn a worked solution into a template")
    said = [answer(text, seed) for text in asked for seed in range(20)]
    words = " ".join([*(text for row in rows for text in row), *said, "<cause> None. One twice. </cause>"]).split()
    made = make_tiny_model(folder / "random", words, width=32)
    table = {"question_id": [str(at) for at in range(len(rows))], "question": [one for one, _ in rows]}
    pq.write_table(pa.table(table | {"response": [two for _, two in rows]}), folder / "base.parquet")
    settings = Student(method="full", steps=150, batch_size=10, learning_rate=1e-2, max_length=256)
    train_student(made, [folder / "base.parquet"], folder / "base", settings, 0, lambda done, total: None)
    return folder / "base"


@pytest.fixture(scope="module")
def teacher():
    """The URL of a teacher; after `held` corrections it gives no more, and `parrots` gives the student's own."""
    state = SimpleNamespace(read=[], held=None, parrots=False)

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
        if "A step of a solution" in text and state.parrots:
            said = f"{CAUSE} {mistaken(text)}"
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


def run(recipe, workspace, dry=False, max_cost=None):
    progress = Progress(io.StringIO())
    summary = runs.run(load_run(str(recipe)), workspace, jobs=1, dry=dry, progress=progress, max_cost=max_cost)
    todo = {stage.name for stage, _ in progress.done if stage.made or stage.planned}
    return SimpleNamespace(summary=summary, lines=progress.stream.getvalue(), todo=todo)


def ledger_of(ran, arm):
    rows = pq.read_table(ran.workspace / "runs" / "second" / "ledger.parquet").to_pylist()
    return {row["step"]: row for row in rows if row["arm"] == arm}


def journals_of(workspace):
    """The folder of the journals of a student's mistakes."""
    (file,) = (workspace / "responses").glob("*/attempts.jsonl")
    return file.parent


def test_students_learn_from_corrections_of_their_mistakes_and_are_scored(ran):
    (made,) = (path.parent for path in ran.workspace.glob("mistakes/*/pairs.parquet"))
    pairs = read_pairs(made / "pairs.parquet")
    assert {pair.chosen.split("</cause>")[1].split()[:5][-1] for pair in pairs} == {"4"}
    assert all(mistaken(contents(pair.prompt)) in pair.rejected for pair in pairs)
    stages = ["students", "mistakes", "pairs", "score"]
    assert sorted(stages, key=lambda name: ran.first.lines.index(f"\n{name} ")) == stages
    assert f"What students of corrected learnt from: 8 mistakes in 8 answers to seed questions, {len(pairs)} pairs" in (
        ran.first.summary
    )
    corrected = next(line for line in ran.first.summary.splitlines() if line.startswith("| corrected "))
    assert corrected.split("|")[-2].strip() == "1"
    assert not list(ran.workspace.glob("*/*/merged"))


def test_both_stages_share_the_steps(ran):
    facts = [json.loads(path.read_text()) for path in ran.workspace.glob("student/*/.artifact.json")]
    steps = {"first" in made["inputs"]: made["facts"]["steps"] for made in facts if made["facts"]["steps"] == 2}
    assert steps == {True: 2, False: 2} and len(facts) == 4
    second = next(made for made in facts if "first" in made["inputs"])
    assert (
        second["inputs"]["settings"]["pairs"] == "mistakes" and "correction_share" not in second["inputs"]["settings"]
    )


def test_corrections_are_samples_of_the_teacher_and_the_students_answers_are_not(ran):
    ledger = ledger_of(ran, "corrected")
    assert list(ledger) == ["solve", "template", "inspect", "attempt", "locate", "correct", "self-correct"]
    assert {step for step, row in ledger.items() if row["by_student"]} == {"attempt", "self-correct"}
    took = sum(row["samples"] for row in ledger.values() if not row["by_student"])
    assert SEEDS * BUDGET - 2 < took <= SEEDS * BUDGET
    assert ledger["solve"]["samples"] == 0.75 * SEEDS * BUDGET / 3
    assert ledger["correct"]["cost"] > 0 and ledger["attempt"]["cost"] is None
    rows = pq.read_table(ran.workspace / "runs" / "second" / "corpora.parquet").to_pylist()
    values = {row["metric"]: row["value"] for row in rows if row["arm"] == "corrected"}
    assert (values["samples"], values["student samples"]) == (took, SEEDS + ledger["self-correct"]["samples"])
    assert values["steps"] == 4


def test_the_release_of_the_arm_says_what_its_responses_leave(ran):
    folder = ran.workspace / "runs" / "second"
    card = (folder / "release-corrected" / "README.md").read_text()
    assert "32, of which 25% are kept for corrections of its students' mistakes" in card
    assert "its students then learn from corrections of their own mistakes" in card
    assert "students then learn" not in (folder / "release-templates" / "README.md").read_text()
    assert check(folder / "release-corrected", Progress(io.StringIO())).problems == []


def test_a_dry_run_lists_what_is_asked_after_the_first_stage(ran):
    assert re.search(
        r"mistakes +corrected, 1 student: 8 answers to seed questions, and at most as many corrections of its own "
        r"mistakes; the teacher's corrections, within the last 25% of what the arm may take, 8 requests, to sample: "
        r"8 responses, at most 16 requests, .* to pay\n +locate: at most 8 requests, .*\n +correct: at most 8 requests",
        ran.dry.lines,
    )
    assert re.search(r"\npairs +1 student, 2 steps to do", ran.dry.lines)
    assert "mistakes 24 answers" in ran.dry.summary and "student 12 steps" in ran.dry.summary
    assert "[corrected: locate]" in ran.dry.summary and "[corrected: correct]" in ran.dry.summary


def test_status_says_what_became_of_the_mistakes(ran):
    said = runs.status(load_run(str(ran.recipe)), ran.workspace, jobs=1)
    assert re.search(r"\nmistakes +cached +corrected, 1 student: 8 mistakes in 8 answers to seed questions, ", said)
    assert re.search(r"\npairs +cached +1 student, 2 steps", said)


def test_nothing_is_made_or_asked_twice(ran, teacher):
    asked = len(teacher.read)
    assert run(ran.recipe, ran.workspace).todo == set() and len(teacher.read) == asked


@pytest.fixture
def uncorrected(ran, teacher, tmp_path):
    """A copy of the workspace as it was before mistakes were asked for, and what gives all that is read from now on."""
    workspace = tmp_path / "w"
    shutil.copytree(ran.workspace, workspace)
    shutil.rmtree(journals_of(workspace))
    shutil.rmtree(workspace / "mistakes")
    before = len(teacher.read)
    return workspace, lambda: teacher.read[before:]


def assert_goes_on(ran, workspace, read):
    """The run ends as it once did, and nothing is asked twice."""
    assert not list(workspace.glob("mistakes/*/pairs.parquet"))
    assert run(ran.recipe, workspace).todo == {"mistakes"}  # all that follows is as it was
    ledger, asked = ledger_of(ran, "corrected"), read()
    assert len(asked) == len(set(asked)) == ledger["locate"]["samples"] + ledger["correct"]["samples"]


def test_a_run_that_ends_at_its_largest_cost_goes_on(ran, uncorrected):
    workspace, read = uncorrected
    with pytest.raises(
        StageError, match=r"corrections of .*corrected-q8-r4-s0: 0\.000\d+ of at most 0\.0009 spent.* what came is kept"
    ):
        run(ran.recipe, workspace, max_cost=9e-4)
    assert 0 < len(read()) < 7
    assert_goes_on(ran, workspace, read)


@pytest.mark.slow
def test_a_run_that_is_killed_while_mistakes_are_corrected_goes_on(ran, teacher, uncorrected):
    workspace, read = uncorrected
    teacher.held = 2
    command = [sys.executable, "-m", "toolkit.cli", "run", str(ran.recipe), "--workspace", str(workspace)]
    killed = subprocess.Popen([*command, "--jobs", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while sum(row.step == "correct" for row in rows_of(workspace / "responses")) < 2:
        assert killed.poll() is None
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    teacher.held = None
    assert_goes_on(ran, workspace, read)


def test_a_student_without_a_pair_is_listed_and_the_run_goes_on(ran, teacher, uncorrected):
    workspace, _ = uncorrected
    teacher.parrots = True
    with pytest.raises(
        Incomplete, match=r"1 failed:\n.*corrected-q8-r4-s0: no pair to learn from: 8 mistakes"
    ) as ended:
        run(ran.recipe, workspace)
    teacher.parrots = False
    assert "alike" in str(ended.value) and "8 answers to seed questions, 0 pairs" in ended.value.summary
    rows = pq.read_table(workspace / "runs" / "second" / "ledger.parquet").to_pylist()
    asked = {row["step"]: (row["samples"], row["kept"]) for row in rows if row["arm"] == "corrected"}
    assert asked["correct"] == (5, 0) and asked["attempt"] == (8, 0)


def rows_of(folder):
    """The rows of the teacher's corrections, as far as they are written."""
    return [row for file in folder.glob("*/corrections.jsonl") for row in read_journal(file)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("protocol: supercorrect\n", "protocol: self_refine\n", "protocol must be supercorrect, not self_refine"),
        ("objective: dpo", "objective: redi", "objective must be dpo, not redi"),
        ("preference_steps: 2", "preference_steps: 4", "preference_steps must be below steps (4)"),
        ("base: /nowhere", "base: nano", "base must be a model that reads any words"),
        ("base: /nowhere", "bases: {a: {base: /a}, b: {base: /b}}", "bases must be one, not 2"),
        ("steps: 4", "steps: 4\ncontrols: [steps, epochs]", "controls must be [steps]"),
        ("steps: 4", "steps: 4\ndouble_steps_at: [4]", "double_steps_at must be []"),
    ],
)
def test_what_does_not_fit_a_second_stage_is_refused(tmp_path, old, new, message):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol="rejection_sampling").replace("[1, 2]", f"[{BUDGET}]")
    text += ARMS.format(base="/nowhere").replace("revisions: 1", "")
    assert old in text
    (tmp_path / "second.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError, match=re.escape(f"arms: corrected: with pairs: mistakes, {message}")):
        load_run(str(tmp_path / "second.yaml"))


def test_mistakes_without_arms_are_refused(tmp_path):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol="supercorrect")
    (tmp_path / "second.yaml").write_text(text.replace("[1, 2]", "[2]") + "objective: dpo\npairs: mistakes\n")
    with pytest.raises(RecipeError, match="pairs: mistakes is for an arm beside plain rejection_sampling"):
        load_run(str(tmp_path / "second.yaml"))
