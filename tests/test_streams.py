"""The command with standard streams that are closed, full, left by their reader, or of another alphabet."""

import os
import subprocess
import sys

import pytest

FSS = f"{sys.executable} -m toolkit.cli"
VERBS = ["recipe show math", "recipe ls", "--help", "run --help", "claims --help"]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "text": True, "check": False, "timeout": 120}
    return subprocess.run(["bash", "-c", line], env=os.environ | environment, **options)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_went_away_is_no_error(verb, buffered):
    ran = shell(f"{FSS} {verb} | true; echo ${{PIPESTATUS[0]}}", PYTHONUNBUFFERED=buffered)
    assert ran.stderr == "" and ran.stdout.strip() in ("0", "141")


def test_a_reader_of_errors_that_went_away_is_no_error_either():
    ran = shell(f"exec 3>&1; ( {FSS} recipe show nothing; echo $? >&3 ) 2>&1 >/dev/null | true", PYTHONUNBUFFERED="1")
    assert ran.stderr == "" and ran.stdout.strip() in ("1", "141")


def test_a_broken_pipe_of_something_else_is_told():
    code = (
        "import toolkit.commands.recipe as verb\ndef gone(args): raise BrokenPipeError(32, 'Broken pipe', 'teacher')\n"
    )
    code += "verb.recipe_command = gone\nimport toolkit.cli as c\nraise SystemExit(c.main(['recipe', 'ls']))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "Broken pipe: 'teacher'" in ran.stderr


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_closed_errors_cost_nothing_and_get_nothing(closed, tmp_path):
    ran = shell(f"{FSS} recipe ls {closed}")
    assert ran.returncode == 0 and "math " in ran.stdout
    failed = shell(f"{FSS} recipe show nothing {closed}")
    assert (failed.returncode, failed.stdout) == (1, "")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_output_costs_nothing(closed):
    ran = shell(f"{FSS} recipe ls {closed}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_nothing_of_ours_gets_what_is_written_to_closed_errors(tmp_path):
    code = "import sys, os, toolkit.streams as s; s.open_streams(); f = open(sys.argv[1], 'w'); "
    code += "os.write(2, b'a library complains'); os.system('echo a child complains >&2'); f.close()"
    ran = shell(f'{sys.executable} -c "{code}" {tmp_path / "data"} 2>&- <&- >&-')
    assert ran.returncode == 0 and (tmp_path / "data").read_text() == ""


def test_output_to_a_full_disk_is_told():
    ran = shell(f"{FSS} recipe ls > /dev/full")
    assert ran.returncode == 1 and ran.stderr.startswith("fss: error: the disk is full") and ran.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_characters_that_an_alphabet_lacks_are_escaped(encoding, tmp_path):
    (tmp_path / "mine.yaml").write_text("pool: mathematics\nstep: 4\n")
    place = tmp_path / "wörk \udcff→"
    place.mkdir()
    (tmp_path / "mine.yaml").rename(place / "mine.yaml")
    ran = subprocess.run(
        [*FSS.split(), "run", place / "mine.yaml"],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1 and b"step: unknown key" in ran.stderr and b"\\udcff" in ran.stderr


def test_a_workspace_that_is_no_utf8_is_refused_at_once(tmp_path):
    ran = subprocess.run([*FSS.split(), "run", "math", "--workspace", b"/tmp/\xff"], capture_output=True, check=False)
    assert ran.returncode == 2 and b"b'/tmp/\\xff' is no UTF-8 here; set LC_ALL=C.UTF-8" in ran.stderr
