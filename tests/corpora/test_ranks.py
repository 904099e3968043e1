from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.ranks import accepted_ranks, path_of

answers = st.lists(st.sampled_from([None, "a", "b", "c", "d"]), max_size=30)


def test_every_response_has_the_rank_of_the_distinct_one_that_it_was_drawn_for():
    ranks = accepted_ranks([None, "a", "a", None, "b", "a", "c", None])
    assert [rank for rank, _ in ranks] == [0, 0, 1, 1, 1, 2, 2, 3]
    assert [index for index, (_, repeat) in enumerate(ranks) if repeat] == [2, 5]


@given(answers)
def test_the_kth_distinct_path_has_rank_k_minus_1_and_is_the_only_one_of_its_rank_that_trains(paths):
    ranks = accepted_ranks(paths)
    trains = [(rank, path) for (rank, repeat), path in zip(ranks, paths, strict=True) if path and not repeat]
    assert trains == list(enumerate(dict.fromkeys(path for path in paths if path)))


@given(answers, st.integers(0, 30))
def test_a_rank_depends_on_earlier_responses_only(paths, count):
    assert accepted_ranks(paths)[:count] == accepted_ranks(paths[:count])


@given(answers)
def test_ranks_grow_with_the_index_so_that_budgets_are_nested(paths):
    ranks = [rank for rank, _ in accepted_ranks(paths)]
    assert ranks == sorted(ranks)


def test_a_path_is_question_and_text_whatever_the_white_space():
    assert path_of("q", "2 + 2 = 4") == path_of("q", " 2 +\n2  = 4 ") != path_of("p", "2 + 2 = 4")
    assert path_of("q", "2+2 = 4") != path_of("q", "2 + 2 = 4")
    assert 0 < path_of("q", "\ud800 alone") < 2**64
