import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.synthesis.journal import Journal
from toolkit.synthesis.sampler import response_seed, sample
from toolkit.teachers.completion import Completion


class Echo:
    """Answers with its seed; `stop_after` requests it is killed."""

    def __init__(self, stop_after=10**9):
        self.asked = []
        self.stop_after = stop_after

    def complete(self, questions, seeds):
        if len(self.asked) + len(seeds) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += list(zip(questions, seeds, strict=True))
        return [Completion(f"{question} {seed}", "stop", 1, 1) for question, seed in zip(questions, seeds, strict=True)]


def fill(path, questions, budget, teacher, batch_size=4):
    ticks = []
    with Journal(path) as journal:
        sampled = sample(
            journal,
            [(q, q) for q in questions],
            budget,
            teacher,
            sampling_seed=1,
            batch_size=batch_size,
            progress=ticks.append,
        )
    return sampled, ticks


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(1, 9))
def test_a_larger_budget_continues_the_bytes_of_a_smaller_one(tmp_path_factory, count, low, more, batch_size):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    questions = [f"q{n}" for n in range(count)]
    assert fill(path, questions, low, Echo(), batch_size)[0] == count * low
    small = path.read_bytes()
    again = Echo()
    assert fill(path, questions, low, again, batch_size)[0] == 0 and not again.asked
    assert fill(path, questions, low + more, Echo(), batch_size)[0] == count * more
    assert path.read_bytes().startswith(small)
    whole = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    fill(whole, questions, low + more, Echo(), batch_size)
    assert whole.read_bytes() == path.read_bytes()


@given(st.integers(0, 30))
def test_interrupted_sampling_goes_on_where_it_stopped(tmp_path_factory, stop_after):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    questions = ["a", "b", "c"]
    first = Echo(stop_after)
    if stop_after < 24:
        with pytest.raises(KeyboardInterrupt):
            fill(path, questions, 8, first)
    second = Echo()
    fill(path, questions, 8, second)
    assert len(first.asked) + len(second.asked) == 24
    assert not set(first.asked) & set(second.asked)


def test_more_questions_add_only_their_own(tmp_path):
    fill(tmp_path / "rows", ["a", "b"], 4, Echo())
    more = Echo()
    assert fill(tmp_path / "rows", ["a", "b", "c"], 4, more)[0] == 4
    assert {question for question, _ in more.asked} == {"c"}


def test_progress_counts_what_is_written(tmp_path):
    assert fill(tmp_path / "rows", ["a", "b", "c"], 3, Echo()) == (9, [4, 8, 9])


def test_a_teacher_that_returns_too_few_is_refused_and_nothing_is_written(tmp_path):
    class Short(Echo):
        def complete(self, questions, seeds):
            return super().complete(questions, seeds)[1:]

    with pytest.raises(RuntimeError, match="returned 3 completions for 4 requests"):
        fill(tmp_path / "rows", ["a", "b"], 2, Short())
    assert (tmp_path / "rows").read_bytes() == b""


@given(st.integers(0, 2**32), st.text(), st.integers(0, 100))
def test_seeds_are_stable_and_differ(seed, question_id, index):
    first = response_seed(seed, question_id, index)
    assert 0 <= first < 2**63 and first == response_seed(seed, question_id, index)
    assert len({first, response_seed(seed + 1, question_id, index), response_seed(seed, question_id, index + 1)}) == 3
