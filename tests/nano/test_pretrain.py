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


@pytest.mark.parametrize("train", [train_teacher, train_base])
def test_folder_is_an_ordinary_one(tmp_path: Path, train) -> None:  # type: ignore[no-untyped-def]
    seen: list[tuple[int, int]] = []
    train(SMALL, tmp_path / "model", lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
    } <= names
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.float32
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == model.config.eos_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
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
    plain = next(batched(iter(["1 + 2 = 3<|end|>"] * 64), tokenizer, 8))
    assert torch.equal(*plain)


@pytest.mark.parametrize("train", [train_teacher, train_base])
def test_a_physics_model_reads_physics_and_mathematics(tmp_path: Path, train) -> None:  # type: ignore[no-untyped-def]
    train(NanoSettings(**{**vars(SMALL), "domain": "physics"}), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for domain in ("mathematics", "physics"):
        assert unreadable(tokenizer, list(islice(teacher_texts(0, domain=domain), 200))) == []
    assert AutoModelForCausalLM.from_pretrained(tmp_path).config.vocab_size == len(build_tokenizer("physics"))
    assert len(build_tokenizer("physics")) > len(build_tokenizer())
