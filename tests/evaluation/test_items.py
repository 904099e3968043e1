"""Test items and the key that says whether two scores are comparable."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.evaluation.items import EvaluationError, describe_evaluation, eval_key, read_items
from toolkit.recipe.sections import Evaluation, Verification

ITEMS = [{"question_id": f"t{number}", "question": f"{number} + 1", "answer": str(number + 1)} for number in range(3)]
GREEDY = Evaluation(eval_max_tokens=8)
SAMPLED = dataclasses.replace(GREEDY, eval_temperature=0.8, eval_samples=4)


def key(
    items: list[dict[str, str]] = ITEMS,
    template: str = "{{ messages }}",
    settings: Evaluation = GREEDY,
    verification: Verification = Verification(),  # noqa: B008
) -> str:
    return eval_key(describe_evaluation(items, "{{ question }}", template, settings, verification))


@pytest.mark.parametrize(
    "other",
    [
        key(ITEMS[:2]),
        key(ITEMS[::-1]),
        key([ITEMS[0] | {"answer": "7"}, *ITEMS[1:]]),
        key(template="{{ messages }} "),
        key(settings=dataclasses.replace(GREEDY, eval_max_tokens=9)),
        key(settings=SAMPLED),
        key(verification=Verification(answer_kind="choice")),
        key(verification=Verification(response_pattern=r"#### (.+)")),
    ],
)
def test_whatever_changes_a_score_changes_the_key(other: str) -> None:
    assert other != key()


@pytest.mark.parametrize("change", [{"eval_temperature": 0.7}, {"eval_samples": 5}, {"eval_seed": 1}])
def test_sampling_parameters_change_the_key(change: dict[str, float]) -> None:
    assert key(settings=dataclasses.replace(SAMPLED, **change)) != key(settings=SAMPLED)


@pytest.mark.parametrize("change", [{"eval_batch_size": 1}, {"eval_seed": 1}, {"eval_samples": 5}])
def test_what_a_greedy_score_does_not_depend_on_leaves_the_key(change: dict[str, int]) -> None:
    assert key(settings=dataclasses.replace(GREEDY, **change)) == key()


def test_a_tolerance_counts_where_answers_have_one() -> None:
    exact, loose = (Verification(answer_kind="numeric", tolerance=tolerance) for tolerance in (0.01, 0.05))
    assert key(verification=exact) != key(verification=loose)
    assert key(verification=Verification(tolerance=0.05)) == key(verification=Verification(check_steps=True)) == key()


# The default tolerance was .01 in a version that applied it to whole numbers too; its keys must not change.
@pytest.mark.parametrize("kind", ["mathematics", "numeric", "choice"])
def test_a_policy_without_a_tolerance_is_hashed_with_the_default_of_the_first_version(kind: str) -> None:
    first = {"answer_kind": kind, "response_pattern": None, "tolerance": 0.01, "check_steps": False}
    assert Verification(answer_kind=kind).keyed() == first


@pytest.mark.parametrize("kind", ["mathematics", "numeric", "choice"])
def test_setting_the_default_tolerance_changes_the_hash_of_a_numeric_policy_only(kind: str) -> None:
    same = Verification(answer_kind=kind, tolerance=0.01).keyed() == Verification(answer_kind=kind).keyed()
    assert same is (kind != "numeric")


def test_a_score_with_the_default_tolerance_has_another_key_than_one_with_the_same_number_set() -> None:
    default, stated = (Verification(answer_kind="numeric", tolerance=tolerance) for tolerance in (None, 0.01))
    described = describe_evaluation(ITEMS, "{{ question }}", "", GREEDY, default)
    assert described["tolerance"] == 0.01 and "whole_numbers" not in described
    assert key(verification=default) != key(verification=stated)


def test_a_tolerance_that_is_set_is_part_of_the_hash() -> None:
    assert Verification(tolerance=0.05).keyed()["tolerance"] == 0.05


def test_only_a_numeric_policy_is_written_without_a_tolerance() -> None:
    """Keep what recipes and manifests say about the other kinds."""
    assert Verification().tolerance == Verification(answer_kind="choice").tolerance == 0.01
    assert Verification(answer_kind="numeric").tolerance is None


def test_the_key_is_sixteen_hex_digits_of_its_description() -> None:
    assert len(key()) == 16
    assert int(key(), 16) >= 0


def test_items_are_read_in_file_order(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([item | {"position": 0} for item in ITEMS]), tmp_path / "test.parquet")
    assert read_items(tmp_path / "test.parquet") == ITEMS


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"question_id": ["a"], "question": ["b"]}), "no column answer"),
        (pa.Table.from_pylist(ITEMS).slice(0, 0), "no test items"),
        (pa.Table.from_pylist([ITEMS[0], ITEMS[0]]), "question_id 't0' occurs more than once"),
        (pa.Table.from_pylist([ITEMS[0] | {"answer": ""}]), "question 't0' has no answer"),
    ],
)
def test_a_test_file_that_cannot_be_scored_is_refused(tmp_path: Path, table: pa.Table, message: str) -> None:
    pq.write_table(table, tmp_path / "test.parquet")
    with pytest.raises(EvaluationError, match=f"test.parquet: .*{message}"):
        read_items(tmp_path / "test.parquet")
