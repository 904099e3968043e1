"""Planted leaks are found before anything is trained."""

import json
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.corpora.decontamination import LeakError, find_leaks, leak_finder
from toolkit.nano.training_texts import teacher_texts
from toolkit.nano.vocabulary import ASSISTANT, USER
from toolkit.pipeline.judge import CorpusJudge
from toolkit.pipeline.stages.corpus import corpus_texts
from toolkit.pipeline.stages.models import nano_options, scan
from toolkit.pipeline.stages.pool import held_out_questions
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge

OPTIONS = {"steps": 64, "learning_rate": 1e-3, "families": ("sum3",), "largest": 30}


def pool_with(tmp_path, **texts):
    for name in ("questions", "test", "dev"):
        rows = [
            {"question_id": f"{name}{at}", "position": at, "question": text, "answer": "1", "family": ""}
            for at, text in enumerate(
                texts.get(name, [f"a question of {name} and nobody else, number {at}" for at in range(3)])
            )
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    return tmp_path


def ignore(done, total):
    assert done == total


def read_by_the_teacher():
    document = next(teacher_texts(0, ("sum3",), 30))
    return document.split(ASSISTANT)[0].removeprefix(USER)


def test_a_clean_pool_and_stream_pass(tmp_path):
    pool = pool_with(tmp_path)
    texts = scan(pool, {"teacher": OPTIONS, "base": OPTIONS}, True, ignore)
    assert texts["pool"] == 3 and texts["teacher"] >= 64 * 16 <= texts["base"]


@pytest.mark.parametrize("name", ["questions", "test", "dev"])
def test_a_question_that_the_teacher_reads_is_found(tmp_path, name):
    pool = pool_with(tmp_path, **{name: [read_by_the_teacher().upper()]})
    with pytest.raises(LeakError, match=f"{name}0"):
        scan(pool, {"teacher": OPTIONS}, True, ignore)


def test_a_question_that_a_physics_teacher_reads_is_found(tmp_path):
    asked = next(teacher_texts(0, ("lamps",), domain="physics")).split(ASSISTANT)[0].removeprefix(USER)
    options = OPTIONS | {"families": ("lamps",), "largest": None, "domain": "physics"}
    assert scan(pool_with(tmp_path), {"teacher": options}, True, ignore)["teacher"] >= 64 * 16
    with pytest.raises(LeakError, match="dev0"):
        scan(pool_with(tmp_path, dev=[asked]), {"teacher": options}, True, ignore)


def test_embedded_models_are_made_for_the_domain_of_the_pool():
    physics, mathematics = (SimpleNamespace(recipe=load_run(name).recipe) for name in ("physics", "math"))
    assert nano_options(physics, "base")["domain"] == nano_options(physics, "teacher")["domain"] == "physics"
    assert "domain" not in nano_options(mathematics, "base")  # which would change the keys of what is published


def test_a_test_question_in_the_pool_is_found(tmp_path):
    text = "Ben has 12 stones and finds 31 more. How many stones does Ben have now?"
    pool = pool_with(tmp_path, questions=[text], test=[text.replace("stones", "Stones ")])
    with pytest.raises(LeakError, match="test0"):
        scan(pool, {}, False, ignore)


def test_seed_questions_are_held_out_from_training_only(tmp_path):
    pool = pool_with(tmp_path)
    assert len(held_out_questions(pool, seeds=True)) == 9
    assert set(held_out_questions(pool, seeds=False)) == {f"{name}{at}" for name in ("test", "dev") for at in range(3)}


def test_a_right_response_that_quotes_a_held_out_question_is_not_accepted():
    question = "How many three-digit numbers are there whose digits, read from left to right, are growing?"
    rows = [
        ("7", "It is \\boxed{7}.", "stop"),
        ("7", f"This is like: {question} There it was 84, here \\boxed{{7}}.", "stop"),
        ("7", f"This is like: {question} So \\boxed{{84}}.", "stop"),
    ]
    with Judge(Verification()) as judge:
        verdicts = [judged.verdict for judged in CorpusJudge(judge, leak_finder({"t": question})).judge(rows)]
    assert verdicts == ["accepted", "leaked", "rejected"]


def test_the_chain_keeps_a_record_of_every_scan(chain):
    facts = [json.loads((path / "clean.json").read_text()) for path in chain.artifacts("leaks")]
    assert {role for fact in facts for role in fact["texts"]} == {"pool", "base", "teacher", "corpus"}
    assert all(fact["leaks"] == 0 and min(fact["texts"].values()) > 0 for fact in facts)


BOXES = "Each of {} boxes holds 2 red and 3 blue stones. How many stones are there together?"


@pytest.mark.parametrize(("critique", "found"), [("2 + 3 = 5, so 6 * 5 = 30.", False), (BOXES.format(2), True)])
def test_the_numbers_of_a_critique_do_not_count_as_those_of_its_question(tmp_path, critique, found):
    asked = {"role": "user", "content": f"Refine:\n{BOXES.format(6)}\n(2 + 3) * 6 = 30\n{critique}"}
    messages = [asked, {"role": "assistant", "content": "30"}]
    row = {"question": BOXES.format(6), "response": "30", "messages": messages}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "accepted.parquet")
    texts = corpus_texts([tmp_path / "accepted.parquet"], has_steps=True)
    assert bool(find_leaks({"dev": BOXES.format(2)}, texts, procedural=True)) == found
