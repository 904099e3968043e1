"""The cells of an experiment, and what they are made of: no draw, file or student twice, and none too many."""

import pytest

from toolkit.corpora.budgets import cell_files, file_name
from toolkit.pipeline.cells import cells_of, corpora_of, corpus_name, drawn_by, most_draws, parts_of, single_runs
from toolkit.pipeline.summary import largest_corpus
from toolkit.pipeline.teacher import embedded_pairs
from toolkit.protocols.orca import STYLES, style_of
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run

GRID = """
pool: mathematics
pool_sizes: [32, 64, 128]
ladder_questions: 32
budgets: [1, 2, 3, 4, 8]
subsets: [32, 64, 128]
totals: [64, 128, 256]
controls: [steps, epochs]
replicates: [0, 1]
reorder: true
fit_max: null
held_out: null
"""
PAIRS = "teachers: {large: {}, small: {teacher_width: 64}}\nbases: {wide: {}, thin: {base_width: 48}}\n"


@pytest.fixture
def grid(tmp_path):
    def load(text=GRID, suffix=""):
        (tmp_path / "mine.yaml").write_text(text)
        return load_run(f"{tmp_path / 'mine.yaml'}{suffix}")

    return load


def test_cells_are_those_of_the_matched_totals(grid):
    run, _ = single_runs(grid())
    cells = cells_of(run)
    assert len(set(cells)) == len(cells)
    assert {cell.control for cell in cells} == {"steps", "epochs"}
    by_total = {(cell.questions, cell.budget) for cell in cells}
    assert by_total == {(32, 2), (32, 4), (32, 8), (64, 1), (64, 2), (64, 4), (128, 1), (128, 2)}
    assert set(corpora_of(run)) == by_total


def test_only_subsets_that_are_raised_have_more_than_the_smallest_budget(grid):
    run, _ = single_runs(grid(GRID + "scaled_subsets: [32]\n"))
    assert {held for held in corpora_of(run) if held[0] != 32} == {(64, 1), (128, 1)}
    assert most_draws(run).tolist() == [8] * 32 + [1] * 96


def test_students_of_twice_the_steps_stand_beside_the_ladder_alone(grid):
    once, *_ = single_runs(grid())
    run, *_ = single_runs(grid(GRID + "double_steps_at: [4, 8]\n"))
    more = [cell for cell in cells_of(run) if cell not in cells_of(once)]
    assert {cell[1:4] for cell in more} == {(32, 4, "doubled"), (32, 8, "doubled")}
    assert corpora_of(run) == corpora_of(once)
    assert all(cell.control == "steps" for cell in cells_of(grid(GRID + "double_steps_at: [4, 8]\n", "-r4")))
    with pytest.raises(RecipeError, match="double_steps_at: must be of budgets"):
        grid(GRID + "double_steps_at: [5]\n")


def test_every_corpus_is_a_union_of_parts_and_no_part_is_idle(grid):
    run, _ = single_runs(grid())
    recipe = run.recipe
    parts = {file_name(*part) for part in parts_of(run)}
    needed = [cell_files(*held, recipe.pool.pool_sizes, recipe.ladder.budgets) for held in corpora_of(run)]
    assert parts == {file for files in needed for file in files}
    drawn = most_draws(run)
    assert drawn.tolist() == [8] * 32 + [4] * 32 + [2] * 64
    assert {corpus_name(recipe, *held) for held in corpora_of(run)} == {
        "r2", "r4", "r8", "q2-r1", "q2-r2", "q2-r4", "q4-r1", "q4-r2",
    }  # fmt: skip


def test_a_replicate_is_a_new_draw_a_new_seed_and_if_asked_a_new_order(grid):
    first, second = single_runs(grid())
    assert [run.recipe.sampling.sampling_seed for run in (first, second)] == [0, 1]
    assert [run.recipe.pool.pool_order for run in (first, second)] == [0, 1]
    assert {cell.replicate for cell in cells_of(second)} == {1}
    kept = [run.recipe.pool.pool_order for run in single_runs(grid(GRID.replace("reorder: true", "")))]
    assert kept == [0, 0]


def test_every_teacher_meets_every_base_and_pairs_of_a_teacher_share_its_draws(grid):
    runs = single_runs(grid(GRID + PAIRS))
    assert list(dict.fromkeys(run.recipe.pair for run in runs)) == [
        "large>wide",
        "large>thin",
        "small>wide",
        "small>thin",
    ]
    assert len(runs) == 8 and len({drawn_by(run) for run in runs}) == 4
    shapes = {run.recipe.pair: (run.recipe.teacher.teacher_width, run.recipe.base.base_width) for run in runs}
    assert shapes == {"large>wide": (96, 96), "large>thin": (96, 48), "small>wide": (64, 96), "small>thin": (64, 48)}


def test_one_budget_is_the_ladder_of_the_first_pair_alone(grid):
    (run,) = single_runs(grid(GRID + PAIRS, "-r3-s1"))
    (cell,) = cells_of(run)
    assert cell == ("large>wide", 32, 3, "steps", 1, "") and run.recipe.sampling.sampling_seed == 1


def test_what_the_first_replicate_of_an_experiment_shares_with_a_plain_ladder_is_the_same_recipe(grid):
    plain, _ = single_runs(grid("\n".join(line for line in GRID.splitlines() if line.split(":")[0] not in AXES)))
    rich, _ = single_runs(grid(GRID))
    for section in ("pool", "teacher", "base", "sampling", "student"):
        assert getattr(plain.recipe, section) == getattr(rich.recipe, section)


AXES = ("subsets", "totals", "controls", "reorder")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("subsets: [64, 128]", r"subsets: must be of pool_sizes \(32, 64, 128\), ladder_questions among them"),
        ("subsets: [64, 32]", r"subsets: must grow"),
        ("totals: [64, 100]", r"totals: no subset at any budget has 100 responses"),
        ("scaled_subsets: [48]", r"scaled_subsets: must be of subsets"),
        ("controls: [steps, steps]", r"controls: must be distinct"),
        ("controls: [step]", r"controls: .*'steps' or 'epochs'"),
        ("counting: accepted", r"totals: must be null unless counting is sampled"),
        ("held_out: 3", r"held_out: must be one of the budgets \(2, 4, 8\)"),
        ("confirm_budget: 8", r"confirm_budget: must be one of the budgets .* above held_out \(None\)"),
        ("teachers: {}", r"teachers: .*at least 1"),
        ("teachers: {a>b: {}}", r"teachers: .*pattern"),
        (
            "teachers: {small: {teacher_widht: 64}}",
            r"teachers: small: teacher_widht: unknown key; did you mean",
        ),
        ("bases: {thin: {base_width: 0}}", r"bases: thin: base_width: .*greater than or equal to 1.*0"),
        ("extends: ../math", r"extends: takes the name of a recipe"),
        ("extends: mine", r"extends: mine extends this one"),
        ("extends: mth", r"no recipe called 'mth'; did you mean math"),
    ],
)
def test_a_wrong_experiment_names_key_and_mend(grid, line, message):
    key = line.split(":")[0]
    kept = [old for old in GRID.splitlines() if old.split(":")[0] != key]
    with pytest.raises(RecipeError, match=message):
        grid("\n".join([*kept, line]))


def test_a_recipe_is_laid_over_what_it_extends_and_profiles_over_both(grid, tmp_path):
    (tmp_path / "parent.yaml").write_text("title: P\npool: m\nsteps: 10\nbatch_size: 4\n")
    (tmp_path / "parent.paper.yaml").write_text("pool: real\nsteps: 20\n")
    child = "title: C\nextends: parent\nbatch_size: 8\n"
    assert (grid(child).recipe.student.steps, grid(child).recipe.student.batch_size) == (10, 8)
    recipe = load_run(str(tmp_path / "mine.yaml"), "paper").recipe
    assert (recipe.title, recipe.pool.pool, recipe.student.steps, recipe.student.batch_size) == ("C", "real", 20, 8)
    (tmp_path / "mine.paper.yaml").write_text("steps: 30\n")
    assert load_run(str(tmp_path / "mine.yaml"), "paper").recipe.student.steps == 30


def test_embedded_pairs_are_known_by_their_models_not_by_their_names():
    every = ["large>wide", "large>narrow", "small>wide", "small>narrow"]
    assert embedded_pairs(load_run("pairs-math").recipe) == every
    assert embedded_pairs(load_run("pairs-math", "paper").recipe) == []
    assert embedded_pairs(load_run("math").recipe) == ["nano>nano"]


@pytest.mark.parametrize(
    ("run", "name"),
    [("math", "r64"), ("math-r16", "r16"), ("se-physics", "r32"), ("stem", "r16"), ("pairs-math", "r32")],
)
def test_the_corpus_that_a_summary_tells_to_load_is_one_that_is_made(run, name):
    assert largest_corpus(load_run(run)) == name


ORCA = """
pool: mathematics
pool_sizes: [32]
ladder_questions: 32
budgets: [4]
fit_max: null
held_out: null
replicates: [0, 1, 2]
match: null
arms: {rs: {}, orca: {protocol: orca%s}}
"""


def test_replicates_of_orca_draw_other_styles_and_the_first_one_keeps_its_source(grid):
    options = [one.recipe.sampling.protocol_options for one in single_runs(grid(ORCA % "")) if one.recipe.arm == "orca"]
    assert options == [{}, {"style_seed": 1}, {"style_seed": 2}]
    styles = [[style_of(made.get("style_seed", 0), "q", at, STYLES) for at in range(32)] for made in options]
    assert len({tuple(drawn) for drawn in styles}) == 3


def test_a_style_seed_that_a_recipe_sets_is_that_of_every_replicate(grid):
    runs = single_runs(grid(ORCA % ", protocol_options: {style_seed: 7}"))
    assert {one.recipe.sampling.protocol_options.get("style_seed") for one in runs if one.recipe.arm == "orca"} == {7}
    assert all(not one.recipe.sampling.protocol_options for one in runs if one.recipe.arm == "rs")
