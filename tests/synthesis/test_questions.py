"""New questions round by round: what is asked, what a rerun asks again, where it ends, and what depends on no order."""

import asyncio
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from toolkit.corpora.decontamination import leak_finder
from toolkit.prompt import contents, user_turn
from toolkit.protocols import ProtocolError, load_protocol, load_question_protocol
from toolkit.protocols.contract import NewQuestion, Question, QuestionProtocol
from toolkit.recipe.protocol_file import protocol_name
from toolkit.synthesis import questions
from toolkit.synthesis.executions import step_seed
from toolkit.synthesis.journal import Journal, JournalError, read_journal
from toolkit.synthesis.questions import SYNTHESIS, SynthesisError, synthesise_questions
from toolkit.synthesis.spending import Prices
from toolkit.teachers.completion import Completion, TeacherError, Transient

SEEDS = [Question(f"s{place}", f"What is {place} + 1?") for place in range(4)]
NOBODY = None  # no teacher: a run that asks anything fails on it


async def synthesise(ask, seeds, index):
    """Ask for a draft, then for the question; each reads how many questions were made before."""
    seed = seeds.given[index % len(seeds.given)]
    draft = await ask("draft", question=seed.text, made=str(len(seeds.made)))
    text = (await ask("finish", draft, draft=draft.text)).text
    parents = (seed.question_id, *(made.question_id for made in seeds.made[-1:]))
    return [NewQuestion(part, parents) for part in text.split("|")]


STEPS = {
    "draft": lambda *, question, made: user_turn(f"{made} before; draft: {question}"),
    "finish": lambda *, draft: user_turn(f"finish: {draft}"),
}
PROTOCOL = QuestionProtocol(STEPS, synthesise, calls_per_round=3, name="mine")


class Asked:
    """Answers by `script(prompt, seed)`; each answer takes a random while where `chance` is given."""

    model = "asked@1"

    def __init__(self, script, chance=None, concurrency=4):
        self.script, self.chance, self.concurrency, self.read = script, chance, concurrency, []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def complete(self, messages, seed):
        await asyncio.sleep(self.chance.random() * 0.01 if self.chance else 0)
        self.read.append(contents(messages))
        said = self.script(contents(messages), seed)
        if isinstance(said, BaseException):
            raise said
        return said if isinstance(said, Completion) else Completion(said, "stop", 10, 2, self.model)


def numbers(prompt, seed):
    """Bring two questions with numbers of their own."""
    return f"What is {seed} - 2?|Is {seed} odd?" if "finish" in prompt else f"draft {seed}"


def run(path, teacher, protocol=PROTOCOL, wanted=12, held_out=lambda text: False, **options):
    with Journal(path) as journal:
        settings = {"wanted": wanted, "held_out": held_out, "sampling_seed": 1, "report": lambda _: None} | options
        return synthesise_questions(journal, SEEDS, teacher, protocol, **settings)


def test_each_round_reads_what_earlier_rounds_kept(tmp_path):
    teacher = Asked(numbers)
    made = run(tmp_path / "rows", teacher)
    assert [(row.round, row.call) for row in made.questions] == [(call // 3, call) for call in range(6) for _ in "ab"]
    before = Counter(text.partition(" before")[0] for text in teacher.read if "before" in text)
    assert before == {"0": 3, "6": 3}
    first, last = made.questions[0], made.questions[-1]
    assert first.parents == ("s0",) and last.parents == ("s1", made.questions[5].question_id)
    assert first.question_id.startswith("new-") and len({row.question_id for row in made.questions}) == 12
    assert (first.protocol, made.dropped, made.failed, made.stopped) == ("mine", [], [], "")


def test_the_journal_has_the_steps_of_each_call_under_the_reserved_id(tmp_path):
    run(tmp_path / "rows", Asked(numbers), wanted=1)
    rows = list(read_journal(tmp_path / "rows"))
    assert {row.question_id for row in rows} == {SYNTHESIS} and {row.index for row in rows} == {0, 1, 2}
    draft, finish, call = (row for row in rows if row.index == 2)
    assert (draft.step, finish.step, finish.parents, call.final) == ("draft", "finish", ("draft:0",), True)
    assert draft.seed == step_seed(1, SYNTHESIS, 2, "draft", 0)


def test_order_and_result_depend_on_no_arrival(tmp_path):
    results = [
        run(tmp_path / str(draw), Asked(numbers, random.Random(draw), concurrency), wanted=20)
        for draw, concurrency in enumerate((1, 2, 3, 8, 8))
    ]
    assert all(result == results[0] for result in results)
    lines = [sorted((tmp_path / str(draw)).read_bytes().splitlines()) for draw in range(5)]
    assert all(line == lines[0] for line in lines)


def test_a_rerun_asks_nobody_and_a_larger_number_goes_on(tmp_path):
    whole = run(tmp_path / "whole", Asked(numbers), wanted=18)
    small = run(tmp_path / "rows", Asked(numbers), wanted=7)
    assert len(small.questions) == 7 and [row.reason for row in small.dropped] == ["not needed"] * 5
    assert run(tmp_path / "rows", NOBODY, wanted=7) == small
    grown = Asked(numbers)
    assert run(tmp_path / "rows", grown, wanted=18) == whole and whole.questions[:7] == small.questions
    assert len(grown.read) == 6  # the steps of the third round


def test_another_threshold_sifts_the_journal_and_asks_nobody(tmp_path):
    def written(prompt, seed):
        texts = [f"Ann has {seed % 7} pens and {name} cups, what now?" for name in "abcd"]
        return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 5))

    def protocol(most):
        options = {"max_similarity": most, "calls_per_round": 8, "examples": 4, "machine": 0}
        return load_question_protocol("self_instruct", "{{ question }}", options)

    loose = run(tmp_path / "rows", Asked(written), protocol(0.95), wanted=20)
    strict = run(tmp_path / "rows", NOBODY, protocol(0.5), wanted=4)
    assert len(strict.questions) == 4 and {row.reason for row in strict.dropped} >= {"similar"}
    assert run(tmp_path / "rows", NOBODY, protocol(0.95), wanted=20) == loose


def test_a_question_of_the_test_set_is_dropped_before_any_answer(tmp_path):
    held_out = leak_finder({"t1": "What is the sum of eleven and twelve in base ten?"})

    def leaking(prompt, seed):
        leaked = "what is the SUM of eleven, and twelve in base ten" if seed % 2 else "Is it?"
        return f"{leaked}|How many are {seed}?" if "finish" in prompt else "draft"

    made = run(tmp_path / "rows", Asked(leaking), wanted=8, held_out=held_out)
    reasons = Counter(row.reason for row in made.dropped)
    assert reasons["held out"] and not any(held_out(row.question) for row in made.questions)
    assert sum(count.dropped["held out"] for count in made.counts) == reasons["held out"]


def test_what_seeds_and_earlier_rounds_have_is_no_new_question(tmp_path):
    def repeating(prompt, seed):
        return f"What is 0  + 1?|Always this.|Is it {seed}?" if "finish" in prompt else "draft"

    made = run(tmp_path / "rows", Asked(repeating), wanted=7)
    assert [count.accepted for count in made.counts] == [4, 3]
    assert [count.dropped["duplicate"] for count in made.counts] == [5, 6]


def test_a_call_that_fails_is_counted_and_can_be_made_again(tmp_path):
    refused = Completion("", "error", 0, 0, "asked@1", "422: too long")
    first = step_seed(1, SYNTHESIS, 0, "finish", 0)
    tries = Counter()

    def failing(prompt, seed):
        tries[seed] += 1
        if seed % 3 == 0 and tries[seed] == 1:
            return Transient("503")
        return refused if seed == first else numbers(prompt, seed)

    made = run(tmp_path / "rows", Asked(failing), wanted=8)
    assert made.failed == [(0, "422: too long")]
    assert [count[1:5] for count in made.counts] == [(3, 1, 4, 4), (3, 0, 6, 4)]
    assert "3 calls (1 failed), 4 candidates, 4 kept" in str(made.counts[0])
    again = Asked(numbers)
    whole = run(tmp_path / "rows", again, wanted=10, errors=True)
    assert len(again.read) == 1 and not whole.failed and len(whole.questions) == 10


def test_a_teacher_that_brings_nothing_but_errors_ends_it(tmp_path):
    refused = Completion("", "error", 0, 0, "asked@1", "422: too long")
    with pytest.raises(TeacherError, match="answered none of the first 3 requests"):
        run(tmp_path / "rows", Asked(lambda prompt, seed: refused))
    assert not list(read_journal(tmp_path / "rows"))


def test_a_largest_cost_holds_over_all_rounds(tmp_path):
    prices = Prices(prompt=0.0, completion=1e6, max_tokens=2)
    stopped = run(tmp_path / "rows", Asked(numbers), wanted=60, prices=prices, max_cost=30.0)
    assert stopped.stopped and [count.calls for count in stopped.counts] == [3, 3] and len(stopped.questions) == 12
    with Journal(tmp_path / "rows") as journal:
        assert sum(usage.completion_tokens for usage in journal.ledger.values()) <= 30
    whole = run(tmp_path / "rows", Asked(numbers), wanted=60)
    assert whole == run(tmp_path / "whole", Asked(numbers), wanted=60) and not whole.stopped


def test_rounds_that_bring_nothing_end_it_with_the_counts_and_the_remedy(tmp_path):
    def once(prompt, seed):
        return "Always this." if "finish" in prompt else "draft"

    with pytest.raises(SynthesisError) as first:
        run(tmp_path / "rows", Asked(once), wanted=9)
    assert str(first.value) == (
        "protocol mine: 0 of 33 candidates of the last 33 calls were kept (dropped: 33 duplicate; 0 calls failed), and "
        "1 of 9 new questions are there; loosen what drops most, give more seeds, or ask for 1 at most"
    )
    with pytest.raises(SynthesisError) as second:
        run(tmp_path / "rows", NOBODY, wanted=9)
    assert str(first.value) == str(second.value)
    assert len(run(tmp_path / "rows", NOBODY, wanted=1).questions) == 1


def test_a_survival_that_would_never_be_enough_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "MOST_CALLS", 200)
    seen = []

    def rarely(prompt, seed):
        if "finish" not in prompt:
            return "draft"
        seen.append(seed)
        return f"Number {seed}?" if len(seen) % 11 == 1 else "Always this."

    with pytest.raises(SynthesisError, match=r"about \d+ more calls would be needed, of 200 at most; loosen"):
        run(tmp_path / "rows", Asked(rarely, concurrency=1), wanted=90)
    with pytest.raises(SynthesisError, match="202 calls are more than a journal holds"):
        run(tmp_path / "more", NOBODY, PROTOCOL._replace(calls_per_round=202))


def test_a_damaged_call_is_named(tmp_path):
    run(tmp_path / "rows", Asked(numbers))
    (tmp_path / "rows").write_bytes((tmp_path / "rows").read_bytes().replace(b'[{\\"text', b'[{\\"txet', 1))
    with pytest.raises(JournalError, match=r"rows: call \d: no list of new questions: .*; remove the line"):
        run(tmp_path / "rows", NOBODY)


@pytest.mark.parametrize("text", ["\ud800 odd", "√2 · π ≤ 3?", '"quoted" \\ {{ x }} \u2028 end'])
def test_any_text_comes_through_the_journal(tmp_path, text):
    made = run(tmp_path / "rows", Asked(lambda prompt, seed: text), wanted=1)
    assert run(tmp_path / "rows", NOBODY, wanted=1) == made
    assert made.questions[0].question == text.replace("\ud800", "?")


def test_what_cannot_be_begun_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 new questions of 4 seeds: there must be at least one of each"):
        run(tmp_path / "rows", NOBODY, wanted=0)
    with Journal(tmp_path / "rows") as journal, pytest.raises(ValueError, match="has the id 'synthesis'"):
        settings = {"wanted": 1, "held_out": bool, "sampling_seed": 1, "report": print}
        synthesise_questions(journal, [Question(SYNTHESIS, "?")], NOBODY, PROTOCOL, **settings)


def test_failed_evolutions_are_evolved_again_as_they_were(tmp_path):
    def evolving(prompt, seed):
        if "Compare two questions" in prompt:
            return f"Verdict: {'equal' if seed % 2 else 'different'}"
        return f"<question>What is {seed} in words, please?</question>" if "<question>" in prompt else "It is 3."

    protocol = load_question_protocol("evol_instruct", "{{ question }}")
    made = run(tmp_path / "rows", Asked(evolving), protocol, wanted=6)
    assert made.counts[0].calls == len(SEEDS) and {row.reason for row in made.dropped} <= {"equal", "not needed"}
    last = {f"s{place}": f"s{place}" for place in range(4)}  # seed -> its evolution that was kept last
    both = sorted([*made.questions, *made.dropped], key=lambda row: row.call)
    for row in both:
        seed = f"s{row.call % 4}"
        assert row.parents == (last[seed],)
        last[seed] = row.question_id if row in made.questions else last[seed]
    assert any(row.parents[0].startswith("new-") for row in both)


def test_the_protocol_that_the_documents_show_makes_questions(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "QuestionProtocol" in block)
    file = tmp_path / "mine.py"
    file.write_text(code, encoding="utf-8")
    protocol = load_question_protocol(protocol_name(file), "{{ question }}", file=file)
    made = run(tmp_path / "rows", Asked(lambda prompt, seed: f"{prompt} {seed}\n{'long ' * 200}"), protocol, wanted=5)
    assert [row.protocol for row in made.questions] == ["mine"] * 5 and made.counts[0].dropped["long"] == 8
    with pytest.raises(ProtocolError, match=r"mine\.py: makes new questions, where responses are wanted"):
        load_protocol(protocol_name(file), "{{ question }}", file=file)
