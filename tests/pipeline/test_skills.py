"""Skills of a teacher of several formats: what is counted, from known answers, and where it is said."""

import dataclasses
import io
import json
import random
from types import SimpleNamespace

import pytest

from tests.pipeline.test_keys import keys_of, shipped
from toolkit.boxed import extract_boxed
from toolkit.domains.mathematics import fail, generate, parse, solve
from toolkit.nano.pretrain import NanoSettings, train_teacher
from toolkit.pipeline import skills
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.stages.models import nano_options, refuse_unusable, skill_lines, train_nano
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe, load_run
from toolkit.teachers.completion import Completion
from toolkit.workspace import Workspace

ALL = ("solve", "review", "refine", "vary")
SETTINGS = NanoSettings(steps=1, learning_rate=1e-3, formats=ALL)
RNG = random.Random(0)


def right(question):
    return solve(parse(question), RNG)


class Known:
    """Solves three of four questions; judges what it reads as `judges` says, and rewrites as `rewrites` says."""

    judges = staticmethod(lambda right: right)
    rewrites = staticmethod(lambda question, attempt: right(question))
    varies = staticmethod(lambda question: f"<question>{next(generate('train', len(question))).text}</question>")
    continues = staticmethod(lambda: "4. Solve 2 * x + 3 = 9.")

    def __init__(self, folder, sampling, *, model):
        self.count = 0

    def generate(self, prompts, seeds):
        assert list(seeds) == list(range(len(prompts)))
        return [Completion(self.answer(message["content"]), "stop", 1, 1, "t") for (message,) in prompts]

    def answer(self, text):
        name, _, rest = text.partition(":\n")
        question, _, attempt = rest.partition("\n")
        if not rest:
            self.count += 1
            return right(text) if self.count % 4 else fail(parse(text), RNG).attempt
        if name in ("Vary", "Continue"):
            return self.varies(question) if name == "Vary" else self.continues()
        fine = self.judges(extract_boxed(attempt) == parse(question).answer)
        if name == "Critique":
            return f"So.\nConclusion: {'right' if fine else 'wrong'}"
        if name == "Refine":
            return self.rewrites(question, attempt)
        said = "Every step is right." if fine else "That is wrong."
        return f"{said}\nSolution:\n{attempt if fine else self.rewrites(question, attempt)}"


def measured(monkeypatch, **methods):
    monkeypatch.setattr(
        skills, "LocalTeacher", type("Other", (Known,), {k: staticmethod(v) for k, v in methods.items()})
    )
    return skills.measure_skills(None, SETTINGS)


def test_a_perfect_critic_leaves_right_answers_alone_and_corrects_wrong_ones(monkeypatch):
    made = measured(monkeypatch)
    assert made["solve"] == {"right": 0.75}
    perfect = {"right left alone": 1, "right spoilt": 0, "wrong found": 1, "wrong corrected": 1, "right after": 1}
    assert made["review"] == made["refine"] == perfect


def test_a_critic_that_is_always_satisfied_finds_nothing(monkeypatch):
    made = measured(monkeypatch, judges=lambda right: True, rewrites=lambda question, attempt: attempt)
    none = {"right left alone": 1, "right spoilt": 0, "wrong found": 0, "wrong corrected": 0, "right after": 0.75}
    assert made["review"] == made["refine"] == none


def test_a_critic_that_spoils_everything_is_seen(monkeypatch):
    made = measured(monkeypatch, judges=lambda right: False, rewrites=lambda question, attempt: "\\boxed{0}")
    worst = {"right left alone": 0, "right spoilt": 1, "wrong found": 1, "wrong corrected": 0, "right after": 0}
    assert made["review"] == made["refine"] == worst


def test_new_questions_are_read_solved_and_compared(monkeypatch):
    made = measured(monkeypatch)
    assert made["vary"]["readable"] == made["vary"]["solvable"] == 1 > made["vary"]["new"] > 0
    assert made["continue"] == {"readable": 1, "solvable": 1, "new": 1 / 500}
    bad = measured(monkeypatch, varies=lambda question: f"<question>{question}", continues=lambda: "4. Solve it.")
    assert bad["vary"] == {"readable": 0, "solvable": 0, "new": 0}
    assert bad["continue"] == {"readable": 1, "solvable": 0, "new": 0}
    same = measured(monkeypatch, varies=lambda question: f"<question>{question}</question>")
    assert same["vary"] == {"readable": 1, "solvable": 1, "new": 0}


def test_formats_that_were_not_learnt_are_not_measured(monkeypatch):
    monkeypatch.setattr(skills, "LocalTeacher", Known)
    some = dataclasses.replace(SETTINGS, formats=("solve", "vary"))
    assert list(skills.measure_skills(None, some)) == ["solve", "vary", "continue"]


OPTIONS = {"steps": 3, "learning_rate": 1e-3, "rows": 4, "width": 16, "layers": 1, "heads": 2, "feedforward": 32}


def test_a_trained_teacher_says_in_its_facts_what_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(skills, "QUESTIONS", 8)
    monkeypatch.setattr(skills, "LONGEST", 8)
    facts = train_nano("teacher", OPTIONS | {"formats": ALL}, tmp_path / "all", lambda done, total: None)
    assert json.loads(json.dumps(facts))["skills"]["solve"] == {"right": 0.0}
    assert skill_lines(facts["skills"])[0] == "solve: right 0.0%"
    assert facts["skills"] == skills.measure_skills(tmp_path / "all", NanoSettings(**OPTIONS, formats=ALL))
    assert train_nano("teacher", OPTIONS, tmp_path / "one", lambda done, total: None) == {"role": "teacher"}
    base = train_nano("base", OPTIONS | {"formats": ALL}, tmp_path / "base", lambda done, total: None)
    assert base == {"role": "base"}
    tokenizers = [(tmp_path / name / "tokenizer.json").read_text() for name in ("all", "one", "base")]
    assert tokenizers[0] == tokenizers[2] != tokenizers[1]


def recipe_of(tmp_path, text):
    (tmp_path / "own.yaml").write_text(f"title: Own\npool: mathematics\nfit_max: null\nheld_out: null\n{text}\n")
    return tmp_path / "own.yaml"


def test_more_formats_change_the_keys_of_teacher_and_base_alone(tmp_path):
    run = shipped("math")
    taught = dataclasses.replace(run.recipe.teacher, teacher_formats=("solve", "review"))
    recipe = dataclasses.replace(run.recipe, teacher=taught, teachers={"nano": taught})
    changed, before = keys_of(dataclasses.replace(run, recipe=recipe)), keys_of(run)
    assert {name for name in before if changed[name] != before[name]} == {"teacher", "base", "recipe.yaml"}
    job = SimpleNamespace(recipe=recipe)
    assert {nano_options(job, role)["formats"] for role in ("teacher", "base")} == {("solve", "review")}


@pytest.mark.parametrize("given", ["[]", "[review]", "[solve, solve]", "[solve, translate]"])
def test_formats_that_cannot_be_are_refused_when_the_recipe_is_read(tmp_path, given):
    with pytest.raises(RecipeError, match="teacher_formats"):
        load_recipe(recipe_of(tmp_path, f"teacher_formats: {given}"))


def test_a_domain_without_mistakes_refuses_formats_before_any_work(tmp_path):
    path = recipe_of(tmp_path, "teacher_formats: [solve, vary]")
    path.write_text(path.read_text().replace("pool: mathematics", "pool: physics"))
    job = Context(load_run(str(path)), Workspace(tmp_path / "w", print), None, Progress(io.StringIO()))
    with pytest.raises(StageError, match=r"teacher_formats: vary: .* learns only \[solve\] from the domain physics"):
        refuse_unusable(job, None, None, ["teacher"])


def test_a_teacher_trained_alone_is_the_one_of_before(tmp_path):
    for name, more in (("a", {}), ("b", {"formats": ("solve",)})):
        train_teacher(NanoSettings(**OPTIONS, **more), tmp_path / name)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "ab")
    assert first == second
