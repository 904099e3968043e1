"""The one door to pools: files and procedural questions, nested orders, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit import recipe
from toolkit.domains.stream import question_id
from toolkit.questions.pools import PoolError, last_boxed, load_pool, parse_answer, read_pool, save_pool, write_pool

GSM8K = r"####\s*(.+)"


def make_file(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{"question": f"What is {place} + 1?", "answer": f"It is.\n#### {place + 1}"} for place in range(count)]


def test_file_pool_is_nested_and_parts_are_disjoint(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    large = load_pool(source, 20, 10, 5, answer_pattern=GSM8K)
    texts = [question.text for question in (*large.questions, *large.test, *large.dev)]
    assert len(set(texts)) == 35
    assert load_pool(source, 8, 10, answer_pattern=GSM8K).questions == large.questions[:8]
    assert load_pool(source, 20, 10, seed=1, answer_pattern=GSM8K).questions != large.questions
    assert all(int(question.answer) == int(question.text.split()[2]) + 1 for question in large.questions)


def test_seeds_near_a_held_out_question_are_dropped_and_counted(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    asked: dict[str, str] = {}

    def ends_in_seven(held_out):  # type: ignore[no-untyped-def]
        asked.update(held_out)
        return lambda text: text.split()[2].endswith("7")

    plain = load_pool(source, 20, 5, 5, answer_pattern=GSM8K)
    clean = load_pool(source, 20, 5, 5, answer_pattern=GSM8K, leak_finder=ends_in_seven)
    assert (clean.test, clean.dev) == (plain.test, plain.dev)
    assert set(asked.values()) == {question.text for question in clean.test + clean.dev}
    assert clean.dropped > 0 == plain.dropped
    assert not any(question.text.split()[2].endswith("7") for question in clean.questions)
    assert load_pool(source, 8, 5, 5, answer_pattern=GSM8K, leak_finder=ends_in_seven).questions == clean.questions[:8]
    with pytest.raises(PoolError, match="without what is near a held-out question, asks for 30"):
        load_pool(source, 30, 5, 5, answer_pattern=GSM8K, leak_finder=ends_in_seven)


def test_test_set_from_another_file(tmp_path: Path) -> None:
    rows = rows_of(30)
    pool, held_out = make_file(tmp_path / "a.jsonl", rows[:20]), make_file(tmp_path / "b.jsonl", rows[20:])
    loaded = load_pool(pool, 15, 10, 5, answer_pattern=GSM8K, test_source=held_out)
    assert len(loaded.questions) == 15 and len(loaded.dev) == 5
    assert {question.text for question in loaded.test} == {row["question"] for row in rows[20:]}
    both = load_pool(make_file(tmp_path / "c.jsonl", rows), 15, 10, 5, answer_pattern=GSM8K, test_source=held_out)
    assert not {*both.questions, *both.dev} & {*both.test}
    with pytest.raises(PoolError, match=r"holds 0 questions, pool \+ dev, without the test questions, asks for 1"):
        load_pool(pool, 1, 20, answer_pattern=GSM8K, test_source=pool)


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_other_formats_read_the_same(tmp_path: Path, suffix: str) -> None:
    rows = rows_of(12)
    path = tmp_path / f"q{suffix}"
    if suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    lines = make_file(tmp_path / "q.jsonl", rows)
    assert load_pool(str(path), 6, 3, answer_pattern=GSM8K) == load_pool(lines, 6, 3, answer_pattern=GSM8K)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"question": "Why?", "answer": "no mark"}, r"row 3, column 'answer': 'no mark' has no answer"),
    ({"question": "Why?", "answer": None}, r"row 3, column 'answer' holds nan"),
    ({"question": "  ", "answer": "#### 1"}, r"row 3, column 'question' holds '  '"),
    ({"question": "What is 1 + 1?", "answer": "#### 2"}, r"row 3.*stands in row 1 already"),
]


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_bad_rows_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    source = make_file(tmp_path / "bad.jsonl", [*rows_of(3), row, {"question": "Last?", "answer": "#### 9"}])
    with pytest.raises(PoolError, match=rf"bad\.jsonl, {message}"):
        load_pool(source, 2, 1, answer_pattern=GSM8K)


def test_bad_requests_are_named(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(10))
    with pytest.raises(PoolError, match=r"holds 10 questions, pool \+ test \+ dev asks for 12"):
        load_pool(source, 8, 4, answer_pattern=GSM8K)
    with pytest.raises(PoolError, match="no column 'problem', only question, answer"):
        load_pool(source, 2, 1, question_column="problem")
    with pytest.raises(PoolError, match="no pool file"):
        load_pool(str(tmp_path / "absent.jsonl"), 2, 1)
    with pytest.raises(PoolError, match="size is 0"):
        load_pool(source, 0, 1)
    (tmp_path / "torn.jsonl").write_text('{"question": "a"', encoding="utf-8")
    with pytest.raises(PoolError, match=r"torn\.jsonl is no readable"):
        load_pool(str(tmp_path / "torn.jsonl"), 1, 1)
    with pytest.raises(PoolError, match=r"mathematics \(\w+\) holds 0 questions"):
        load_pool("mathematics", 5, 1, 1, families=("sum3",), largest=2)


def test_answers_are_cut_out_and_normalised() -> None:
    assert parse_answer("so\n#### 1,234,567", GSM8K) == "1234567"
    assert parse_answer("a 1 #### 2 #### 3", r"####\s*(\d+)") == "3"
    assert parse_answer(" (1,2) ", None) == "(1,2)"
    assert parse_answer(r"\boxed{1} then \boxed{\frac{1}{2}}", "boxed") == r"\frac{1}{2}"
    assert parse_answer("nothing", "boxed") is None
    assert last_boxed(r"\boxed{\frac{1}{2") is None


def test_saved_pool_reads_back_with_the_agreed_columns(tmp_path: Path) -> None:
    pool = load_pool("mathematics", 16, 8, 4)
    save_pool(pool, tmp_path)
    back = read_pool(tmp_path)
    for one, other in zip((pool.questions, pool.test, pool.dev), (back.questions, back.test, back.dev), strict=True):
        assert [(q.text, q.answer, q.family) for q in one] == [(q.text, q.answer, q.family) for q in other]
    frame = pd.read_parquet(tmp_path / "questions.parquet")
    assert list(frame.columns) == ["question_id", "position", "question", "answer", "family"]
    assert list(frame["position"]) == list(range(16))
    assert list(frame["question_id"]) == [question_id(text) for text in frame["question"]]
    assert not list(tmp_path.glob("*.part"))


def test_pool_without_dev_and_missing_pool(tmp_path: Path) -> None:
    save_pool(load_pool("mathematics", 4, 2), tmp_path / "a")
    assert not (tmp_path / "a" / "dev.parquet").exists()
    assert read_pool(tmp_path / "a").dev == ()
    with pytest.raises(PoolError, match=r"no questions\.parquet"):
        read_pool(tmp_path)


def test_recipe_settings_are_passed_on(tmp_path: Path) -> None:
    settings = recipe.Pool(
        pool="mathematics", pool_sizes=(4, 8), test_size=5, dev_size=0, families=("sum3",), largest_number=20
    )
    assert write_pool(settings, tmp_path) == {"pool": 8, "test": 5, "dev": 0, "dropped": 0}
    assert {question.family for question in read_pool(tmp_path).questions} == {"sum3"}


def test_gsm8k_parses_whole(shared_data: Path) -> None:
    folder = shared_data / "gsm8k"
    pool = load_pool(
        str(folder / "train.jsonl"), 7473, 1319, test_source=str(folder / "test.jsonl"), answer_pattern=GSM8K
    )
    answers = [question.answer for question in (*pool.questions, *pool.test)]
    assert len(pool.questions) == 7473
    assert all(float(answer) == int(float(answer)) for answer in answers)


def test_math_solutions_end_in_a_box(shared_data: Path) -> None:
    source = str(shared_data / "math" / "math500_prm800k_test.jsonl")
    pool = load_pool(source, 450, 50, question_column="problem", answer_column="solution", answer_pattern="boxed")
    assert len(pool.questions) == 450 and all(question.answer for question in pool.questions)


def test_a_dataset_repo_loads_by_config_and_split(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = "".join(f'{{"q": "What is {n} + 1?", "a": "so \\\\\\\\boxed{{{n + 1}}}"}}\n' for n in range(12))
    (tmp_path / "seeds.jsonl").write_text(rows)
    front = "configs:\n- config_name: main\n  data_files:\n  - split: seeds\n    path: seeds.jsonl\n"
    (tmp_path / "README.md").write_text(f"---\n{front}---\n")
    columns = {"question_column": "q", "answer_column": "a", "answer_pattern": "boxed"}
    pool = load_pool(str(tmp_path), 6, 4, subset="main", split="seeds", **columns)
    assert len({question.text for question in (*pool.questions, *pool.test)}) == 10
    assert all(f"{int(question.answer) - 1} + 1" in question.text for question in pool.questions)


def test_a_unit_is_written_behind_its_answer(tmp_path: Path) -> None:
    units = ["m/s^2", " $\\mathrm{~K}$ ", "", None, " "]
    rows = [{"question": f"{n}?", "answer": f"{n}.5", "unit": unit} for n, unit in enumerate(units)]
    source = make_file(tmp_path / "q.jsonl", rows)
    settings = recipe.Pool(pool=source, pool_sizes=(4,), test_size=1, dev_size=0, unit_column="unit")
    write_pool(settings, tmp_path / "pool")
    made = read_pool(tmp_path / "pool")
    answers = {question.text: question.answer for question in (*made.questions, *made.test)}
    assert answers == {"0?": "0.5 m/s^2", "1?": "1.5 $\\mathrm{~K}$", "2?": "2.5", "3?": "3.5", "4?": "4.5"}
    with pytest.raises(PoolError, match="no column 'units', only question, answer, unit"):
        load_pool(source, 4, 1, unit_column="units")


def test_scibench_answers_have_their_units(shared_data: Path) -> None:
    columns = {"question_column": "problem_text", "answer_column": "answer_number", "unit_column": "unit"}
    pool = load_pool(str(shared_data / "physics" / "scibench_thermo.json"), 60, 6, **columns)
    answers = [question.answer for question in (*pool.questions, *pool.test)]
    assert len(answers) == 66
    assert sum("mathrm" in answer for answer in answers) > 30
    assert all(answer == answer.strip() for answer in answers)
