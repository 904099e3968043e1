"""The command as a user meets it: help, errors in one message, exit codes."""

import json
import resource
import subprocess
import sys

import pytest

FSS = [sys.executable, "-m", "toolkit.cli"]


def fss(*arguments, cwd=None, **options):
    return subprocess.run([*FSS, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False, **options)


SERVED = {"teacher": "org/t", "teacher_revision": "main", "urls": "[http://127.0.0.1:9]"}


@pytest.fixture
def recipe(tmp_path):
    def write(**changes):
        fields = {"pool": "mathematics", "pool_sizes": "[8, 16]", "ladder_questions": 8, "test_size": 10, "dev_size": 0}
        text = "".join(f"{key}: {value}\n" for key, value in (fields | changes).items())
        (tmp_path / "mine.yaml").write_text(text)
        return tmp_path / "mine.yaml"

    return write


def refused(recipe, tmp_path, *arguments):
    ran = fss("run", recipe, "--workspace", tmp_path / "ws", *arguments)
    assert ran.returncode == 1 and ran.stdout == "" and "Traceback" not in ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("fss: error: ")]
    assert ran.stderr.splitlines()[-1] == line
    return line


def test_help_names_every_verb_with_examples():
    text = fss("--help").stdout
    assert "fss run math-r16" in text and "examples:" in text
    for verb in ("run", "sample", "teacher", "release", "hub", "check", "fit", "plan", "recipe"):
        assert f"\n    {verb} " in text
        assert "example" in fss(verb, "--help").stdout


def test_the_command_line_imports_nothing_heavy():
    heavy = {"torch", "transformers", "scipy", "numpy", "pandas", "datasets", "pydantic", "yaml"}
    code = f"import sys, toolkit.cli as c; c._parser(); print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_recipes_are_listed_shown_and_copied(tmp_path):
    assert "math " in fss("recipe", "ls").stdout
    display = fss("recipe", "show", "math").stdout
    assert "pool: mathematics" in display
    assert fss("recipe", "cp", "math", "mine", cwd=tmp_path).returncode == 0
    copied = [tmp_path / "recipes" / name for name in ("mine.yaml", "mine.paper.yaml")]
    assert "\n".join(path.read_text() for path in copied) == display
    assert "mine " in fss("recipe", "ls", cwd=tmp_path).stdout
    again = fss("recipe", "cp", "math", "mine", cwd=tmp_path)
    assert again.returncode == 1 and "there already" in again.stderr


@pytest.mark.parametrize("name", ["../outside", "/tmp/absolute", ".hidden"])
def test_a_copied_recipe_stays_in_its_folder(tmp_path, name):
    ran = fss("recipe", "cp", "math", name, cwd=tmp_path)
    assert ran.returncode == 1 and "letters, digits" in ran.stderr


def test_claims_are_a_table_of_what_the_runs_of_a_workspace_decided(tmp_path):
    none = fss("claims", "--workspace", tmp_path)
    assert none.returncode == 1 and "no run has decided anything yet" in none.stderr
    for run, rule, verdict in (("b", "law", "confirmed"), ("a", "law", "refuted"), ("a", "bound", "cannot tell")):
        decided = tmp_path / "runs" / run / "decisions" / f"{rule}.json"
        decided.parent.mkdir(parents=True, exist_ok=True)
        output = {"rule": rule, "experiment": run, "verdict": verdict, "sentence": f"{verdict} by {run}."}
        decided.write_text(json.dumps(output))
    rows = fss("claims", "--workspace", tmp_path).stdout.splitlines()[2:]
    assert [row.split(" | ")[2:4] for row in rows] == [["a", "refuted"], ["b", "confirmed"], ["a", "cannot tell"]]


def test_an_unknown_run_suggests_one():
    ran = fss("run", "mth-r16")
    assert ran.returncode == 1 and "did you mean math" in ran.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 4}, "mine.yaml: step: unknown key; did you mean steps?"),
        ({"budgets": "[0, 1]"}, "mine.yaml: budgets: "),
        ({"pool": "nowhere.jsonl"}, "no pool file at nowhere.jsonl"),
        ({"families": "[sums]"}, "sums"),
    ],
)
def test_a_wrong_recipe_is_one_message(recipe, tmp_path, changes, message):
    assert message in refused(recipe(**changes), tmp_path)


@pytest.mark.parametrize("run", ["-r0", "-r7"])
def test_a_budget_outside_the_ladder_is_one_message(recipe, tmp_path, run):
    assert "is not in the recipe's ladder; budgets: 1, 2, 4, 8, 16, 32" in refused(f"{recipe()}{run}", tmp_path)


def test_answers_that_do_not_parse_are_named(recipe, tmp_path):
    rows = "".join(f'{{"question": "q{n}", "answer": "{"#### 4" if n > 30 else "none"}"}}\n' for n in range(40))
    (tmp_path / "pool.jsonl").write_text(rows)
    line = refused(recipe(pool=tmp_path / "pool.jsonl", answer_pattern="'####\\s*(.+)'"), tmp_path)
    assert "row 0, column 'answer'" in line and "answer pattern" in line


def test_a_pool_smaller_than_asked_is_reported(recipe, tmp_path):
    rows = "".join(f'{{"question": "What is {n} + {n}?", "answer": {2 * n}}}\n' for n in range(20))
    (tmp_path / "pool.jsonl").write_text(rows)
    line = refused(recipe(pool=tmp_path / "pool.jsonl"), tmp_path)
    assert "holds 20 questions" in line and "asks for 26: set pool_sizes: [" in line


def test_a_teacher_that_cannot_read_the_pool_refuses_it(recipe, tmp_path):
    rows = "".join(f'{{"question": "Quel est le carré de {n} ?", "answer": "{n * n}"}}\n' for n in range(40))
    (tmp_path / "pool.jsonl").write_text(rows)
    line = refused(recipe(pool=tmp_path / "pool.jsonl", teacher_steps=1, base_steps=1, families="[sum3]"), tmp_path)
    assert not (tmp_path / "ws" / "teacher").exists()
    assert "the tokenizer of the teacher and base cannot read 16 of 16 questions" in line and "carré" in line
    assert "name with `teacher` and `base` a model" in line
    assert "tokenizer of the base cannot" in refused(recipe(pool=tmp_path / "pool.jsonl", **SERVED), tmp_path)


def test_gsm8k_is_a_pool_that_the_embedded_teacher_refuses(recipe, shared_data, tmp_path):
    files = {"pool": shared_data / "gsm8k" / "train.jsonl", "test_pool": shared_data / "gsm8k" / "test.jsonl"}
    sizes = {"pool_sizes": "[1850, 3700, 7400]", "ladder_questions": 1850, "test_size": 1319}
    file = recipe(**files, **sizes, answer_pattern="'####\\s*(.+)'")
    line = refused(file, tmp_path, "--dry-run")
    assert "cannot read 7,400 of 7,400 questions" in line


def test_nothing_accepted_stops_before_training(recipe, tmp_path):
    line = refused(
        recipe(
            teacher_steps=1,
            base_steps=1,
            max_tokens=4,
            families="[sum3]",
            budgets="[1, 2, 3, 4, 5]",
            fit_max=4,
            held_out=5,
        ),
        tmp_path,
    )
    assert "no response was accepted at r = 1 (" in line and "truncated" in line
    assert not (tmp_path / "ws" / "student").exists()


# What embedded models read is checked beside their training, and may not have ended when that fails.
@pytest.mark.parametrize(
    ("size", "results"), [(2000, [set()]), (200_000, [{"pool"}, {"pool", "leaks"}])], ids=["pool", "weights"]
)
def test_a_full_disk_is_one_message_and_nothing_half_made(recipe, tmp_path, size, results):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    file = recipe(families="[sum3]", teacher_steps=1, base_steps=1)
    ran = fss("run", file, "--workspace", tmp_path / "ws", preexec_fn=small_files)
    assert ran.returncode == 1 and "the disk is full" in ran.stderr.splitlines()[-1] and "Traceback" not in ran.stderr
    assert {path.parts[-3] for path in (tmp_path / "ws").glob("*/*/.artifact.json")} in results


def test_an_interrupt_says_how_to_go_on(recipe, tmp_path):
    code = (
        "import sys, signal, os, toolkit.commands.run as run; "
        "run.run_command = lambda a: os.kill(os.getpid(), signal.SIGINT); import toolkit.cli as c; "
        "sys.exit(c.main(['run', 'math']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 130 and "goes on from here" in ran.stderr


def test_the_prices_that_help_names_are_those_of_the_planner():
    from dataclasses import fields

    from toolkit.commands.plan import PRICES
    from toolkit.laws.planning.prices import Prices

    assert tuple(field.name for field in fields(Prices)) == PRICES


def test_the_teacher_s_server_is_shown_before_it_is_started():
    ran = fss("teacher", "serve", "math", "--profile", "paper", "--dry-run")
    assert ran.returncode == 0
    assert "docker run" in ran.stderr and "--model-id Qwen/Qwen2.5-7B-Instruct" in ran.stderr


def test_a_command_belongs_to_a_server_only():
    ran = fss("run", "math", "--", "true")
    assert ran.returncode == 2 and "and `fss hub serve -- COMMAND` take a command" in ran.stderr
