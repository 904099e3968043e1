"""Embedded models: ordinary folders, deterministic training, labels on what can be learnt."""

from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from toolkit.nano.pretrain import NanoSettings, batched, train_base, train_teacher
from toolkit.nano.tokenizer import build_tokenizer, unreadable
from toolkit.nano.training_texts import teacher_texts
from toolkit.nano.vocabulary import ASSISTANT

SMALL = NanoSettings(steps=3, learning_rate=1e-3, rows=4, width=16, layers=1, heads=2, feedforward=32)


@pytest.fixture(scope="module", params=[train_teacher, train_base])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    request.param(SMALL, folder)
    return folder


@pytest.mark.parametrize("train", [train_teacher, train_base])
def test_progress_is_reported_at_every_step(tmp_path: Path, train) -> None:  # type: ignore[no-untyped-def]
    reports: list[tuple[int, int]] = []
    train(SMALL, tmp_path / "model", lambda done, total: reports.append((done, total)))
    assert reports == [(1, 3), (2, 3), (3, 3)]


def test_a_folder_has_the_files_of_an_ordinary_model(trained: Path) -> None:
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
    } <= {path.name for path in trained.iterdir()}


def test_model_and_tokenizer_of_a_folder_agree_on_their_special_tokens(trained: Path) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(trained), AutoTokenizer.from_pretrained(trained)
    assert model.dtype == torch.float32
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == model.config.eos_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id


def test_a_model_answers_through_its_chat_template(trained: Path) -> None:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(trained), AutoTokenizer.from_pretrained(trained)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Compute 1 + 2 + 3."}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    answer = model.generate(**ids, max_new_tokens=4, do_sample=False)
    assert answer.shape[1] <= ids["input_ids"].shape[1] + 4


def test_training_is_deterministic_in_its_seed(tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> bytes:
        train_teacher(NanoSettings(**{**vars(SMALL), "seed": seed}), tmp_path / name)
        return (tmp_path / name / "model.safetensors").read_bytes()

    assert weights("a", 0) == weights("b", 0) != weights("c", 1)


def test_labels_cover_responses_and_nothing_else() -> None:
    tokenizer = build_tokenizer()
    ids, labels = next(batched(teacher_texts(0), tokenizer, 8))
    for text, row, label in zip(islice(teacher_texts(0), 8), ids, labels, strict=True):
        response = text.split(ASSISTANT)[1]
        assert tokenizer.decode(label[label != -100]) == response
        assert tokenizer.decode(row[row != tokenizer.pad_token_id]) == text


def test_labels_cover_all_of_a_text_without_a_question() -> None:
    ids, labels = next(batched(iter(["1 + 2 = 3<|end|>"] * 64), build_tokenizer(), 8))
    assert torch.equal(ids, labels)


@pytest.mark.parametrize("train", [train_teacher, train_base])
def test_a_physics_model_reads_physics_and_mathematics(tmp_path: Path, train) -> None:  # type: ignore[no-untyped-def]
    train(NanoSettings(**{**vars(SMALL), "domain": "physics"}), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for domain in ("mathematics", "physics"):
        assert unreadable(tokenizer, list(islice(teacher_texts(0, domain=domain), 200))) == []
    assert AutoModelForCausalLM.from_pretrained(tmp_path).config.vocab_size == len(build_tokenizer("physics"))
    assert len(build_tokenizer("physics")) > len(build_tokenizer())
