"""Controls of critique-guided distillation in the pipeline: whose critique a student reads, and who answers first."""

import io
import json
import re
import shutil
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from tests.fakes.tgi import in_thread
from tests.pipeline.test_steps import RECIPE, RIGHT, WRONG, checked, steps_of, write_pool
from tests.tiny_model import make_byte_model
from toolkit.hub.manifest import read_release
from toolkit.pipeline import run as runs
from toolkit.pipeline import summary
from toolkit.pipeline.plan import asked_roles, find_replicates
from toolkit.pipeline.stages import arms as arms_stage
from toolkit.pipeline.stages import critics
from toolkit.pipeline.stages.arm_ledger import write_ledger
from toolkit.pipeline.stages.critics import plan_critics
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.release import release_stage
from toolkit.pipeline.verify import check_steps
from toolkit.progress import Progress
from toolkit.protocols import self_refine
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.reports.step_costs import ledger_table, read_step_costs
from toolkit.synthesis.journal import read_journal
from toolkit.teachers.completion import Completion

READ: list[str] = []  # what the teacher was asked


def answer(text: str, seed: int) -> str:
    """A teacher with a critique of its own for each answer, which gives the answer away in half of them."""
    if "You judge the answer" in text:
        leak = " It is 4." if seed % 2 else ""
        return f"Seen as {seed}.{leak}\nConclusion: {'right' if RIGHT in text else 'wrong'}"
    if "You review a solution" in text:
        return f"Step 1 is wrong.\nSolution:\n{RIGHT if seed % 2 else WRONG}" if seed % 3 else "Step 1 is wrong."
    return f"so {seed} {RIGHT if seed % 3 else WRONG}"


async def handle(request):
    if request.method == "GET":
        return web.json_response({}, status=404)
    body = json.loads(await request.read())
    READ.append("\n".join(message["content"] for message in body["messages"]))
    text = answer(READ[-1], body["seed"])
    usage = {"prompt_tokens": 5, "completion_tokens": len(text.split())}
    return web.json_response({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage})


@pytest.fixture(scope="module")
def url():
    with in_thread(handle) as address:
        yield address


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder whose workspace all arms share."""
    folder = tmp_path_factory.mktemp("controls")
    write_pool(folder)
    return folder


@pytest.fixture(scope="module")
def made(url, place):
    """Draws the corpus of a protocol and makes its release; gives also what the teacher was asked for it."""

    def make(protocol, more=""):
        text = RECIPE.format(url=url, protocol=protocol).replace("pool.jsonl", str(place / "pool.jsonl")) + more
        (place / "own.yaml").write_text(text)
        before = len(READ)
        with runs._context(load_run(str(place / "own.yaml")), place / "w", 1, Progress(io.StringIO())) as context:
            pools = runs.pools_stage(context)
            single, pool = next(runs.sources_of(context, pools))
            models = checked_models(context, pool, asked_roles(context.recipe))
            source, corpus = runs.draw_corpus(single, pool, models)
            release = release_stage(single, source, corpus).path
            shares = critics._make(single, source, place)["shares"] if single.recipe.sampling.protocol else {}
        rows = pq.read_table(release / "data" / "accepted").to_pylist()
        found = {"source": source, "corpus": corpus, "release": release, "rows": rows, "shares": shares}
        return SimpleNamespace(**found, asked=len(READ) - before)

    return make


def guided(critique):
    return f"critique_guided\nprotocol_options: {{critique: {critique}}}"


@pytest.fixture(scope="module")
def arms(made):
    return {critique: made(guided(critique)) for critique in ("shown", "shuffled", "none")}


def critique_in(row):
    return re.search(r"\nCritique:\n(.*?)\n\nWrite an improved", row["messages"][0]["content"], re.DOTALL)[1]


def test_all_controls_read_one_journal_and_ask_nothing_new(arms):
    assert len({arm.source.journal for arm in arms.values()}) == 1
    assert len({arm.source.key for arm in arms.values()}) == 3
    assert [arm.asked for arm in arms.values()] == [8 * 2 * 3, 0, 0]
    assert len({tuple(arm.source.digests.values()) for arm in arms.values()}) == 1


def test_a_source_that_has_a_journal_of_its_own_goes_on_with_that(arms, made):
    own = arms["none"].source.journal.with_stem(arms["none"].source.key)
    shutil.copyfile(arms["none"].source.journal, own)
    again = made(guided("none"))
    assert again.source.journal == own and again.asked == 0
    own.unlink()


def test_shuffled_rows_exchange_their_critiques_and_none_keeps_one_of_its_question(arms):
    owners = {row["text"]: row["question_id"] for row in steps_of(arms["shown"].release) if row["step"] == "critique"}
    shown, shuffled = arms["shown"].rows, arms["shuffled"].rows
    assert all(owners[critique_in(row)] == row["question_id"] for row in shown)
    assert all(owners[critique_in(row)] != row["question_id"] for row in shuffled)
    for budget in (0, 1):  # each increment by itself, so that a larger budget changes no smaller one
        sides = [
            sorted(critique_in(row) for row in rows if row["response_index"] == budget) for rows in (shown, shuffled)
        ]
        assert sides[0] == sides[1] and len(set(sides[0])) == len(sides[0]) > 1


def test_shuffled_rows_are_the_same_but_for_the_critique(arms):
    def rest(row):
        prompt, response = row["messages"]
        return {**row, "messages": [prompt["content"].replace(critique_in(row), ""), response]}

    assert [rest(row) for row in arms["shown"].rows] == [rest(row) for row in arms["shuffled"].rows]


def test_a_release_of_the_control_is_checked_as_any_other(arms, tmp_path):
    assert checked(arms["shuffled"].release)[1] == []
    folder = shutil.copytree(arms["shuffled"].release, tmp_path / "release")
    manifest = read_release(folder)
    name = next(name for name in manifest.configs["all"].files if name.startswith("data/accepted/"))
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    own = {row["response_index"]: row for row in arms["shown"].rows if row["question_id"] == rows[0]["question_id"]}
    rows[0]["messages"] = own[rows[0]["response_index"]]["messages"]
    pq.write_table(table.from_pylist(rows, table.schema), folder / name)
    assert any("its messages are not what its protocol has" in fault for fault in check_steps(folder, manifest)[1])


def test_what_critics_did_is_counted_and_a_leak_is_counted_not_dropped(arms):
    shares = arms["shown"].shares
    assert all(arm.shares == shares for arm in arms.values())
    hits, count, unit = shares["answer in a critique"]
    texts = [row["text"] for row in steps_of(arms["shown"].release) if row["step"] == "critique"]
    assert (hits, count, unit) == (sum("It is 4." in text for text in texts), 16, "share of critiques") and hits
    said = [shares[f"right after conclusion {said}"] for said in ("right", "wrong")]
    assert sum(share[1] for share in said) == 16 and sum(share[0] for share in said) == len(arms["shown"].rows)


def test_reviews_are_counted_for_a_critic_that_always_objects(made):
    refined = made("self_refine\nprotocol_options: {rounds: 2}")
    shares, steps = refined.shares, steps_of(refined.release)
    reviews = [row for row in steps if row["step"] == "review"]
    assert len(reviews) == 32 and shares["stopped by the critic"][:2] == [0, 16]
    assert shares["unparsable reviews"][:2] == [sum("Solution:" not in row["text"] for row in reviews), 32]
    drafts = sum(RIGHT in row["text"] for row in steps if row["step"] == "draft")
    assert shares["right after round 0"][:2] == [drafts, 16]
    assert shares["right after round 2"][:2] == [len(refined.rows), 16]
    assert shares["right to right"][1] == shares["right to wrong"][1] == drafts


def test_a_review_that_is_satisfied_need_not_write_the_solution_again():
    def steps(review):
        return [("draft", completion(RIGHT)), ("review", completion(review))]

    assert critics._texts(steps(self_refine.SATISFIED))[1] == 0
    assert critics._texts(steps("Step 1 is wrong."))[1] == 1


def completion(text):
    return Completion(text, "stop", 1, 1, "nobody@0")


@pytest.mark.parametrize("protocol", ["critique_guided", "self_refine"])
def test_the_known_answer_is_shown_to_nobody(url, tmp_path, protocol):
    write_pool(tmp_path)
    pool = tmp_path / "pool.jsonl"
    pool.write_text(pool.read_text().replace('"answer": "4"', '"answer": "98765"'))
    text = RECIPE.format(url=url, protocol=protocol).replace("pool.jsonl", str(pool)).replace("[1, 2]", "[1]")
    (tmp_path / "own.yaml").write_text(text)
    before = len(READ)
    runs.sample(
        load_run(str(tmp_path / "own.yaml")), tmp_path / "w", jobs=1, dry=False, progress=Progress(io.StringIO())
    )
    assert len(READ) > before + 8 and not any("98765" in asked for asked in READ[before:])


def refused(folder, text):
    (folder / "own.yaml").write_text(text)
    with pytest.raises(RecipeError) as error:
        runs.sample(load_run(str(folder / "own.yaml")), folder / "w", jobs=1, dry=True)
    return str(error.value)


def test_one_question_has_no_critique_of_another(tmp_path):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol=guided("shuffled"))
    text = text.replace("[8]", "[1]").replace("ladder_questions: 8", "ladder_questions: 1")
    assert "a student reads the critique of another question, and there is none beside question 0" in refused(
        tmp_path, text
    )


PROBE = "critique_guided\nprotocol_options: {probe: student}"


def test_a_student_s_probe_needs_one_base(tmp_path):
    text = RECIPE.format(url="http://127.0.0.1:1", protocol=PROBE) + "bases: {a: {}, b: {base_width: 32}}\n"
    assert "the student answers probe, and there are 2 bases" in refused(tmp_path, text)


def test_a_student_s_probe_is_its_base_s_and_no_sample_of_the_teacher(made, arms, place):
    base = make_byte_model(place / "byte-base")
    probed = made(PROBE, f"base: {base}\n")
    rows = [row for row in read_journal(probed.source.journal) if row.is_completion]
    names = {row.model.partition("@")[0] for row in rows if row.step == "probe"}
    assert names == {"byte-base"} and probed.source.journal != arms["shown"].source.journal
    assert probed.asked == 8 * 2 * 2
    texts = {(row.question_id, row.text) for row in rows if row.step == "probe"}
    assert len(texts) == 8  # greedy: whatever the seed
    assert probed.corpus.ledger(8, 2)["probe"]["samples"] == 16
    manifest = read_release(probed.release)
    assert manifest.provenance["student"] == probed.source.student.digest
    assert checked(probed.release)[1] == []


ARMS = """
match: samples
arms:
  rs: {}
  probed: {protocol: critique_guided, protocol_options: {probe: student}}
"""


def test_an_arm_says_what_its_student_answered_and_what_its_critics_did(url, place):
    base = make_byte_model(place / "arms-base")
    text = RECIPE.format(url=url, protocol="rejection_sampling").replace("[1, 2]", "[3]") + ARMS
    (place / "arms.yaml").write_text(f"{text}base: {base}\n".replace("pool.jsonl", str(place / "pool.jsonl")))
    with runs._context(load_run(str(place / "arms.yaml")), place / "w", 1, Progress(io.StringIO())) as context:
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher", "base"])
        plain, probed = replicates = runs.grow(context, pools, models)
        critics.critics_stage(context, replicates)
        assert [one.digests for one in (plain.source, probed.source)] == [
            one.source.digests for one in find_replicates(context, models)
        ]
        write_ledger(replicates, place)
        ledger = ledger_table(read_step_costs(place / "ledger.parquet"))
        criticised = summary._critics(context, replicates)
        assert [stage.made for stage in plan_critics(replicates)[0].artifacts] == [True]
    took = arms_stage._took(probed)
    assert arms_stage._took(plain)["samples"] == 24 == took["samples"] == 2 * took["student samples"]
    assert took["student completion_tokens"] == probed.ledger(8, 3)["probe"]["tokens"]
    assert "student samples" not in arms_stage._took(plain)
    assert "| probed | probe (by the student, no sample of the teacher) | 12 |" in " ".join(ledger.split())
    assert "| probed | answer in a critique |" in " ".join(criticised.split()) and "| rs " not in criticised
