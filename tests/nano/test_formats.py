"""Pages of the other formats: read by the protocols they are for, by the tokenizer, and by the search for leaks."""

import hashlib
import random
import re
from itertools import islice
from pathlib import Path

import pytest

from tests.pipeline.stages.test_leaks import ignore, pool_with
from toolkit.corpora.decontamination import LeakError
from toolkit.domains.mathematics import DOMAIN, FAMILIES, generate, parse
from toolkit.domains.stream import split_of
from toolkit.nano import formats
from toolkit.nano.formats import EXAMPLES, FORMATS, PROMPTS, VARIABLES, Reading, lacking, page
from toolkit.nano.tokenizer import build_tokenizer, longest, unreadable
from toolkit.nano.training_texts import EASY_FIRST, teacher_texts
from toolkit.nano.vocabulary import ASSISTANT, END, USER, vocabulary
from toolkit.pipeline.stages.models import scan
from toolkit.prompt import contents
from toolkit.protocols import critique_guided, load_protocol, load_question_protocol, self_refine
from toolkit.protocols.contract import variables_of
from toolkit.protocols.reading import numbered, numbered_items, tagged
from toolkit.teachers.completion import Completion

LEARNER = DOMAIN.learner
assert LEARNER
ALL = ("solve", "review", "refine", "vary")
MADE = {"similar": {"style": "similar"}, "continue": {"examples": EXAMPLES, "asked": 1}}  # step -> options


def completion(text: str) -> Completion:
    return Completion(text, "stop", 1, 1, "t")


def pages(name: str, count: int = 1500) -> list[tuple[str, str]]:
    rng = random.Random(1)
    questions = islice(generate("train", 9), count)
    return [FORMATS[name](Reading(DOMAIN, LEARNER, question, (), None), rng) for question in questions]


def of_step(name: str, beginning: str) -> list[tuple[str, str]]:
    found = [made for made in pages(name) if made[0].startswith(f"{beginning}:\n")]
    assert len(found) > 400
    return found


def solved(question: str, solution: str) -> bool:
    asked = parse(question)
    return asked is not None and solution.endswith(f"\\boxed{{{asked.answer}}}")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_with_solving_alone_nothing_changes() -> None:
    """Keep what version 1.0.0 made, as its texts and tokenizers hash."""
    plain = list(islice(teacher_texts(0), 1000))
    assert plain == list(islice(teacher_texts(0, formats=("solve",)), 1000))
    assert digest("\n".join(plain)) == "c25ceea16ae67a69"
    assert digest(build_tokenizer().backend_tokenizer.to_str()) == "13d7566f303c12d1"
    assert digest(build_tokenizer("physics").backend_tokenizer.to_str()) == "ccbb7912e15d3d81"
    assert vocabulary("mathematics") == vocabulary("mathematics", ("solve",))
    assert longest(("solve",)) == build_tokenizer().model_max_length == 256


@pytest.mark.parametrize("name", FORMATS)
def test_the_vocabulary_is_appended_to_and_reads_all_pages(name: str) -> None:
    chosen = ("solve", name)
    pieces, known = vocabulary("mathematics", chosen), vocabulary("mathematics")
    assert pieces[: len(known)] == known and set(pieces) > set(known) and len(set(pieces)) == len(pieces)
    tokenizer = build_tokenizer("mathematics", chosen)
    texts = list(islice(teacher_texts(5, formats=chosen), EASY_FIRST, EASY_FIRST + 3000))
    assert unreadable(tokenizer, texts) == []
    for text in texts[-200:]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_pages_leave_room_for_longer_answers() -> None:
    tokenizer = build_tokenizer("mathematics", ALL)
    lengths = map(len, tokenizer(list(islice(teacher_texts(2, formats=ALL), 6000)))["input_ids"])
    assert max(lengths) < 180 and longest(ALL) == tokenizer.model_max_length == 512


def test_solving_has_half_of_the_texts_and_the_formats_equal_parts_of_the_rest() -> None:
    texts = [text.removeprefix(USER) for text in islice(teacher_texts(1, formats=ALL), 12_000)]
    named = [text.partition(":\n")[0] for text in texts]
    shares = {name: named.count(name) / len(texts) for name in ("Review", "Critique", "Refine", "Vary", "Continue")}
    assert shares["Review"] == pytest.approx(1 / 6, abs=0.015)
    assert all(share == pytest.approx(1 / 12, abs=0.015) for name, share in shares.items() if name != "Review")


def test_self_refine_reads_every_review() -> None:
    satisfied = 0
    for read, answer in of_step("review", "Review"):
        _, question, attempt = read.split("\n", 2)
        draft, right = self_refine.rewritten(completion(answer)), self_refine.is_satisfied(answer)
        assert right == solved(question, attempt) == (draft is None)
        assert draft is None or solved(question, draft.text)
        satisfied += right
    assert 0.45 < satisfied / 1500 < 0.55


def test_critique_guided_reads_every_critique_and_its_refinement() -> None:
    for read, answer in of_step("refine", "Critique"):
        _, question, attempt = read.split("\n", 2)
        assert critique_guided.conclusion(answer) == ("right" if solved(question, attempt) else "wrong")
    for read, answer in of_step("refine", "Refine"):
        _, question, rest = read.split("\n", 2)
        attempt = rest[: rest.index("}") + 1]  # to the end of its box
        assert critique_guided.conclusion(read) == ("right" if solved(question, attempt) else "wrong")
        assert solved(question, answer)


def test_question_protocols_read_every_new_question() -> None:
    order, far = list(FAMILIES), 0
    for read, answer in of_step("vary", "Vary"):
        text, reason = tagged(completion(answer), "question")
        new, old = parse(text), parse(read.split("\n")[1])
        assert not reason and new and old and abs(order.index(new.family) - order.index(old.family)) <= 1
        far += new.family != old.family
    assert far > 200
    for read, answer in of_step("vary", "Continue"):
        shown = read.split("\n")[1 : EXAMPLES + 1]
        (text,) = numbered_items(answer, EXAMPLES + 1)
        assert parse(text) and "\n".join(shown) == numbered([line.partition(" ")[2] for line in shown])


@pytest.mark.parametrize(
    ("protocol", "steps"), [("self_refine", ["review"]), ("critique_guided", ["critique", "refine"])]
)
def test_a_protocol_with_these_prompts_asks_as_the_pages_do(protocol: str, steps: list[str]) -> None:
    made = load_protocol(protocol, "{{ question }}", prompts={step: PROMPTS[step] for step in steps})
    for step in steps:
        assert set(variables_of(made.steps[step])) == set(VARIABLES[step])
        texts = dict.fromkeys(VARIABLES[step], "1 + 1?") | ({"exchange": ""} if step == "review" else {})
        assert contents(made.steps[step](**texts)) == formats.prompt(step, **texts)


@pytest.mark.parametrize("step", MADE)
def test_question_protocols_with_these_prompts_ask_as_the_pages_do(step: str) -> None:
    name = "self_instruct" if step == "continue" else "question_augmentation"
    made = load_question_protocol(name, "{{ question }}", MADE[step], prompts={step: PROMPTS[step]})
    texts = dict.fromkeys(VARIABLES[step], "4")
    assert contents(made.steps[step](**texts)) == formats.prompt(step, **texts)


def test_a_later_review_reads_no_earlier_one() -> None:
    texts = {"question": "1 + 1?", "attempt": "2"}
    assert formats.prompt("review", **texts, exchange="Review 1: wrong") == formats.prompt(
        "review", **texts, exchange=""
    )


def test_pages_are_of_the_families_and_numbers_that_are_asked_for() -> None:
    for text in islice(teacher_texts(0, ("sum3", "sum4"), 12, formats=ALL), EASY_FIRST - 500, EASY_FIRST + 1500):
        for line in re.findall(r"(?:^|<question>|\d\. )([A-Z][^\n]*?\?)", text.replace(USER, ""), re.MULTILINE):
            question = parse(line)
            assert question and question.family in ("sum3", "sum4") and max(question.numbers) <= 12
            assert split_of(question.numbers) == "train"


def test_a_single_family_has_no_other_beside_it() -> None:
    question = next(generate("train", 0, ("sum3",), 5))
    rng = random.Random(0)
    answers = [page(DOMAIN, question, ("solve", "vary"), rng, ("sum3",), 5)[1] for _ in range(50)]
    assert all("\\boxed" in answer or "have together?" in answer for answer in answers)


def test_domains_without_mistakes_learn_to_solve_alone() -> None:
    assert lacking("physics", ALL) == lacking("stem", ALL) == list(ALL[1:])
    assert lacking("mathematics", ALL) == lacking("stem", ("solve",)) == []


OPTIONS = {"steps": 96, "learning_rate": 1e-3, "families": ("sum3", "sum4"), "largest": 30, "formats": ALL}


def test_pages_hold_no_question_of_another_split(tmp_path: Path) -> None:
    held_out = [question.text for question in islice(generate("dev", 0, ("sum3", "sum4"), 30), 500)]
    assert scan(pool_with(tmp_path, dev=held_out), {"teacher": OPTIONS}, True, ignore)["teacher"] > 96 * 16 * 2


@pytest.mark.parametrize("beginning", ["Review:\n", "Critique:\n", "Refine:\n", "Vary:\n", "Continue:\n1. "])
def test_a_question_in_a_page_is_found(tmp_path: Path, beginning: str) -> None:
    texts = islice(teacher_texts(0, ("sum3", "sum4"), 30, formats=ALL), 1000)
    text = next(text for text in texts if text.startswith(USER + beginning))
    line = text.removeprefix(USER + beginning).split("\n")[0].split(ASSISTANT)[0]
    with pytest.raises(LeakError, match="dev0"):
        scan(pool_with(tmp_path, dev=[line]), {"teacher": OPTIONS}, True, ignore)


def test_a_question_in_an_answer_is_found(tmp_path: Path) -> None:
    texts = islice(teacher_texts(0, ("sum3", "sum4"), 30, formats=ALL), 1000)
    text = next(text for text in texts if text.startswith(f"{USER}Vary:\n"))
    line = text.split("<question>")[1].removesuffix(f"</question>{END}")
    with pytest.raises(LeakError, match="dev0"):
        scan(pool_with(tmp_path, dev=[line]), {"teacher": OPTIONS}, True, ignore)


def test_the_documents_show_these_prompts() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    assert all(f'"{text}"'.replace("\n", "\\n") in page for text in PROMPTS.values())
