"""Steps that a student answers: who is asked, what is written and counted, and what a kill leaves to be asked."""

import pytest

from tests.protocols.scripted import Scripted
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.prompt import contents
from toolkit.protocols import ProtocolError, load_protocol
from toolkit.protocols.contract import Protocol
from toolkit.recipe.protocol_file import protocol_name
from toolkit.synthesis.executions import step_seed
from toolkit.synthesis.journal import Journal, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.spending import Prices
from toolkit.synthesis.step_estimates import Sampled, estimate_steps

GUIDED = load_protocol("critique_guided", "{{ question }}", {"probe": "student"})
DRAWS = [("q", "1 + 1?", 0), ("q", "1 + 1?", 1)]
QUESTIONS = [{"question_id": "q", "question": "1 + 1?", "answer": "2"}]


def student(script=lambda messages, number: "a student's 3"):
    made = Scripted(script)
    made.model = "base@2"
    return made


def fill(path, teacher=None, base=None, **options):
    teacher = teacher or Scripted(lambda messages, number: "Conclusion: wrong")
    with Journal(path) as journal:
        return sample(journal, DRAWS, teacher, GUIDED, sampling_seed=1, report=lambda _: None, student=base, **options)


def test_the_student_answers_its_steps_and_stands_under_its_own_name(tmp_path):
    base, teacher = student(), Scripted(lambda messages, number: "Conclusion: wrong")
    fill(tmp_path / "rows", teacher, base)
    rows = list(read_journal(tmp_path / "rows"))
    assert {(row.step, row.model) for row in rows} == {
        ("probe", "base@2"),
        ("critique", "scripted@1"),
        ("refine", "scripted@1"),
    }
    assert [contents(messages) for messages in base.read] == ["1 + 1?"] * 2 and len(teacher.read) == 4
    assert all("a student's 3" in contents(messages) for messages in teacher.read)
    assert all(row.seed == step_seed(1, "q", row.index, row.step, 0) for row in rows)


def test_what_the_student_answers_is_no_sample_no_token_and_costs_nothing(tmp_path):
    tally = fill(tmp_path / "rows", base=student(), prices=Prices(1e6, 0.0, 10))
    rows = [row for row in read_journal(tmp_path / "rows") if row.step != "probe"]
    assert tally.cost == sum(row.prompt_tokens for row in rows)
    index, every = (JournalIndex(tmp_path / "rows", QUESTIONS, steps) for steps in (GUIDED.by_student, ()))
    index.read(), every.read()
    assert index.costs("samples", 1, 2).tolist() == [[2, 2]] and every.costs("samples", 1, 2).tolist() == [[3, 3]]
    assert index.costs("tokens", 1, 2).sum() == sum(row.prompt_tokens + row.completion_tokens for row in rows)
    assert index.digest() == every.digest()


def test_a_largest_cost_leaves_the_student_out(tmp_path):
    stopped = fill(tmp_path / "rows", base=student(), prices=Prices(1.0, 0.0, 10), max_cost=1e-9)
    assert stopped.stopped and {row.step for row in read_journal(tmp_path / "rows")} == {"probe"}


def test_a_rerun_asks_nobody_for_a_step_that_is_there(tmp_path):
    def killed(messages, number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "rows", Scripted(killed), student())
    assert {row.step for row in read_journal(tmp_path / "rows")} == {"probe"}
    known = len(list(read_journal(tmp_path / "rows")))
    base = student()
    fill(tmp_path / "rows", base=base)
    assert len(base.read) == 2 - known
    fill(tmp_path / "whole", base=student())
    assert sorted(read_journal(tmp_path / "rows")) == sorted(read_journal(tmp_path / "whole"))


def test_a_protocol_that_asks_a_student_needs_one(tmp_path):
    with pytest.raises(ValueError, match="asks a student for probe: give `student`"):
        fill(tmp_path / "rows")


def test_an_estimate_names_the_student_and_leaves_its_price_out():
    made = estimate_steps(GUIDED, ["1 + 1?"], Sampled({}, 0), max_tokens=10, prices=Prices(0.0, 1e6, 10))
    assert "probe (student): at most 1 requests" in str(made) and "at most 20 to pay" in str(made)


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({"by_student": ("prob",)}, "'prob' is no step"),
        ({"swapped": "b"}, "'b' is no step"),
        ({"by_student": ("a",)}, "leave one to the teacher"),
    ],
)
def test_marks_of_a_protocol_name_its_steps(tmp_path, marks, message):
    fields = ", ".join(f"{name}={value!r}" for name, value in marks.items())
    made = f"Protocol({{'a': print}}, None, {fields})"
    code = f"from {Protocol.__module__} import Protocol\ndef protocol(prompt): return {made}\n"
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(ProtocolError, match=message):
        load_protocol(protocol_name(tmp_path / "mine.py"), "{{ question }}", file=tmp_path / "mine.py")
