import pytest

from toolkit.keys import RENAMED
from toolkit.recipe.files import RecipeError, known_recipes
from toolkit.recipe.load import load_recipe, load_run
from toolkit.recipe.sections import HOME, SECTIONS

GOOD = "title: T\npool: mathematics\n"
PAIRS = "pool: m\nobjective: redi\nbudgets: [2, 4]\nheld_out: null\nfit_max: null"


@pytest.fixture
def recipe(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / "mine.yaml"

    return write


def test_every_field_belongs_to_one_section():
    assert len(HOME) == sum(len(cls.__dataclass_fields__) for cls in SECTIONS)


SHIPPED = [path.stem.split(".") for path in next(iter(known_recipes().values())).parent.glob("*.yaml")]


@pytest.mark.parametrize("parts", SHIPPED, ids=".".join)
def test_every_recipe_that_ships_is_valid_in_every_profile(parts):
    assert load_run(*parts).recipe.title


def test_yaml_numbers_of_every_form_are_numbers(recipe):
    assert load_recipe(recipe(GOOD + "learning_rate: 6e-3\nlora_alpha: 8")).student.learning_rate == 0.006


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pool: m\nstep: 4", r"mine\.yaml: step: unknown key; did you mean steps\?"),
        ("pool: m\nxyzzy: 4", r"mine\.yaml: xyzzy: unknown key; the closest are (\w+, ){4}\w+; docs/recipes"),
        ("pool: m\nprotocol: shorten", r"protocol: .*'critique_guided'.*, or a file of yours, \./shorten\.py"),
        (f"pool: {'m' * 300}", "pool: must name a file, a folder or a repo: at most 255 bytes between slashes"),
        (f"pool: m\nextends: {'9' * 300}", "extends: takes the name of a recipe, not '999"),
        ("pool: m\nprotocol: two words", r"protocol: .*'critique_guided'.*, not 'two words'"),
        ("pool: m\nsteps: '4'", r"mine\.yaml: steps: .*integer.*'4'"),
        ("pool: m\nsteps: 0", r"steps: .*greater than or equal to 1.*0"),
        ("pool: m\nsteps: true", r"steps: .*integer.*True"),
        ("pool: m\nbudgets: [0, 1]", r"budgets: .*greater than or equal to 1"),
        ("pool: m\nbudgets: [2, 1]", r"budgets: must grow"),
        ("pool: m\nbudgets: []", r"budgets: must grow"),
        ("pool: m\nmethod: lorra", r"method: .*'lora' or 'full'.*'lorra'"),
        ("pool: m\nlearning_rate: .nan", r"learning_rate: "),
        ("pool: m\ntop_p: 1.5", r"top_p: .*less than or equal to 1"),
        ("pool: m\npool_sizes: [512, 256]", r"pool_sizes: must grow"),
        ("pool: m\nladder_questions: 300", r"ladder_questions: must be one of pool_sizes \(256, 512, 1024\)"),
        ("pool: m\neval_samples: 8", r"eval_samples: above 1 needs eval_temperature above 0"),
        ("pool: m\nheld_out: 5", r"held_out: must be one of the budgets"),
        ("pool: m\nfit_max: 32", r"fit_max: must be below held_out"),
        ("pool: m\nbudgets: [1, 2, 32]", r"fit_max: a law needs at least 4 budgets up to fit_max"),
        ("pool: m\nreplicates: [0, 0]", r"replicates: must be distinct"),
        ("pool: m\ncounting: accepted\nmax_draws: 16", r"max_draws: must reach the largest budget \(32\)"),
        ("pool: m\ncounting: adaptive", r"budgets: counting adaptive takes one budget"),
        ("pool: m\ncounting: adaptive\nbudgets: [32]", r"held_out: must be null where counting is adaptive"),
        ("pool: m\nteacher: a/b\nserver: tgi", r"teacher_revision: missing; an endpoint's teacher is known by"),
        ("pool: m\nserver: tgi\nurls: ['http://a']", r"server: urls and server: name only one"),
        ("pool: m\nurls: ['ftp://a']", r"urls: .*pattern"),
        ("pool: m\nserver: endpoint", r"instance: missing: vendor/region/type/size"),
        ("pool: m\nprompt: Solve it.", r"prompt: must have \{\{ question \}\} in it"),
        ("pool: m\nstop: ['']", r"stop: an empty text would end every response at once"),
        ("pool: m\nresponse_pattern: '(a)(b)'", r"response_pattern: must be a regular expression with one group"),
        ("pool: m\nresponse_pattern: '(a'", r"response_pattern: must be a regular expression with one group"),
        ("pool: m\nrules: {law_level: 90}", r"mine\.yaml: rules: must lie between 0 and 1 .*, not law_level 90"),
        (
            "pool: m\nrules: {law_levl: 0.9}",
            r"mine\.yaml: rules: there is no setting law_levl; there are level, .*law_level",
        ),
        ("pool: m\nrules: {question_prices: 0.5}", r"rules: there is no setting question_prices"),
        (
            "pool: m\nrules: {shift_sd: 0}",
            r"mine\.yaml: rules: must lie between 0 and 1 .*; shift_sd above 0\), not shift_sd 0",
        ),
        ("pool: m\ndecide: [bound, bound]", r"mine\.yaml: decide: must be distinct"),
        (
            "pool: m\ndecide: [law]\nheld_out: null",
            r"mine\.yaml: decide: law .*: name it as held_out, or leave law out",
        ),
        ("pool: m\ndecide: [expansion]", r"mine\.yaml: decide: expansion compares .*: name two subsets or more"),
        (
            "pool: m\ndecide: [mixture]\nsubsets: [256, 1024]\nbudgets: [1, 3, 5, 7, 9]\nheld_out: 9\nfit_max: 7",
            r"mine\.yaml: decide: mixture compares .* share a total",
        ),
        (
            "pool: m\ndecide: [saturation]\ncounting: accepted",
            r"mine\.yaml: decide: saturation reads every draw .*: counting must be sampled",
        ),
        ("pool: m\nobjective: ppo", r"mine\.yaml: objective: .*'sft', 'dpo' or 'redi'.*'ppo'"),
        (
            "pool: m\nobjective: dpo",
            r"budgets: objective dpo compares two responses .*: begin the budgets at 2 or more",
        ),
        (PAIRS + "\nbatch_size: 5", r"mine\.yaml: batch_size: must be even with objective redi.*, not 5"),
        (PAIRS + "\nsteps: 200", r"preference_steps: must be below steps \(200\).*lower them from 200, or raise steps"),
        (PAIRS + "\ncontrol: epochs", r"controls: objective redi divides `steps` .*: controls must be \[steps\]"),
        (PAIRS + "\ncontrols: [steps, epochs]", r"mine\.yaml: controls: objective redi divides `steps`"),
        (PAIRS + "\nnegatives: []", r"negatives: .*at least 1"),
        (PAIRS + "\nnegatives: [failed]", r"negatives: .*'rejected', 'truncated' or 'unparsable'"),
        (PAIRS + "\nnegatives: [rejected, rejected]", r"negatives: must be distinct"),
        (PAIRS + "\nredi_alpha: -1", r"redi_alpha: .*greater than or equal to 0"),
        ("pool: m\nsteps: 3\nsteps: 4", r"mine\.yaml: steps: written twice"),
        ("steps: 3", r"mine\.yaml: pool: missing; every recipe names it"),
        ("- a", r"mine\.yaml: a recipe is a list of `key: value` lines"),
        ("pool: [", r"mine\.yaml: not YAML"),
        ("pool: !!python/object:os.system x", r"mine\.yaml: not YAML"),
    ],
)
def test_a_wrong_recipe_names_file_key_and_remedy(recipe, text, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(recipe(text))


def test_a_profile_overlays_keys_and_its_errors_name_its_file(recipe):
    path = recipe(GOOD + "steps: 10")
    recipe("steps: 20", "mine.paper.yaml")
    assert load_recipe(path).student.steps == 10
    assert load_recipe(path, "paper").student.steps == 20
    recipe("steps: none", "mine.paper.yaml")
    with pytest.raises(RecipeError, match=r"mine\.paper\.yaml: steps:"):
        load_recipe(path, "paper")
    with pytest.raises(RecipeError, match="no profile 'huge'; it has: nano, paper"):
        load_recipe(path, "huge")


def test_a_renamed_key_works_and_is_named_in_one_line(recipe, caplog):
    path = recipe(GOOD + "doubled: [8]\nbudgets: [1, 2, 4, 8, 16, 32]\n")
    recipe("confirm: null\nbudgets: [1, 2, 4, 8, 16, 32]\n", "mine.paper.yaml")
    assert load_run(str(path), "paper").recipe.experiment.double_steps_at == (8,)
    assert sorted(record.getMessage().split("; ")[0] for record in caplog.records) == [
        f"{path.with_name('mine.paper.yaml')}: confirm: the key is now confirm_budget",
        f"{path}: doubled: the key is now double_steps_at",
    ]


@pytest.mark.parametrize("old", RENAMED)
def test_a_renamed_key_is_not_named_twice_in_a_file(recipe, old):
    path = recipe(f"{GOOD}{old}: null\n{RENAMED[old]}: null\n")
    with pytest.raises(RecipeError, match=f"{RENAMED[old]}: written twice, also as {old}; keep {RENAMED[old]}"):
        load_recipe(path)


def test_a_run_selects_a_budget_and_a_replicate(recipe):
    path = str(recipe(GOOD))
    whole, budget, seed = load_run(path), load_run("math-r16"), load_run("math-r16-s2")
    assert whole.whole and whole.budgets == (1, 2, 4, 8, 16, 32) and whole.replicates == (0,)
    assert not budget.whole and (budget.name, budget.budgets, budget.replicates) == ("math-r16", (16,), (0,))
    assert (seed.name, seed.budgets, seed.replicates) == ("math-r16-s2", (16,), (2,))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("mth", "did you mean math"),
        ("mth-r16", "did you mean math"),
        ("zzz", "Known: .*math"),
        ("math-r7", "budget 7 is not in the recipe's ladder; budgets: 1, 2, 3, 4, 6, 8, 12, 16, 32, 64"),
        ("math-r0", "budget 0 is not in the recipe's ladder"),
        ("../../etc/passwd", "no recipe called"),
        ("nowhere.yaml", "no recipe file"),
    ],
)
def test_an_unknown_run_is_answered_with_the_known_ones(run, message):
    with pytest.raises(RecipeError, match=message):
        load_run(run)


def test_a_recipe_file_of_the_working_directory_is_named_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("pool: mathematics\n")
    for run in ("own", "own-r8"):
        with pytest.raises(
            RecipeError, match=r"no recipe called 'own'; to run the file own\.yaml, write \./own\.yaml\."
        ):
            load_run(run)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("temperature: 0.5", "temperature makes another source"),
        ("pool: physics\nteacher_steps: 9", "pool, teacher_steps make another source"),
        ("temperature: 0.5\nrepo: null", ""),
        ("temperature: 0.5\nrepo: local/own", ""),
        ("learning_rate: 0.001\nbudgets: [1, 2, 4, 8, 16, 32, 64, 128]", ""),
    ],
)
def test_another_source_is_not_published_where_the_extended_recipe_publishes(tmp_path, text, refused):
    (tmp_path / "own.yaml").write_text(f"extends: math\n{text}\n")
    if not refused:
        assert load_recipe(tmp_path / "own.yaml").name == "own"
        return
    with pytest.raises(
        RecipeError, match=f"repo: local/fss-math is that of the recipe that own extends, and {refused}"
    ):
        load_recipe(tmp_path / "own.yaml")


def test_a_profile_may_bring_the_repo(tmp_path):
    (tmp_path / "own.yaml").write_text("extends: math\n")
    (tmp_path / "own.paper.yaml").write_text("temperature: 0.5\n")
    with pytest.raises(RecipeError, match="repo: local/fss-math-paper is that"):
        load_recipe(tmp_path / "own.yaml", "paper")
    (tmp_path / "own.paper.yaml").write_text("temperature: 0.5\nrepo: local/own\n")
    assert load_recipe(tmp_path / "own.yaml", "paper").release.repo == "local/own"
