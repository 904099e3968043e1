"""Token rows: what is learned from, what is refused, and in which order training sees them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tests.tiny_model import make_tiny_model
from toolkit.recipe.sections import Student
from toolkit.students.rows import IGNORED, StudentError, read_responses, tokenize_rows, training_order

ROW = {"question_id": "q0", "question": "one plus two", "response": "so three"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder = make_tiny_model(tmp_path_factory.mktemp("base"), ["one", "plus", "two", "so", "three"])
    return AutoTokenizer.from_pretrained(folder)


def test_only_the_response_and_its_end_carry_loss(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = tokenize_rows(tokenizer, [ROW], max_length=8)
    assert tokenizer.decode(rows.input_ids[0]) == "<user> one plus two <assistant> so three <eos>"
    learned = [token for token in rows.labels[0] if token != IGNORED]
    assert tokenizer.decode(learned) == "so three <eos>"
    assert rows.labels[0][-3:] == rows.input_ids[0][-3:]
    assert rows.tokens == 8


def test_the_prompt_is_the_one_that_is_sampled_from(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = tokenize_rows(tokenizer, [ROW], max_length=8)
    messages = [{"role": "user", "content": ROW["question"]}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    assert rows.input_ids[0][: len(prompt)] == prompt


def test_a_special_token_in_a_response_is_no_end_of_sequence(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(StudentError, match=r"question q0: .* special token"):
        tokenize_rows(tokenizer, [ROW | {"response": "so <eos> three"}], max_length=20)


def test_rows_too_long_name_the_question_and_the_length(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(StudentError, match=r"question q0: .* 8 tokens, max_length is 7"):
        tokenize_rows(tokenizer, [ROW], max_length=7)


def test_words_outside_the_vocabulary_are_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(StudentError, match=r"question q0: .* cannot read"):
        tokenize_rows(tokenizer, [ROW | {"question": "one plus seven"}], max_length=20)


@pytest.mark.parametrize(
    ("attribute", "message"), [("chat_template", "chat_template.jinja"), ("eos_token", "eos_token")]
)
def test_a_base_that_cannot_chat_is_refused(tmp_path: Path, attribute: str, message: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_model(tmp_path, ["one"]))
    setattr(tokenizer, attribute, None)
    with pytest.raises(StudentError, match=message):
        tokenize_rows(tokenizer, [ROW], max_length=20)


def test_files_are_read_in_the_given_order(tmp_path: Path) -> None:
    files = [tmp_path / "b.parquet", tmp_path / "a.parquet"]
    for number, file in enumerate(files):
        pq.write_table(pa.Table.from_pylist([ROW | {"question_id": f"q{number}", "verdict": "accepted"}]), file)
    assert [row["question_id"] for row in read_responses(files)] == ["q0", "q1"]


def test_what_a_protocol_puts_before_the_response_is_the_prompt(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    answer, asked = {"role": "assistant", "content": ROW["response"]}, {"role": "user", "content": ROW["question"]}
    longer = {"role": "user", "content": "two plus one plus two"}
    rows = [ROW | {"messages": [asked, answer]}, ROW | {"messages": [longer, answer]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    plain, guided = read_responses([tmp_path / "rows.parquet"])
    assert plain == ROW and guided == ROW | {"prompt": [longer]}
    made = tokenize_rows(tokenizer, [plain, guided], max_length=12)
    assert tokenizer.decode(made.input_ids[1]) == "<user> two plus one plus two <assistant> so three <eos>"
    assert made.labels[0][-3:] == made.labels[1][-3:] and made.labels[1].count(IGNORED) == 7


def test_no_rows_and_missing_columns_are_refused(tmp_path: Path) -> None:
    empty, other = tmp_path / "empty.parquet", tmp_path / "other.parquet"
    pq.write_table(pa.Table.from_pylist([ROW]).slice(0, 0), empty)
    pq.write_table(pa.table({"question_id": ["q0"], "question": ["one"]}), other)
    with pytest.raises(StudentError, match="no responses to train on in 1 files"):
        read_responses([empty])
    with pytest.raises(StudentError, match=r"other\.parquet: no column response"):
        read_responses([other])


@given(rows=st.integers(1, 60), steps=st.integers(1, 30), batch=st.integers(1, 16), seed=st.integers(0, 5))
def test_matched_steps_fill_every_batch_and_pass_evenly(rows: int, steps: int, batch: int, seed: int) -> None:
    settings = Student(control="steps", steps=steps, batch_size=batch)
    order = training_order(rows, settings, seed)
    assert len(order) == steps * batch
    counts = np.bincount(order, minlength=rows)
    assert counts.max() - counts.min() <= 1
    assert sorted(order[:rows]) == sorted(set(order[:rows]))
    assert np.array_equal(order, training_order(rows, settings, seed))


@given(rows=st.integers(1, 60), epochs=st.floats(0.1, 5))
def test_epochs_count_passes(rows: int, epochs: float) -> None:
    settings = Student(control="epochs", epochs=epochs)
    assert len(training_order(rows, settings, 0)) == max(1, round(epochs * rows))


def test_another_seed_gives_another_order() -> None:
    assert not np.array_equal(training_order(100, Student(), 0), training_order(100, Student(), 1))


def test_a_rare_response_that_cannot_be_read_is_left_out_and_counted(tokenizer: PreTrainedTokenizerBase) -> None:
    garbled = ROW | {"response": "so sothree"}
    rows = tokenize_rows(tokenizer, [ROW, garbled, ROW], max_length=20)
    assert (len(rows), rows.unreadable) == (2, 1)
    with pytest.raises(StudentError, match="cannot read 2 of 3 rows"):
        tokenize_rows(tokenizer, [ROW, garbled, garbled], max_length=20)
    with pytest.raises(StudentError, match="cannot read 1 of 1 rows"):
        tokenize_rows(tokenizer, [garbled], max_length=20)


def test_a_rare_critique_that_cannot_be_read_is_left_out_and_counted(tokenizer: PreTrainedTokenizerBase) -> None:
    read = [{"role": "user", "content": f"{ROW['question']} so sothree"}]
    rows = tokenize_rows(tokenizer, [ROW, ROW | {"prompt": read}, ROW], max_length=20)
    assert (len(rows), rows.unreadable) == (2, 1)
    with pytest.raises(StudentError, match="cannot read 2 of 3 rows"):
        tokenize_rows(tokenizer, [ROW, *[ROW | {"prompt": read}] * 2], max_length=20)
