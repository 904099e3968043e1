"""Real scoring with lighteval's pipeline: right answers, no stale cache, no network, comparable keys."""

import dataclasses
import json
import shutil
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tests.tiny_model import make_tiny_model
from toolkit.evaluation.items import EvaluationError
from toolkit.evaluation.score import ITEMS_SCHEMA, ScoredModel, score_models
from toolkit.evaluation.task import Registry
from toolkit.models.files import NotFinite
from toolkit.recipe.sections import Evaluation, Student, Verification
from toolkit.students.train import train_student

BOXES = ["\\boxed{1}", "\\boxed{2}"]
WORDS = ["which", "one", "two", "three", "is", *BOXES]
GREEDY = Evaluation(eval_max_tokens=4, eval_batch_size=3)
SAMPLED = dataclasses.replace(GREEDY, eval_temperature=1.0, eval_samples=4)
QUESTIONS = ["which one", "which two is", "one", "two two two two", "which three is three", "three"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base", WORDS)


@pytest.fixture(scope="module")
def items_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write six items; the first two have the answer 1, the others 2."""
    rows = [
        {"question_id": f"t{number}", "question": question, "answer": "1" if number < 2 else "2.0"}
        for number, question in enumerate(QUESTIONS)
    ]
    file = tmp_path_factory.mktemp("pool") / "test.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


@pytest.fixture(scope="module")
def students(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Train an adapter that always answers 1, and a full model that always answers 2."""
    folder = tmp_path_factory.mktemp("students")
    for number, (box, method) in enumerate(zip(BOXES, ("lora", "full"), strict=True)):
        rows = [{"question_id": f"q{place}", "question": text, "response": box} for place, text in enumerate(QUESTIONS)]
        pq.write_table(pa.Table.from_pylist(rows), folder / "corpus.parquet")
        settings = Student(method=method, steps=25, batch_size=6, learning_rate=0.03, lora_rank=16, lora_alpha=32)
        corpus = [folder / "corpus.parquet"]
        train_student(base, corpus, folder / str(number), settings, 0, lambda done, total: None)
    return [folder / "0", folder / "1"]


def read(folder: Path) -> list[dict]:
    return pq.read_table(folder / "items.parquet").to_pylist()


class Scoring(NamedTuple):
    scores: list[dict]
    folder: Path
    reports: list[tuple[int, int]]


@pytest.fixture(scope="module")
def scoring(base: Path, students: list[Path], items_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Scoring:
    """Score both students at once."""
    folder, reports = tmp_path_factory.mktemp("scores"), []
    models = [
        ScoredModel("one", students[0], folder / "one", base),
        ScoredModel("two", students[1], folder / "two", base),
    ]
    scores = score_models(models, items_file, GREEDY, lambda *report: reports.append(report))
    return Scoring(scores, folder, reports)


def test_each_model_has_the_error_of_its_own_answers(scoring: Scoring) -> None:
    assert [score["error"] for score in scoring.scores] == pytest.approx([4 / 6, 2 / 6])
    assert [(score["name"], score["n"], score["k"]) for score in scoring.scores] == [("one", 6, 1), ("two", 6, 1)]


def test_models_that_are_scored_alike_have_one_key(scoring: Scoring) -> None:
    assert scoring.scores[0]["eval_key"] == scoring.scores[1]["eval_key"]


def test_progress_counts_the_items_of_all_models(scoring: Scoring) -> None:
    assert scoring.reports == [(3, 12), (6, 12), (9, 12), (12, 12)]


def test_a_score_is_written_as_it_is_returned_and_its_items_one_by_one(scoring: Scoring) -> None:
    assert json.loads((scoring.folder / "two" / "score.json").read_text()) == scoring.scores[1]
    assert pq.read_schema(scoring.folder / "two" / "items.parquet") == ITEMS_SCHEMA
    assert read(scoring.folder / "one") == [
        {"item_id": f"t{number}", "correct": float(number < 2), "extracted": ["1"], "response": [BOXES[0]]}
        for number in range(6)
    ]


def test_scoring_prints_nothing(
    base: Path, students: list[Path], items_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    models = [
        ScoredModel("one", students[0], tmp_path / "one", base),
        ScoredModel("two", students[1], tmp_path / "two"),
    ]
    score_models(models, items_file, GREEDY, lambda done, total: None)
    assert capfd.readouterr() == ("", "")


def test_new_weights_under_an_old_name_and_path_are_scored_anew(
    base: Path, students: list[Path], items_file: Path, tmp_path: Path
) -> None:
    errors = []
    for student in students:
        shutil.rmtree(tmp_path / "student", ignore_errors=True)
        shutil.copytree(student, tmp_path / "student")
        model = ScoredModel("student", tmp_path / "student", tmp_path / "score", base)
        (score,) = score_models([model], items_file, GREEDY, lambda done, total: None)
        errors.append(score["error"])
        assert read(tmp_path / "score")[0]["correct"] == (student == students[0])
    assert errors == pytest.approx([4 / 6, 2 / 6])


def test_new_items_in_an_old_file_are_asked_anew(
    base: Path, students: list[Path], items_file: Path, tmp_path: Path
) -> None:
    rows = pq.read_table(items_file).to_pylist()
    model = ScoredModel("one", students[0], tmp_path / "score", base)
    keys = set()
    for answer, error in (("1", 0.0), ("2", 1.0)):
        pq.write_table(pa.Table.from_pylist([row | {"answer": answer} for row in rows]), tmp_path / "test.parquet")
        (score,) = score_models([model], tmp_path / "test.parquet", GREEDY, lambda done, total: None)
        assert score["error"] == error
        keys.add(score["eval_key"])
    assert len(keys) == 2


def test_scoring_needs_no_network_and_leaves_the_registry_alone(
    base: Path, items_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    before = Registry.load_all_task_configs
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    score_models([ScoredModel("base", base, tmp_path)], items_file, GREEDY, lambda done, total: None)
    assert len(read(tmp_path)) == 6
    assert Registry.load_all_task_configs is before


def test_importing_leaves_gradients_on() -> None:
    """Check it because lighteval switches them off at import, so that a worker could not train after a score."""
    assert "lighteval.models.transformers.transformers_model" in sys.modules
    assert torch.is_grad_enabled()


def test_batched_answers_are_those_of_one_question_at_a_time(base: Path, items_file: Path, tmp_path: Path) -> None:
    """Show that left padding, sorting, and a sampling default in the model's folder change nothing."""
    shutil.copytree(base, tmp_path / "base")
    GenerationConfig(do_sample=True, temperature=5.0, eos_token_id=2, pad_token_id=0).save_pretrained(tmp_path / "base")
    score_models(
        [ScoredModel("base", tmp_path / "base", tmp_path / "out")], items_file, GREEDY, lambda done, total: None
    )
    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    for row, question in zip(read(tmp_path / "out"), QUESTIONS, strict=True):
        prompt = tokenizer(f"<user> {question} <assistant>", return_tensors="pt")
        with torch.no_grad():
            output = model.generate(**prompt, max_new_tokens=4, do_sample=False)
        text = tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        assert row["response"] == [text]


def test_an_answer_ends_where_students_learn_to_end(
    base: Path, students: list[Path], items_file: Path, tmp_path: Path
) -> None:
    """Hold even if the base's generation_config names another end, as in many base models."""
    shutil.copytree(base, tmp_path / "base")
    GenerationConfig(eos_token_id=[3, 4], pad_token_id=0).save_pretrained(tmp_path / "base")
    model = ScoredModel("one", students[0], tmp_path / "out", tmp_path / "base")
    score_models([model], items_file, GREEDY, lambda done, total: None)
    assert {text for row in read(tmp_path / "out") for text in row["response"]} == {BOXES[0]}


@pytest.fixture(scope="module")
def sampled(base: Path, items_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Score the base by four samples per item."""
    folder = tmp_path_factory.mktemp("sampled")
    score_models([ScoredModel("base", base, folder)], items_file, SAMPLED, lambda done, total: None)
    return folder


def test_several_samples_per_item_are_averaged(sampled: Path) -> None:
    rows = read(sampled)
    assert {len(row["response"]) for row in rows} == {4}
    assert len({text for row in rows for text in row["response"]}) > 4
    for row, gold in zip(rows, "112222", strict=True):
        assert row["correct"] == sum(extracted == gold for extracted in row["extracted"]) / 4


@pytest.mark.parametrize("seed", [0, 1])
def test_samples_repeat_with_their_seed_and_change_with_another(
    base: Path, items_file: Path, sampled: Path, tmp_path: Path, seed: int
) -> None:
    settings = dataclasses.replace(SAMPLED, eval_seed=seed)
    (score,) = score_models([ScoredModel("base", base, tmp_path)], items_file, settings, lambda done, total: None)
    assert score["k"] == 4 and score["evaluation"]["seed"] == seed
    assert (read(tmp_path) == read(sampled)) is (seed == SAMPLED.eval_seed)


def test_models_that_cannot_be_scored_are_refused(
    base: Path, students: list[Path], items_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match="an adapter is scored together with its base"):
        score_models([ScoredModel("one", students[0], tmp_path)], items_file, GREEDY, lambda done, total: None)
    shutil.copytree(base, tmp_path / "mute")
    (tmp_path / "mute" / "chat_template.jinja").unlink()
    with pytest.raises(EvaluationError, match="no chat template"):
        score_models([ScoredModel("mute", tmp_path / "mute", tmp_path)], items_file, GREEDY, lambda done, total: None)


def test_answers_are_compared_by_the_recipes_policy(base: Path, students: list[Path], tmp_path: Path) -> None:
    """Include LaTeX equality, units, tolerance and the pattern that finds the answer."""
    golds = {"1": True, "x = 1": True, "\\frac{2}{2}": True, "1\\text{ m}": True, "1.005": False, "2": False}
    rows = [{"question_id": gold, "question": QUESTIONS[0], "answer": gold} for gold in golds]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    model = ScoredModel("one", students[0], tmp_path / "out", base)

    def right(verification: Verification) -> list[bool]:
        score_models([model], tmp_path / "test.parquet", GREEDY, lambda done, total: None, verification)
        return [row["correct"] == 1.0 for row in read(tmp_path / "out")]

    assert right(Verification()) == list(golds.values())
    assert right(Verification(response_pattern=r"boxed\{(\d)")) == list(golds.values())
    assert right(Verification(response_pattern=r"answer: (\d)")) == [False] * len(golds)
    assert right(Verification(answer_kind="numeric")) == [gold != "2" for gold in golds]


def test_a_model_that_diverged_has_no_score(base: Path, items_file: Path, tmp_path: Path) -> None:
    """Refuse finite weights that are too large to compute with: such a model has no error, not even 1."""
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.model.norm.weight *= 1e38
        model.model.embed_tokens.weight *= 1e3
    model.save_pretrained(tmp_path / "wild")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "wild")
    for settings in (GREEDY, SAMPLED):
        with pytest.raises(NotFinite, match="wild: its logits are not finite"):
            score_models(
                [ScoredModel("wild", tmp_path / "wild", tmp_path / "out")],
                items_file,
                settings,
                lambda done, total: None,
            )
    assert not (tmp_path / "out").exists()
