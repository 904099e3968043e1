"""Check what no single key of a recipe shows: how budgets, subsets, seeds, teacher, law and decisions fit together."""

import dataclasses
import itertools
from collections.abc import Collection
from pathlib import Path

from pydantic_core import PydanticCustomError

from toolkit.doors import QUESTION_PROTOCOLS
from toolkit.patterns import Pattern, PatternError
from toolkit.prompt import prompt_writer
from toolkit.recipe.decision_rules import DecisionRules, out_of_range
from toolkit.recipe.sections import HOME, Pool, Recipe, Serving, Student, Teacher
from toolkit.recipe.validators import name_of_a_repo
from toolkit.text import listed

Rule = tuple[str, bool, str]  # key, whether it holds, what must hold
Rules = list[Rule]
BOXED = "boxed"  # an `answer_pattern` by name
NANO = "nano"  # a teacher that is trained on the spot
BESIDE = ("results", "teacher", "base")  # what else a run publishes beside its dataset
SOURCE = ("pool", "teacher", "sampling")  # sections whose keys make another source


def rules(recipe: Recipe) -> Rules:
    """List every rule, in the order in which a broken one is reported."""
    return [
        *_ladder_rules(recipe),
        *_experiment_rules(recipe),
        *_arm_rules(recipe),
        *_teacher_rules(recipe),
        *_student_rules(recipe),
        *_mistakes_rules(recipe),
        *_law_rules(recipe),
        *_decision_rules(recipe),
        _repo_rule(recipe),
    ]


def _ladder_rules(recipe: Recipe) -> Rules:
    ladder, sizes = recipe.ladder, recipe.pool.pool_sizes
    adaptive = ladder.counting == "adaptive"
    return [
        ("budgets", _grows(ladder.budgets), f"must grow from rung to rung, not {listed(ladder.budgets)}"),
        ("budgets", not adaptive or len(ladder.budgets) == 1, "counting adaptive takes one budget, its cap on draws"),
        ("pool_sizes", _grows(sizes), f"must grow: nested subsets, not {listed(sizes)}"),
        ("ladder_questions", ladder.ladder_questions in sizes, f"must be one of pool_sizes ({listed(sizes)})"),
        (
            "max_draws",
            ladder.counting != "accepted" or ladder.max_draws >= max(ladder.budgets, default=0),
            f"must reach the largest budget ({max(ladder.budgets, default=0)}): a question may need that many draws",
        ),
        (
            "eval_samples",
            recipe.evaluation.eval_samples == 1 or recipe.evaluation.eval_temperature > 0,
            "above 1 needs eval_temperature above 0: greedy answers are all the same",
        ),
    ]


def _teacher_rules(recipe: Recipe) -> Rules:
    teacher, serving, sampling = recipe.teacher, recipe.serving, recipe.sampling
    answer, tested = recipe.pool.answer_pattern, recipe.pool.test_answer_pattern
    keys = [key for key in ("urls", "server", "provider") if getattr(serving, key)]
    by_name = not Path(teacher.teacher).is_dir() and teacher.teacher != NANO
    return [
        (
            keys[-1] if keys else "urls",
            len(keys) < 2,
            f"{' and '.join(keys)}: name only one of them, where the teacher is asked",
        ),
        (
            "teacher_revision",
            bool(teacher.teacher_revision) or not (keys and by_name),
            "missing; an endpoint's teacher is known by its name and revision (a commit, or `main` if it may move)",
        ),
        (
            "teacher_formats",
            "solve" in teacher.teacher_formats and _distinct(teacher.teacher_formats),
            "must be distinct, and solve among them: every protocol asks for an answer first",
        ),
        ("instance", serving.server != "endpoint" or bool(serving.instance), "missing: vendor/region/type/size"),
        _pattern_rule("response_pattern", recipe.verification.response_pattern),
        _pattern_rule("answer_pattern", None if answer == BOXED else answer),
        *_test_column_rules(recipe.pool),
        _pattern_rule("test_answer_pattern", None if tested == BOXED else tested),
        ("prompt", "question" in sampling.prompt, "must have {{ question }} in it"),
        _prompt_rule(sampling.prompt),
        ("stop", all(sampling.stop), "an empty text would end every response at once"),
    ]


def _test_column_rules(pool: Pool) -> Rules:
    elsewhere = pool.test_pool is not None or pool.test_split is not None
    keys = ("test_question_column", "test_answer_column", "test_answer_pattern", "test_unit_column")
    rule = "describes `test_pool` or `test_split`, and neither is set: test questions are in the pool's own columns"
    return [(key, elsewhere or getattr(pool, key) is None, rule) for key in keys]


def _experiment_rules(recipe: Recipe) -> Rules:
    experiment, ladder, subsets = recipe.experiment, recipe.ladder, recipe.subsets
    totals = {questions * budget for questions in subsets for budget in ladder.budgets}
    partial = experiment.totals is not None or experiment.scaled_subsets is not None
    missing = [total for total in experiment.totals or () if total not in totals]
    return [
        ("replicates", _distinct(experiment.replicates), "must be distinct, and at least one"),
        ("controls", _distinct(recipe.controls), "must be distinct, and at least one"),
        (
            "double_steps_at",
            set(experiment.double_steps_at) <= set(ladder.budgets),
            f"must be of budgets ({listed(ladder.budgets)})",
        ),
        ("subsets", _grows(subsets), f"must grow, not {listed(subsets)}"),
        (
            "subsets",
            {ladder.ladder_questions} <= set(subsets) <= set(recipe.pool.pool_sizes),
            f"must be of pool_sizes ({listed(recipe.pool.pool_sizes)}), ladder_questions among them",
        ),
        (
            "scaled_subsets",
            set(experiment.scaled_subsets or ()) <= set(subsets),
            f"must be of subsets ({listed(subsets)})",
        ),
        ("totals", not missing, f"no subset at any budget has {listed(missing)} responses in all"),
        (
            "totals" if experiment.totals else "scaled_subsets",
            not partial or ladder.counting == "sampled",
            "must be null unless counting is sampled: otherwise the number of draws depends on their results",
        ),
    ]


def _arm_rules(recipe: Recipe) -> Rules:
    ladder, arms = recipe.ladder, recipe.arms
    first = arms[recipe.arm] if arms else None
    matched = [arm for arm in arms.values() if arm.ladder.match]
    by_tokens = [arm.sampling.protocol for arm in matched if arm.ladder.match != "samples"]
    alone = ladder.counting == "sampled" and len(ladder.budgets) == 1 and len(recipe.subsets) == 1
    return [
        ("arms", recipe.experiment.arms is None or len(arms) > 1, "must name two arms or more, or be left out"),
        (
            "arms",
            first is None or first.sampling.protocol == "rejection_sampling",
            f"{recipe.arm}: must be plain rejection_sampling: the first arm is what the others are compared with",
        ),
        (
            "match",
            bool(arms) or not ladder.match,
            "compares arms: name them in `arms`, plain rejection sampling first",
        ),
        (
            "arms",
            bool(arms) or recipe.sampling.protocol not in QUESTION_PROTOCOLS,
            f"protocol {recipe.sampling.protocol} makes new questions, and is an arm beside plain rejection_sampling: "
            "name both in `arms`",
        ),
        (
            "match",
            QUESTION_PROTOCOLS.keys().isdisjoint(by_tokens),
            "must be samples, or null, for a protocol that makes new questions",
        ),
        ("match", not matched or alone, "takes one budget of one subset, and counting sampled"),
        *_taught_rules(recipe),
        *_arm_names(recipe),
        ("held_out", not arms or recipe.law.held_out is None, "must be null with arms: there is no ladder to forecast"),
    ]


def _taught_rules(recipe: Recipe) -> Rules:
    """List the rules of arms that name a teacher of their own, and of arms that are matched by what teachers cost."""
    first, own = recipe.arms.get(recipe.arm), [name for name, arm in recipe.arms.items() if arm.teacher]
    rules: Rules = [
        (
            "arms",
            first is None or first.teacher is None,
            f"{recipe.arm}: is the first arm, whose teacher is the recipe's own: set its keys outside of `arms`",
        ),
        ("teachers", not own or len(recipe.teachers) == 1, f"must be left out: arm {listed(own[:1])} names another"),
    ]
    plain = recipe.teacher, recipe.serving
    for name, arm in recipe.arms.items():
        teacher, serving = arm.teacher or recipe.teacher, arm.serving or recipe.serving
        if arm.teacher:
            alone = dataclasses.replace(recipe, teacher=teacher, serving=serving, sampling=arm.sampling)
            rules += [("arms", holds, f"{name}: {key}: {rule}") for key, holds, rule in _teacher_rules(alone)]
        rules += _cost_rules(name, arm.ladder.match, [plain, (teacher, serving)])
    return rules


def _cost_rules(arm: str, match: str | None, teachers: list[tuple[Teacher, Serving]]) -> Rules:
    """List what must be known of both teachers where an arm is matched by what they cost."""
    free = any(not serving.price_prompt + serving.price_completion for _, serving in teachers)
    elsewhere = [
        teacher.teacher for teacher, serving in teachers if not serving.parameters and _is_elsewhere(teacher, serving)
    ]
    return [
        ("match", match != "money" or not free, f"money, of arm {arm}: set price_prompt and price_completion of each"),
        (
            "match",
            match != "compute" or not elsewhere,
            f"compute, of arm {arm}: how large {listed(elsewhere)} is cannot be seen from here: set `parameters`",
        ),
    ]


def _is_elsewhere(teacher: Teacher, serving: Serving) -> bool:
    """Whether the weights of a teacher never come to this machine."""
    served = bool(serving.urls or serving.server or serving.provider)
    return served and teacher.teacher != NANO and not Path(teacher.teacher).is_dir()


def _arm_names(recipe: Recipe) -> Rules:
    """An arm gives its name to a dataset beside the first one's, and beside results and models."""
    repo, others = recipe.release.repo, [arm for arm in recipe.arms if arm != recipe.arm]
    wrong = [arm for arm in others if repo and (arm in BESIDE or not _is_repo(f"{repo}-{arm}"))]
    rule = f"cannot name a dataset beside {repo}: {listed(wrong)}; use letters, digits, '-', '_' and '.', and none of "
    return [("arms", not wrong, rule + listed(BESIDE))]


def _is_repo(name: str) -> bool:
    try:
        return bool(name_of_a_repo(name))
    except PydanticCustomError:
        return False


def _student_rules(recipe: Recipe) -> Rules:
    student, ladder = recipe.student, recipe.ladder
    alone = ladder.counting != "accepted" and min(ladder.budgets, default=2) < 2
    return [
        (
            "controls",
            student.objective == "sft" or set(recipe.controls) == {"steps"},
            f"objective {student.objective} divides `steps` between responses and pairs: controls must be [steps]",
        ),
        (
            "budgets",
            student.objective == "sft" or not alone,
            f"objective {student.objective} compares two responses of a question: begin the budgets at 2 or more",
        ),
        *preference_rules(student),
    ]


def _mistakes_rules(recipe: Recipe) -> Rules:
    """List the rules of arms whose students learn from corrections of their mistakes."""
    own = {name: arm for name, arm in recipe.arms.items() if arm.student.pairs == "mistakes"}
    alone = bool(recipe.arms) or recipe.student.pairs == "responses"
    bases = [base.base for base in recipe.bases.values()]
    rules = [("pairs", alone, "mistakes is for an arm beside plain rejection_sampling: name both in `arms`")]
    for name, (sampling, student, *_) in own.items():
        made = [
            ("protocol", sampling.protocol == "supercorrect", f"must be supercorrect, not {sampling.protocol}"),
            ("objective", student.objective == "dpo", f"must be dpo, not {student.objective}"),
            ("controls", set(recipe.controls) == {"steps"}, "must be [steps], which both stages share"),
            ("double_steps_at", not recipe.experiment.double_steps_at, "must be []"),
            ("bases", len(bases) == 1, f"must be one, not {len(bases)}: students of each would ask the teacher"),
            ("base", NANO not in bases, "must be a model that reads any words: nano knows those of its pool alone"),
            *preference_rules(student),
        ]
        rules += [("arms", holds, f"{name}: with pairs: mistakes, {key} {rule}") for key, holds, rule in made]
    return rules


def preference_rules(student: Student) -> Rules:
    """List the rules of a student that is trained on pairs; one of another objective keeps them all."""
    name, plain = student.objective, student.objective == "sft"
    return [
        (
            "control",
            plain or student.control == "steps",
            f"must be steps with objective {name}, which divides `steps` between responses and pairs",
        ),
        (
            "batch_size",
            plain or student.batch_size % 2 == 0,
            f"must be even with objective {name}, where a pair counts as two responses, not {student.batch_size}",
        ),
        (
            "preference_steps",
            plain or student.preference_steps < student.steps,
            f"must be below steps ({student.steps}), of which they are the last: a student is trained on accepted "
            f"responses before pairs; lower them from {student.preference_steps}, or raise steps",
        ),
        ("negatives", _distinct(student.negatives), "must be distinct, and at least one"),
    ]


def _law_rules(recipe: Recipe) -> Rules:
    ladder, law = recipe.ladder, recipe.law
    sizes = [budget for budget in ladder.budgets if recipe.holds(ladder.ladder_questions, budget)]
    fitted = sum(budget <= (law.fit_max or 0) for budget in sizes)
    confirm, last = law.confirm_budget, law.held_out
    few = f"a law needs at least 4 budgets up to fit_max, and {listed(sizes)} has fewer"
    return [
        (
            "held_out",
            law.held_out is None or ladder.counting != "adaptive",
            "must be null where counting is adaptive: such a corpus is an arm of its own, not a budget of a ladder",
        ),
        ("held_out", law.held_out is None or law.held_out in sizes, f"must be one of the budgets ({listed(sizes)})"),
        (
            "fit_max",
            law.fit_max is None or law.held_out is None or law.fit_max < law.held_out,
            f"must be below held_out ({law.held_out})",
        ),
        ("fit_max", law.held_out is None or fitted >= 4, few),
        (
            "confirm_budget",
            confirm is None or (last is not None and confirm > last and confirm in sizes),
            f"must be one of the budgets ({listed(sizes)}) above held_out ({law.held_out}), or null",
        ),
    ]


def _decision_rules(recipe: Recipe) -> Rules:
    decide, settings, subsets = recipe.decisions.decide, recipe.decisions.rules, recipe.subsets
    known = [name for name, default in vars(DecisionRules()).items() if isinstance(default, float)]
    strange = [name for name in settings if name not in known]
    beyond = [f"{name} {value:g}" for name, value in settings.items() if out_of_range(name, value)]
    totals = [m * r for m in subsets for r in recipe.ladder.budgets if recipe.holds(m, r)]
    routes = [rule for rule in decide if rule in ("expansion", "mixture")]
    return [
        ("decide", len(set(decide)) == len(decide), "must be distinct"),
        (
            "decide",
            "law" not in decide or recipe.law.held_out is not None,
            "law compares a forecast with a budget that was not fitted: name it as held_out, or leave law out",
        ),
        (
            "decide",
            not routes or len(set(totals)) < len(totals),
            f"{listed(routes)} compares subsets at one total of responses: name two subsets or more that share a total",
        ),
        (
            "decide",
            "saturation" not in decide or recipe.ladder.counting == "sampled",
            "saturation reads every draw of every question: counting must be sampled, or leave saturation out",
        ),
        ("rules", not strange, f"there is no setting {listed(strange)}; there are {listed(known)}"),
        (
            "rules",
            not beyond,
            f"must lie between 0 and 1 (.95 is 95 %, .03 is 3 points; shift_sd above 0), not {listed(beyond)}",
        ),
    ]


def _repo_rule(recipe: Recipe) -> Rule:
    """Refuse to publish another source than the extended recipe's under the name that it gives its own."""

    def is_own(key: str) -> bool:
        return recipe.set_in[key].name.startswith(f"{recipe.name}.")  # its own file, or that of a profile

    changed = [key for key in recipe.set_in if is_own(key) and (HOME[key] in SOURCE or key == "teachers")]
    inherited = recipe.release.repo is not None and "repo" in recipe.set_in and not is_own("repo")
    return (
        "repo",
        not (inherited and changed),
        f"{recipe.release.repo} is that of the recipe that {recipe.name} extends, and {listed(changed[:3])} "
        f"{'make' if len(changed) > 1 else 'makes'} another source, which must not be published there: "
        f"add to {recipe.name}.yaml a `repo` of its own, or `repo: null`",
    )


def _distinct(values: Collection[object]) -> bool:
    return len(set(values)) == len(values) > 0


def _pattern_rule(key: str, pattern: str | None) -> Rule:
    try:
        if pattern is not None:
            Pattern(pattern, key)
    except PatternError as error:
        return key, False, f"must be a regular expression with one group: {str(error).removeprefix(f'{key}: ')}"
    return key, True, ""


def _prompt_rule(template: str) -> Rule:
    try:
        prompt_writer(template)
    except ValueError as error:
        return "prompt", False, str(error).removeprefix("prompt: ")
    return "prompt", True, ""


def _grows(values: tuple[int, ...]) -> bool:
    return bool(values) and all(a < b for a, b in itertools.pairwise(values))
