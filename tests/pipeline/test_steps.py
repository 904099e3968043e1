"""Protocols of several steps from the journal to the release: steps, ledger, check and a new journal."""

import io
import json
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from tests.fakes.tgi import in_thread
from toolkit.cli import main
from toolkit.corpora.decontamination import LeakError
from toolkit.hub.manifest import read_release
from toolkit.hub.release import release_change
from toolkit.pipeline import run as runs
from toolkit.pipeline.judge import CorpusJudge
from toolkit.pipeline.resume import journal_rows
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.release import release_stage
from toolkit.pipeline.verify import check, check_steps
from toolkit.pipeline.verify_steps import wrong_ledgers
from toolkit.progress import Progress
from toolkit.recipe.load import load_run
from toolkit.synthesis.journal import read_journal

RECIPE = """
title: A protocol of several steps
pool: pool.jsonl
pool_sizes: [8]
ladder_questions: 8
test_size: 4
dev_size: 2
teacher: org/teacher
teacher_revision: main
urls: ["{url}"]
concurrency: 4
max_tokens: 40
price_prompt: 1.0
price_completion: 1.0
budgets: [1, 2]
fit_max: null
held_out: null
protocol: {protocol}
"""
WORDS = [f"{kind}wort" for kind in "ABCDEFGHIJKLMNOP"]
RIGHT, WRONG = "\\boxed{4}", "\\boxed{5}"
QUOTED: list[str] = []  # a text that half of the critiques quote


def answer(text: str, seed: int) -> str:
    """A teacher that is right in three of four drafts, and puts half of the others right."""
    if "You review a solution" in text:
        satisfied = RIGHT in text.partition("Current solution:")[2]
        verdict = "Every step is right." if satisfied else "The last step is wrong."
        return f"{verdict}\nSolution:\nit is {RIGHT if satisfied or seed % 2 else WRONG}"
    if "You judge the answer" in text:
        quoted = QUOTED[0] if QUOTED and seed % 2 else ""
        return f"Looked at {seed % 7}. {quoted}\nConclusion: {'right' if RIGHT in text else 'wrong'}"
    if "<question>" in text:
        return f"<question>How many {WORDS[seed % 16]} plants are {seed % 97} and {seed % 89}?</question>"
    return f"so {seed % 5} {RIGHT if seed % 4 else WRONG}"


def write_pool(folder):
    rows = [
        {"question": f"How many {word} and {WORDS[(at + step) % 16]} plants are {at} and {4 - at}?", "answer": "4"}
        for step in (3, 7)
        for at, word in enumerate(WORDS)
    ]
    (folder / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:20]))


def write_arms(folder, url, budget, arms):
    """Writes the pool, and `audit.yaml`, which compares `arms` at one budget."""
    write_pool(folder)
    text = RECIPE.format(url=url, protocol="rejection_sampling").replace("[1, 2]", f"[{budget}]") + arms
    (folder / "audit.yaml").write_text(text.replace("pool.jsonl", str(folder / "pool.jsonl")))


async def handle(request):
    if request.method == "GET":
        return web.json_response({}, status=404)
    body = json.loads(await request.read())
    text = answer("\n".join(message["content"] for message in body["messages"]), body["seed"])
    usage = {"prompt_tokens": len(str(body["messages"]).split()), "completion_tokens": len(text.split())}
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return web.json_response({"choices": [choice], "usage": usage})


@pytest.fixture(scope="module")
def url():
    with in_thread(handle) as address:
        yield address


@pytest.fixture(scope="module")
def made(url, tmp_path_factory):
    """Makes a release by a protocol, of one budget or two, in a folder of its own; nothing is trained for it."""

    def make(protocol, budgets="[1, 2]", folder=None):
        folder = folder or tmp_path_factory.mktemp("made")
        write_pool(folder)
        text = RECIPE.format(url=url, protocol=protocol).replace("[1, 2]", budgets)
        (folder / "steps.yaml").write_text(text.replace("pool.jsonl", str(folder / "pool.jsonl")))
        progress = Progress(io.StringIO())
        with runs._context(load_run(str(folder / "steps.yaml")), folder / "w", 1, progress) as context:
            pools = runs.pools_stage(context)
            single, pool = next(runs.sources_of(context, pools))
            source, corpus = runs.draw_corpus(single, pool, checked_models(context, pool, ["teacher"]))
            release = release_stage(single, source, corpus)
        lines = progress.stream.getvalue()
        return SimpleNamespace(source=source, release=release.path, lines=lines, folder=folder)

    return make


@pytest.fixture(scope="module")
def refined(made):
    return made("self_refine\nprotocol_options: {rounds: 2}")


@pytest.fixture(scope="module")
def guided(made):
    return made("critique_guided")


def checked(folder):
    return check(folder, Progress(io.StringIO()))


def steps_of(folder):
    files = read_release(folder).configs["steps"].files
    return [row for name in files for row in pq.read_table(folder / name).to_pylist()]


def test_every_step_is_in_the_release_once_with_its_parents(refined):
    journal = [row for row in read_journal(refined.source.journal) if row.is_completion]
    steps = steps_of(refined.release)
    key = ("question_id", "response_index", "step", "occurrence")
    assert Counter(tuple(row[name] for name in key) for row in steps) == Counter(
        (row.question_id, row.index, row.step, row.occurrence) for row in journal
    )
    assert {tuple(row["parents"]) for row in steps} == {(), ("draft:0",), ("draft:0", "review:0")}
    assert {row["step"] for row in steps} == {"draft", "review"} and len(journal) > 16 * 2


def test_the_ledger_is_what_the_journal_says(refined):
    manifest = read_release(refined.release)
    journal = [row for row in read_journal(refined.source.journal) if row.is_completion]
    for step, counts in manifest.ledger["r2"].items():
        rows = [row for row in journal if row.step == step]
        assert counts["samples"] == len(rows) and 0 < counts["kept"] < len(rows)
        assert counts["prompt_tokens"] == sum(row.prompt_tokens for row in rows)
        assert counts["tokens"] == sum(row.completion_tokens for row in rows)
    card = (refined.release / "README.md").read_text()
    counts = manifest.ledger["r1"]["draft"]
    assert f"| r1 | draft | {counts['samples']} | {counts['kept']} | {counts['prompt_tokens']} |" in card
    assert "to sample: 16 responses, at most 48 requests" in refined.lines
    assert "review: at most 32 requests, about " in refined.lines


@pytest.mark.parametrize("name", ["refined", "guided"])
def test_check_runs_the_protocol_again_over_its_steps(name, request):
    release = request.getfixturevalue(name).release
    looked_at, problems = checked(release)
    assert problems == []
    assert looked_at[-1].endswith("steps with their seeds and parents, its protocol run again over them")


@pytest.mark.parametrize("name", ["refined", "guided"])
def test_the_journal_can_be_made_again_from_the_release(name, request):
    found = request.getfixturevalue(name)
    manifest = read_release(found.release)
    files, tables = manifest.configs["all"].files, manifest.configs["steps"].files
    ids = {row["question_id"] for row in found.source.questions}
    rows = list(journal_rows(found.release, files, tables, ids))
    assert sorted(rows) == sorted(read_journal(found.source.journal))


def test_a_student_reads_what_the_protocol_says(guided, refined):
    rows = pq.read_table(guided.release / "data" / "accepted").to_pylist()
    for row in rows:
        prompt, response = row["messages"]
        assert response["content"] == row["response"] and row["question"] in prompt["content"] != row["question"]
        assert "\nCritique:\n" in prompt["content"]
    (first, *_) = pq.read_table(refined.release / "data" / "accepted").to_pylist()
    assert first["messages"][0]["content"] == first["question"]


@pytest.fixture
def quoted(guided, monkeypatch):
    """A held-out question, which critiques quote from now on."""
    (file, *_) = read_release(guided.release).configs["test"].files
    text = pq.read_table(guided.release / file)["question"][0].as_py()
    monkeypatch.setattr(sys.modules[__name__], "QUOTED", [text])
    return text


def test_a_critique_that_quotes_a_held_out_question_trains_nobody(made, quoted):
    release = made("critique_guided").release
    rows = [
        row for name in read_release(release).configs["all"].files for row in pq.read_table(release / name).to_pylist()
    ]
    quoting = {row["verdict"] for row in rows if quoted in row["messages"][0]["content"]}
    assert "leaked" in quoting and "accepted" not in quoting
    assert any(row["verdict"] == "accepted" for row in rows) and checked(release).problems == []


def test_the_search_of_a_corpus_reads_what_a_student_reads(made, quoted, monkeypatch):
    monkeypatch.setattr(CorpusJudge, "without_leaks", lambda self, judged, text: judged)
    with pytest.raises(LeakError, match="the corpus"):
        made("critique_guided")


def test_a_larger_budget_continues_steps_and_responses(made, refined):
    small = made("self_refine\nprotocol_options: {rounds: 2}", "[1]")
    old, new = read_release(small.release), read_release(refined.release)
    assert old.configs["steps"].files == new.configs["steps"].files[:1]
    assert old.cells["r1"] == new.cells["r1"] and old.ledger["r1"] == new.ledger["r1"]
    assert release_change(old, new).kind == "growth"


def tampered(release, out, change):
    """What is found in the release once rows of its first table of steps are changed."""
    folder = shutil.copytree(release, out / "release")
    manifest = read_release(folder)
    (name, *_) = manifest.configs["steps"].files
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(table.from_pylist(rows, table.schema), folder / name)
    return [*check_steps(folder, manifest)[1], *wrong_ledgers(folder, manifest)]


def test_what_is_changed_in_the_steps_is_found(refined, tmp_path):
    def lose(rows):
        del rows[0]

    def rename(rows):
        rows[1]["step"] = "draft"

    def reseed(rows):
        rows[0]["seed"] += 1

    def rewrite(rows):
        rows[1]["text"] = rows[1]["text"].replace("boxed{", "boxed{1")

    def orphan(rows):
        rows[1]["parents"] = ["review:7"]

    found = {
        lose: "its steps are not in order, or build on steps that are not there",
        rename: "its protocol, run again over its steps, does not ask for draft:0",
        reseed: "a step has another seed than its place gives",
        rewrite: "its protocol, run again over its steps, ",
        orphan: "build on steps that are not there",
    }
    for change, message in found.items():
        problems = tampered(refined.release, tmp_path / change.__name__, change)
        assert any(message in problem for problem in problems), (change.__name__, problems)


def test_a_user_s_protocol_of_ten_lines_works_from_a_folder_of_one_s_own(url, tmp_path, monkeypatch, capsys):
    """The one that docs/protocols.md shows."""
    text = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    code, prompt = (re.search(rf"```{kind}\n(# {name}\n)?(.*?)```", text, re.DOTALL)[2] for kind, name in SHOWN)
    assert len([line for line in code.splitlines() if line.strip()]) <= 14
    (tmp_path / "my_protocol.py").write_text(code)
    (tmp_path / "my_protocol.check.jinja").write_text(prompt)
    write_pool(tmp_path)
    (tmp_path / "mine.yaml").write_text(RECIPE.format(url=url, protocol="./my_protocol.py"))
    monkeypatch.chdir(tmp_path)
    assert main(["sample", "mine.yaml", "--workspace", "w", "--jobs", "1", "--dry-run"]) == 0
    dry = capsys.readouterr()
    assert "[check]\n" in dry.out and "[attempt]" in dry.out and "check: at most " in dry.err
    assert main(["sample", "mine.yaml", "--workspace", "w", "--jobs", "1"]) == 0
    assert capsys.readouterr().err.count("protocol: runs your own code, ") == 1
    (journal,) = (tmp_path / "w" / "responses").glob("*.jsonl")
    steps = Counter(row.step for row in read_journal(journal))
    assert steps == {"answer": 16, "check": 16}


SHOWN = (("python", "my_protocol.py"), ("jinja", "my_protocol.check.jinja"))
