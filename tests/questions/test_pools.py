"""The one door to pools: files and procedural questions, nested orders, and what is refused."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.questions.loading import load
from toolkit.domains import DOMAINS
from toolkit.domains.stream import Question, question_id, stream
from toolkit.domains.word_problems import Story, draw_question
from toolkit.questions.files import PoolError
from toolkit.questions.pools import SPLIT_FILES, parse_answer, read_questions, save_pool, write_pool
from toolkit.recipe import sections

GSM8K = r"####\s*(.+)"


def make_file(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{"question": f"What is {place} + 1?", "answer": f"It is.\n#### {place + 1}"} for place in range(count)]


def test_file_pool_is_nested_and_parts_are_disjoint(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    large = load(source, 20, 10, 5, answer_pattern=GSM8K)
    texts = [question.text for question in (*large.questions, *large.test, *large.dev)]
    assert len(set(texts)) == 35
    assert load(source, 8, 10, answer_pattern=GSM8K).questions == large.questions[:8]
    assert load(source, 20, 10, pool_seed=1, answer_pattern=GSM8K).questions != large.questions
    assert all(int(question.answer) == int(question.text.split()[2]) + 1 for question in large.questions)


def ends_in_seven(text: str) -> bool:
    return text.split()[2].endswith("7")


def test_the_leak_finder_gets_the_held_out_questions_and_changes_none_of_them(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    held_out: dict[str, str] = {}

    def finder(questions):  # type: ignore[no-untyped-def]
        held_out.update(questions)
        return ends_in_seven

    plain = load(source, 20, 5, 5, answer_pattern=GSM8K)
    clean = load(source, 20, 5, 5, answer_pattern=GSM8K, leak_finder=finder)
    assert (clean.test, clean.dev) == (plain.test, plain.dev)
    assert set(held_out.values()) == {question.text for question in clean.test + clean.dev}


def test_seeds_near_a_held_out_question_are_dropped_and_counted(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    plain = load(source, 20, 5, 5, answer_pattern=GSM8K)
    clean = load(source, 20, 5, 5, answer_pattern=GSM8K, leak_finder=lambda held_out: ends_in_seven)
    assert clean.dropped > 0 == plain.dropped
    assert not any(ends_in_seven(question.text) for question in clean.questions)
    small = load(source, 8, 5, 5, answer_pattern=GSM8K, leak_finder=lambda held_out: ends_in_seven)
    assert small.questions == clean.questions[:8]


def test_too_few_seeds_that_are_far_from_held_out_questions_are_refused(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(40))
    with pytest.raises(PoolError, match="pool_sizes \\(30\\), without what is near a held-out question, asks for 30"):
        load(source, 30, 5, 5, answer_pattern=GSM8K, leak_finder=lambda held_out: ends_in_seven)


def test_test_questions_come_from_another_file(tmp_path: Path) -> None:
    rows = rows_of(30)
    pool, held_out = make_file(tmp_path / "a.jsonl", rows[:20]), make_file(tmp_path / "b.jsonl", rows[20:])
    loaded = load(pool, 15, 10, 5, answer_pattern=GSM8K, test_pool=held_out)
    assert len(loaded.questions) == 15 and len(loaded.dev) == 5
    assert {question.text for question in loaded.test} == {row["question"] for row in rows[20:]}


def test_a_test_file_may_have_columns_of_its_own(tmp_path: Path) -> None:
    rows = rows_of(30)
    pool, held_out = make_file(tmp_path / "a.jsonl", rows[:20]), make_file(tmp_path / "b.jsonl", rows[20:])
    plain = load(pool, 15, 10, 5, answer_pattern=GSM8K, test_pool=held_out)
    other = [
        {"problem": row["question"], "solution": f"\\boxed{{{row['answer'].split()[-1]}}}", "in": "m"}
        for row in rows[20:]
    ]
    named = load(
        pool, 15, 10, 5, answer_pattern=GSM8K, test_pool=make_file(tmp_path / "d.jsonl", other),
        test_question_column="problem", test_answer_column="solution", test_answer_pattern="boxed",
        test_unit_column="in",
    )  # fmt: skip
    assert named.questions == plain.questions
    assert [question.answer for question in named.test] == [f"{question.answer} m" for question in plain.test]


def test_test_questions_of_another_file_are_left_out_of_the_pool(tmp_path: Path) -> None:
    rows = rows_of(30)
    pool, held_out = make_file(tmp_path / "a.jsonl", rows), make_file(tmp_path / "b.jsonl", rows[20:])
    both = load(pool, 15, 10, 5, answer_pattern=GSM8K, test_pool=held_out)
    assert not {*both.questions, *both.dev} & {*both.test}
    with pytest.raises(PoolError, match=r"holds 0 questions, pool_sizes \(1\) \+ dev_size \(0\), without the test"):
        load(held_out, 1, 10, answer_pattern=GSM8K, test_pool=held_out)


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_other_formats_read_the_same(tmp_path: Path, suffix: str) -> None:
    rows = rows_of(12)
    path = tmp_path / f"q{suffix}"
    if suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    lines = make_file(tmp_path / "q.jsonl", rows)
    assert load(str(path), 6, 3, answer_pattern=GSM8K) == load(lines, 6, 3, answer_pattern=GSM8K)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"question": "Why?", "answer": None}, r"row 3, column 'answer' holds null: it must be a text or a number"),
    ({"question": "Why?"}, r"row 3, column 'answer' holds null"),
    ({"question": "Why?", "answer": True}, r"row 3, column 'answer' holds true"),
    ({"question": "Why?", "answer": ["7"]}, r"row 3, column 'answer' holds \[\"7\"\] \(a list\)"),
    ({"question": "Why?", "answer": {"value": 7.50}}, r"row 3, column 'answer' holds \{\"value\": 7.5\} \(an object\)"),
    ({"question": "Why?", "answer": float("nan")}, r"row 3, column 'answer' holds NaN: .* finite number"),
    ({"question": "Why?", "answer": "\ud800"}, r"row 3, column 'answer' holds half a character"),
    ({"question": "  ", "answer": "#### 1"}, r"row 3, column 'question' holds '  '"),
    ({"question": "What is 1 + 1?", "answer": "#### 2"}, r"row 3.*stands in row 1 already"),
]


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_bad_rows_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    source = make_file(tmp_path / "bad.jsonl", [*rows_of(3), row, {"question": "Last?", "answer": "#### 9"}])
    with pytest.raises(PoolError, match=rf"bad\.jsonl, {message}"):
        load(source, 2, 1, answer_pattern=GSM8K)


def test_more_questions_than_a_file_holds_are_refused(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(10))
    with pytest.raises(PoolError, match=r"q\.jsonl holds 10 questions, pool_sizes \(6\) \+ test_size \(4\)") as told:
        load(source, 6, 4, 4, answer_pattern=GSM8K)
    assert "asks for 14: set pool_sizes: [6] and ladder_questions: 6, test_size: 2, dev_size: 2, or" in str(told.value)
    assert len(load(source, 6, 2, 2, answer_pattern=GSM8K).questions) == 6


def test_more_questions_than_a_domain_has_are_refused() -> None:
    with pytest.raises(
        PoolError, match=r"mathematics: \w+_sizes? asks for \d+ questions, and the family '\w+' runs out"
    ):
        load("mathematics", 5, 1, 1, families=("sum3",), largest_number=2)


def test_the_family_that_has_too_few_questions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    few = Story("a + b", {"a": (2, 9), "b": (2, 9)}, ("{a} and {b}?",))
    many = Story("a + b + c", {"a": (2, 99), "b": (2, 99), "c": (2, 99)}, ("{a} and {b} and {c}?",))
    families = {"many": many, "few": few}

    def generate(split: str, seed: int, own: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
        return stream("own", families, lambda name, rng: draw_question(name, families[name], rng), split, seed, own)

    monkeypatch.setitem(DOMAINS, "own", DOMAINS["mathematics"]._replace(families=families, generate=generate))
    with pytest.raises(
        PoolError, match=r"own: pool_sizes asks for 64 questions, .* 'few' runs out: .* give \d different"
    ):
        load("own", 64, 4)


def test_code_is_no_pool_and_a_name_that_is_nothing_says_what_it_could_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PoolError, match=r"geometry\.py: code is no pool.* toolkit/domains .* `pool: geometry`"):
        load("./geometry.py", 2, 1)
    for module in ("huggingface_hub.constants", "datasets.config"):
        monkeypatch.setattr(f"{module}.HF_HUB_OFFLINE", True)
    with pytest.raises(
        PoolError, match=r"chemistri, .* no file here, no procedural pool \(mathematics, physics, stem\)"
    ):
        load("chemistri", 2, 1)


def test_all_columns_that_a_pool_lacks_are_named_at_once(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": ["a"]}), tmp_path / "b.parquet")
    for source in (make_file(tmp_path / "q.jsonl", [{"q": "a"}]), str(tmp_path / "b.parquet")):
        with pytest.raises(PoolError, match=r"no column 'question' and no 'answer', only q: set .*question_column"):
            load(source, 1, 1)


def test_a_pool_of_no_questions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pool_sizes\.0\n.*greater than or equal to 1"):
        load("mathematics", 0, 1)


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    source = make_file(tmp_path / "q.jsonl", rows_of(10))
    with pytest.raises(PoolError, match="no column 'problem', only question, answer"):
        load(source, 2, 1, question_column="problem")


def test_answers_are_cut_out_and_normalised() -> None:
    assert parse_answer("so\n#### 1,234,567", GSM8K) == "1234567"
    assert parse_answer("a 1 #### 2 #### 3", r"####\s*(\d+)") == "3"
    assert parse_answer(" (1,2) ", None) == "(1,2)"
    assert parse_answer(r"\boxed{1} then \boxed{\frac{1}{2}}", "boxed") == r"\frac{1}{2}"
    assert parse_answer("nothing", "boxed") is None
    assert parse_answer(r"\boxed{\frac{1}{2", "boxed") is None
    assert parse_answer(r"$\boxed 2$, or $\fbox{42}$", "boxed") == "42"
    assert parse_answer(r"so $x = \boxed 2$.", "boxed") == "2"


def test_a_saved_pool_reads_back(tmp_path: Path) -> None:
    pool = load("mathematics", 16, 8, 4)
    save_pool(pool, tmp_path)
    for questions, name in zip((pool.questions, pool.test, pool.dev), SPLIT_FILES, strict=True):
        rows = [(row["question"], row["answer"], row["family"]) for row in read_questions(tmp_path, name)]
        assert rows == [(q.text, q.answer, q.family) for q in questions]
    assert not list(tmp_path.glob("*.part"))


def test_a_saved_pool_has_the_agreed_columns(tmp_path: Path) -> None:
    save_pool(load("mathematics", 16, 8, 4), tmp_path)
    frame = pd.read_parquet(tmp_path / "questions.parquet")
    assert list(frame.columns) == ["question_id", "position", "question", "answer", "family"]
    assert list(frame["position"]) == list(range(16))
    assert list(frame["question_id"]) == [question_id(text) for text in frame["question"]]


def test_pool_without_dev_and_missing_pool(tmp_path: Path) -> None:
    save_pool(load("mathematics", 4, 2), tmp_path / "a")
    assert not (tmp_path / "a" / "dev.parquet").exists()
    with pytest.raises(PoolError, match=r"no questions\.parquet"):
        read_questions(tmp_path)


def test_recipe_settings_are_passed_on(tmp_path: Path) -> None:
    settings = sections.Pool(
        pool="mathematics", pool_sizes=(4, 8), test_size=5, dev_size=0, families=("sum3",), largest_number=20
    )
    assert write_pool(settings, tmp_path) == {"pool": 8, "test": 5, "dev": 0, "dropped": 0}
    assert {row["family"] for row in read_questions(tmp_path)} == {"sum3"}


def test_gsm8k_parses_whole(shared_data: Path) -> None:
    folder = shared_data / "gsm8k"
    pool = load(str(folder / "train.jsonl"), 7473, 1319, test_pool=str(folder / "test.jsonl"), answer_pattern=GSM8K)
    answers = [question.answer for question in (*pool.questions, *pool.test)]
    assert len(pool.questions) == 7473
    assert all(float(answer) == int(float(answer)) for answer in answers)


def test_math_solutions_end_in_a_box(shared_data: Path) -> None:
    source = str(shared_data / "math" / "math500_prm800k_test.jsonl")
    pool = load(source, 450, 50, question_column="problem", answer_column="solution", answer_pattern="boxed")
    assert len(pool.questions) == 450 and all(question.answer for question in pool.questions)


def test_a_dataset_repo_loads_by_config_and_split(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = "".join(f'{{"q": "What is {n} + 1?", "a": "so \\\\\\\\boxed{{{n + 1}}}"}}\n' for n in range(12))
    (tmp_path / "seeds.jsonl").write_text(rows)
    front = "configs:\n- config_name: main\n  data_files:\n  - split: seeds\n    path: seeds.jsonl\n"
    (tmp_path / "README.md").write_text(f"---\n{front}---\n")
    columns = {"question_column": "q", "answer_column": "a", "answer_pattern": "boxed"}
    pool = load(str(tmp_path), 6, 4, pool_config="main", pool_split="seeds", **columns)
    assert len({question.text for question in (*pool.questions, *pool.test)}) == 10
    assert all(f"{int(question.answer) - 1} + 1" in question.text for question in pool.questions)


def test_a_unit_is_written_behind_its_answer(tmp_path: Path) -> None:
    units = ["m/s^2", " $\\mathrm{~K}$ ", "", None, " "]
    rows = [{"question": f"{n}?", "answer": f"{n}.5", "unit": unit} for n, unit in enumerate(units)]
    source = make_file(tmp_path / "q.jsonl", rows)
    settings = sections.Pool(pool=source, pool_sizes=(4,), test_size=1, dev_size=0, unit_column="unit")
    write_pool(settings, tmp_path / "pool")
    rows = [*read_questions(tmp_path / "pool"), *read_questions(tmp_path / "pool", "test")]
    answers = {row["question"]: row["answer"] for row in rows}
    assert answers == {"0?": "0.5 m/s^2", "1?": "1.5 $\\mathrm{~K}$", "2?": "2.5", "3?": "3.5", "4?": "4.5"}
    with pytest.raises(PoolError, match="no column 'units', only question, answer, unit"):
        load(source, 4, 1, unit_column="units")


def test_scibench_answers_have_their_units(shared_data: Path) -> None:
    columns = {"question_column": "problem_text", "answer_column": "answer_number", "unit_column": "unit"}
    pool = load(str(shared_data / "physics" / "scibench_thermo.json"), 60, 6, **columns)
    answers = [question.answer for question in (*pool.questions, *pool.test)]
    assert len(answers) == 66
    assert sum("mathrm" in answer for answer in answers) > 30
    assert all(answer == answer.strip() for answer in answers)


NUMBERS = ["0.7", "2", "0.023340601", "6.022e23", "9007199254740993", "0.5", "1e3"]


def answers_of(source: str, size: int, **options: Any) -> dict[str, str]:
    pool = load(source, size - 1, 1, **options)
    return {question.text: question.answer for question in (*pool.questions, *pool.test)}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".jsonl.gz"])
def test_a_number_is_a_gold_answer_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    rows = [f'{{"question": "{number}?", "answer": {number}}}' for number in NUMBERS]
    texts = {
        ".jsonl": "\n".join(rows),
        ".json": f"[{','.join(rows)}]",
        ".csv": "\n".join(["question,answer", *(f"{number}?,{number}" for number in NUMBERS)]),
        ".tsv": "\n".join(["question\tanswer", *(f"{number}?\t{number}" for number in NUMBERS)]),
    }
    path = tmp_path / f"q{suffix}"
    text = texts[suffix.removesuffix(".gz")].encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    assert answers_of(str(path), len(NUMBERS)) == {f"{number}?": number for number in NUMBERS}


def test_the_numbers_of_a_loaded_dataset_have_the_text_of_their_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    single = pa.array([0.7, 2.5, 0.1], pa.float32())
    pq.write_table(pa.table({"question": ["a?", "b?", "c?"], "answer": single}), tmp_path / "train.parquet")
    assert answers_of(str(tmp_path), 3) == {"a?": "0.7", "b?": "2.5", "c?": "0.1"}
    with pytest.raises(PoolError, match="no column 'solution', only question, answer: set the column names"):
        load(str(tmp_path), 2, 1, answer_column="solution")
    with pytest.raises(PoolError, match=r"split 'absent', cannot be loaded"):
        load(str(tmp_path), 2, 1, pool_split="absent")


def no_word(gold: str) -> str | None:
    return f"the gold answer {gold!r} is not a number" if gold.isalpha() else None


@pytest.fixture
def partly_unread(tmp_path: Path) -> str:
    rows = rows_of(12)
    rows[3]["answer"], rows[5]["answer"], rows[7]["answer"] = "#### blue", "no mark", "#### red"
    return make_file(tmp_path / "q.jsonl", rows)


def test_questions_whose_gold_answer_cannot_be_read_are_left_out_and_counted(partly_unread: str) -> None:
    pool = load(partly_unread, 6, 2, 1, answer_pattern=GSM8K, gold_problem=no_word)
    assert pool.left_out.count == 3
    assert pool.left_out.example == "q.jsonl, row 3, column 'answer': the gold answer 'blue' is not a number"
    texts = {question.text for question in (*pool.questions, *pool.test, *pool.dev)}
    assert texts == {row["question"] for place, row in enumerate(rows_of(12)) if place not in (3, 5, 7)}


def test_without_a_check_only_an_answer_that_the_pattern_misses_is_left_out(partly_unread: str) -> None:
    plain = load(partly_unread, 6, 2, 1, answer_pattern=GSM8K)
    assert plain.left_out.count == 1 and "'no mark' has no answer under the pattern" in plain.left_out.example


def test_too_few_readable_questions_are_refused_with_the_number_of_unread_ones(partly_unread: str) -> None:
    with pytest.raises(PoolError, match=r"holds 9 questions beside 3 without a readable answer \(.*row 3.*asks for 12"):
        load(partly_unread, 10, 1, 1, answer_pattern=GSM8K, gold_problem=no_word)


def test_a_pool_in_which_most_golds_cannot_be_read_is_refused(tmp_path: Path) -> None:
    rows = [{"question": f"{n}?", "answer": "blue" if n < 6 else "1"} for n in range(11)]
    source = make_file(tmp_path / "q.jsonl", rows)
    with pytest.raises(PoolError, match=r"q\.jsonl: 6 of 11 answers cannot be read; .* row 0, .*'blue'.*answer_kind"):
        load(source, 2, 1, gold_problem=no_word)
    source = make_file(tmp_path / "q.jsonl", rows[1:])
    settings = sections.Pool(pool=source, pool_sizes=(2,), test_size=1, dev_size=0)
    counts = write_pool(settings, tmp_path / "pool", gold_problem=no_word)
    assert counts.pop("unread_example") == "q.jsonl, row 0, column 'answer': the gold answer 'blue' is not a number"
    assert counts == {"pool": 2, "test": 1, "dev": 0, "dropped": 0, "unread": 5}


def test_a_unit_column_that_some_rows_lack_is_read(tmp_path: Path) -> None:
    rows = [{"question": f"{n}?", "answer": "1"} | ({"unit": "m"} if n == 2 else {}) for n in range(4)]
    source = make_file(tmp_path / "q.jsonl", rows)
    assert answers_of(source, 4, unit_column="unit")["2?"] == "1 m"


def test_a_column_that_a_parquet_file_lacks_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(PoolError, match=r"b\.parquet has no column 'question' and no 'answer', only q: set the"):
        load(str(tmp_path / "b.parquet"), 1, 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("torn.jsonl", b'{"question": "a"', r"torn\.jsonl, line 1 is not readable JSON"),
        ("a.parquet", b"", r"a\.parquet is not a readable parquet file"),
        ("a.xlsx", b"PK", r"a\.xlsx: cannot tell what file this is; use one of"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PoolError, match=message):
        load(str(tmp_path / name), 1, 1)


@pytest.mark.parametrize("name", ["absent.jsonl", "absent.csv"])
def test_a_file_that_does_not_exist_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(PoolError, match=rf"no pool file at .*{name}"):
        load(str(tmp_path / name), 1, 1)
