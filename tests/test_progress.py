import io

import pytest

from toolkit.progress import Progress


def test_a_stage_ends_with_one_line_of_result_and_time():
    stream = io.StringIO()
    progress = Progress(stream)
    with progress.stage("corpus") as stage:
        stage.count(cached=False)
        stage.count(cached=True)
        stage.text = "5 files"
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("corpus ") and " s  5 files [1 made, 1 cached]" in line
    ((done, seconds),) = progress.done
    assert done.name == "corpus" and seconds >= 0


@pytest.mark.parametrize(
    ("made", "cached", "planned", "state"),
    [(1, 0, 0, "made"), (0, 3, 0, "cached"), (0, 0, 2, "to do"), (0, 2, 1, "2 cached, 1 to do"), (0, 0, 0, "")],
)
def test_the_state_says_what_was_made_found_or_is_to_do(made, cached, planned, state):
    with Progress(io.StringIO()).stage("stage") as stage:
        for _ in range(made):
            stage.count(cached=False)
        for _ in range(cached):
            stage.count(cached=True)
        stage.plan([False] * planned)
        assert stage.state == state


def test_a_stage_that_is_only_planned_shows_no_time():
    stream = io.StringIO()
    with Progress(stream).stage("students") as stage:
        stage.plan([True, False])
        stage.text = "2 students"
    assert stream.getvalue().split() == ["students", "2", "students", "[1", "cached,", "1", "to", "do]"]


def test_tasks_that_report_from_several_threads_share_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Progress(stream).stage("students") as stage:
        stage.expect(4, "step")
        stage.tick("a", 10, 100)
        stage.tick("b", 50, 100)
        stage.tick("a", 100, 100)
        assert stage._bar.n == 150 and stage._bar.total == 400  # two tasks have not reported yet
    stage.tick("late", 1, 1)  # after the end: no bar, no error
    assert "students" in stream.getvalue()


def test_a_stage_that_fails_leaves_no_line():
    stream = io.StringIO()
    progress = Progress(stream)
    with pytest.raises(RuntimeError), progress.stage("law"):
        raise RuntimeError
    assert stream.getvalue() == "" and progress.done == []
