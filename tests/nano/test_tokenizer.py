"""The frozen vocabulary reads all that the generators write, and decoding restores every text to the letter."""

import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.domains import physics
from toolkit.domains.mathematics import generate
from toolkit.nano.tokenizer import build_tokenizer, document, unreadable
from toolkit.nano.training_texts import base_texts, teacher_texts
from toolkit.nano.vocabulary import SPECIAL_TOKENS, VOCABULARY_FILE, WIDE_VOCABULARY_FILE, pieces_needed

TOKENIZER = build_tokenizer()
WIDE = build_tokenizer("physics")
PIECES = json.loads(VOCABULARY_FILE.read_text(encoding="utf-8"))
WIDE_PIECES = json.loads(WIDE_VOCABULARY_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("pieces", "needed", "tokenizer"),
    [(PIECES, pieces_needed("mathematics"), TOKENIZER), (WIDE_PIECES, pieces_needed("stem"), WIDE)],
)
def test_vocabulary_file_and_wordings_agree(pieces, needed, tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert pieces[: len(SPECIAL_TOKENS)] == list(SPECIAL_TOKENS)
    assert len(set(pieces)) == len(pieces) == len(tokenizer)
    lacking = sorted(set(needed) - set(pieces))
    unused = sorted(set(pieces) - set(needed) - set(SPECIAL_TOKENS))
    assert not lacking, f"append these to the file: {lacking}"
    assert not unused, f"no text holds these: {unused}"


def test_the_wide_vocabulary_reads_mathematics_by_the_same_ids() -> None:
    assert WIDE_PIECES[: len(PIECES)] == PIECES
    text = next(teacher_texts(3))
    assert WIDE.encode(text) == TOKENIZER.encode(text)


@pytest.mark.parametrize(
    ("texts", "tokenizer"),
    [
        (teacher_texts(1), TOKENIZER),
        (base_texts(1), TOKENIZER),
        (teacher_texts(1, domain="physics"), WIDE),
        (base_texts(1, domain="physics"), WIDE),
        (teacher_texts(1, domain="stem"), WIDE),
        (base_texts(1, domain="stem"), WIDE),
    ],
    ids=["teacher", "base", "physics teacher", "physics base", "stem teacher", "stem base"],
)
def test_generators_write_nothing_unknown_and_decode_exactly(texts, tokenizer) -> None:  # type: ignore[no-untyped-def]
    some = list(islice(texts, 6000))
    assert unreadable(tokenizer, some) == []
    for text in some[-500:]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_held_out_questions_are_readable() -> None:
    for split in ("pool", "test", "dev"):
        assert unreadable(TOKENIZER, [question.text for question in islice(generate(split, 0), 1000)]) == []
        assert unreadable(WIDE, [question.text for question in islice(physics.generate(split, 0), 1000)]) == []


def test_foreign_text_is_reported() -> None:
    texts = ["Solve 1 * x + 2 = 3.", "Natalia sold clips to 48 of her friends", "na\u00efve", "tab\there"]
    assert unreadable(TOKENIZER, texts) == texts[1:]
    assert unreadable(TOKENIZER, []) == []


@given(st.lists(st.sampled_from([piece for piece in PIECES if piece not in SPECIAL_TOKENS]), max_size=12))
def test_any_readable_text_round_trips(pieces: list[str]) -> None:
    text = "".join(pieces)
    if not unreadable(TOKENIZER, [text]):
        assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_numbers_are_read_digit_by_digit() -> None:
    assert TOKENIZER.tokenize("Compute 12 + 345.")[1:] == ["1", "2", " + ", "3", "4", "5", "."]


def test_chat_template_writes_the_training_documents(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    assert (tmp_path / "chat_template.jinja").exists()
    loaded = type(TOKENIZER).from_pretrained(tmp_path)
    messages = [{"role": "user", "content": "Compute 1 + 2 + 3."}]
    answered = [*messages, {"role": "assistant", "content": "1 + 2 = 3\n\\boxed{6}"}]
    whole = document("Compute 1 + 2 + 3.", "1 + 2 = 3\n\\boxed{6}")
    assert loaded.apply_chat_template(answered, tokenize=False) == whole
    prompt = loaded.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert whole.startswith(prompt) and prompt.endswith("<|assistant|>")
    encoded = loaded.apply_chat_template(answered, return_dict=True, return_assistant_tokens_mask=True)
    answer = [token for token, own in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if own]
    assert loaded.decode(answer) == "1 + 2 = 3\n\\boxed{6}<|end|>"
