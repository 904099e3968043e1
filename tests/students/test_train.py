"""Real training of a tiny student with TRL and PEFT: what it learns, what it writes, and that it can be repeated."""

import dataclasses
import hashlib
import json
import math
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTTrainer

from tests.tiny_model import make_tiny_model
from toolkit.models.files import NotFinite
from toolkit.recipe.sections import Student
from toolkit.students.rows import IGNORED, StudentError, read_responses, tokenize_rows
from toolkit.students.train import _dataset, _trainer, train_student
from toolkit.students.weights import load_student, merge_student, save_student

SETTINGS = Student(steps=30, batch_size=8, learning_rate=0.02, lora_rank=4, lora_alpha=8, max_length=32)
QUESTIONS = ["one plus one", "one plus two", "two plus two"]
ANSWERS = ["\\boxed{2}", "\\boxed{3}", "\\boxed{4}"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base", ["one", "two", "plus", "makes", *ANSWERS])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"question_id": f"q{number}", "question": question, "response": f"{question} makes {answer}"}
        for number, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True))
    ]
    file = tmp_path_factory.mktemp("corpus") / "i000-001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def train(base: Path, corpus: Path, out: Path, settings: Student = SETTINGS, seed: int = 0) -> dict:
    return train_student(base, [corpus], out, settings, seed, lambda done, total: None)


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def answer(model: torch.nn.Module, base: Path, question: str) -> str:
    tokenizer = AutoTokenizer.from_pretrained(base)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt"
    )
    output = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    return tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)


@pytest.fixture(scope="module")
def adapter(base: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "student"
    train(base, corpus, folder)
    return folder


def test_lora_writes_only_an_adapter(adapter: Path) -> None:
    assert sorted(digest(adapter)) == ["adapter_config.json", "adapter_model.safetensors"]


def test_an_adapter_names_its_base_by_digest_and_no_path(base: Path, adapter: Path) -> None:
    text = (adapter / "adapter_config.json").read_text()
    assert str(base.parent) not in text and str(adapter.parent) not in text
    assert json.loads(text)["base_model_name_or_path"].startswith("sha256:")


def test_an_adapter_covers_every_linear_module_and_lists_them_in_order(adapter: Path) -> None:
    targets = json.loads((adapter / "adapter_config.json").read_text())["target_modules"]
    assert targets == sorted(targets)
    modules = {name.split(".")[-3] for name in load_file(adapter / "adapter_model.safetensors")}
    assert modules == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_same_seed_same_bytes_other_seed_other_weights(base: Path, corpus: Path, tmp_path: Path) -> None:
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        train(base, corpus, tmp_path / name, seed=seed)
    assert digest(tmp_path / "first") == digest(tmp_path / "again")
    assert (
        digest(tmp_path / "first")["adapter_model.safetensors"]
        != digest(tmp_path / "other")["adapter_model.safetensors"]
    )


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_student_learns_what_the_corpus_says(base: Path, corpus: Path, tmp_path: Path, method: str) -> None:
    settings = dataclasses.replace(SETTINGS, method=method, steps=60, lora_rank=16, lora_alpha=32)
    facts = train(base, corpus, tmp_path / "student", settings)
    student = load_student(base, tmp_path / "student")
    learned = [answer(student, base, question) for question in QUESTIONS]
    assert learned == [f"{question} makes {box}" for question, box in zip(QUESTIONS, ANSWERS, strict=True)]
    assert answer(AutoModelForCausalLM.from_pretrained(base), base, QUESTIONS[0]) != learned[0]
    assert 0 < facts["train_loss"] < math.log(student.config.vocab_size)


def test_the_loss_is_that_of_trl(base: Path, corpus: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = tokenize_rows(tokenizer, read_responses([corpus]), SETTINGS.max_length)
    trainer = _trainer(base, tokenizer, _dataset(rows), tmp_path, SETTINGS, 0, lambda done, total: None)
    batch = next(iter(trainer.get_train_dataloader()))
    learned = (batch["labels"] != IGNORED).sum()
    ours, theirs = (
        each.compute_loss(trainer, trainer.model, dict(batch), num_items_in_batch=learned)
        for each in (type(trainer), SFTTrainer)
    )
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6) and ours.item() > 0


def test_facts_progress_and_silence(
    base: Path, corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[int, int]] = []
    settings = dataclasses.replace(SETTINGS, control="epochs", epochs=5.0, batch_size=2)
    facts = train_student(base, [corpus], tmp_path, settings, 0, lambda *call: calls.append(call), base_name="org/base")
    assert {name: facts[name] for name in ("rows", "tokens", "steps", "epochs")} == {
        "rows": 3,
        "tokens": 3 * 11,
        "steps": 8,
        "epochs": 5.0,
    }
    assert calls == [(step, 8) for step in range(1, 9)]
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == "org/base"
    assert capfd.readouterr() == ("", "")


def test_training_needs_no_network(base: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    train(base, corpus, tmp_path, dataclasses.replace(SETTINGS, steps=1))
    assert (tmp_path / "adapter_model.safetensors").exists()


def test_gradients_switched_off_outside_do_not_matter(base: Path, corpus: Path, tmp_path: Path) -> None:
    with torch.no_grad():
        assert train(base, corpus, tmp_path, dataclasses.replace(SETTINGS, steps=2))["steps"] == 2
        assert not torch.is_grad_enabled()


def test_full_training_writes_an_ordinary_folder(base: Path, corpus: Path, tmp_path: Path) -> None:
    train(base, corpus, tmp_path / "student", dataclasses.replace(SETTINGS, method="full", steps=1))
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= set(
        digest(tmp_path / "student")
    )
    assert not [path for path in (tmp_path / "student").glob("*.json") if str(tmp_path) in path.read_text()]
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "student" / "model.safetensors")
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_a_merged_student_is_the_adapter_on_its_base(base: Path, corpus: Path, tmp_path: Path) -> None:
    train(base, corpus, tmp_path / "student")
    merge_student(base, tmp_path / "student", tmp_path / "merged")
    ids = torch.arange(8)[None]
    with torch.no_grad():
        expected = load_student(base, tmp_path / "student")(ids).logits
        merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")(ids).logits
        untrained = AutoModelForCausalLM.from_pretrained(base)(ids).logits
    assert torch.allclose(merged, expected, atol=1e-6)
    assert not torch.allclose(merged, untrained, atol=1e-2)
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").chat_template


def test_bad_input_is_refused_before_training(base: Path, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="max_length is 5"):
        train(base, corpus, tmp_path / "student", dataclasses.replace(SETTINGS, max_length=5))
    with pytest.raises(StudentError, match="no responses to train on"):
        train_student(base, [], tmp_path / "student", SETTINGS, 0, lambda done, total: None)
    assert not (tmp_path / "student").exists()
    with pytest.raises(StudentError, match=r"already holds model\.safetensors"):
        train(base, corpus, base)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_student_that_diverges_is_no_student(base: Path, corpus: Path, tmp_path: Path, method: str) -> None:
    settings = dataclasses.replace(SETTINGS, method=method, learning_rate=1e30, warmup=0.0)
    calls: list[int] = []
    with pytest.raises(NotFinite, match=r"the student diverged at step \d+ of 30: its loss is .*lower learning_rate"):
        train_student(base, [corpus], tmp_path, settings, 0, lambda done, total: calls.append(done))
    assert len(calls) < 30 and not list(tmp_path.glob("*.safetensors"))


def test_weights_that_are_not_finite_are_not_saved(base: Path, tmp_path: Path) -> None:
    """Refuse them even if the last step spoilt them after the last loss was checked."""
    model = load_student(base, base)
    with torch.no_grad():
        model.model.norm.weight[0] = float("inf")
    with pytest.raises(NotFinite, match=r"the student diverged: model\.norm\.weight"):
        save_student(model, AutoTokenizer.from_pretrained(base), tmp_path, "base")
    assert not list(tmp_path.iterdir())
