"""The documents: every block runs and prints what it shows, or says above itself why no test runs it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from toolkit.cli import VERBS, _parser
from toolkit.recipe.load import load_recipe
from toolkit.recipe.sections import HOME

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("examples/*.md")),
]
NOT_RUN = re.compile(r"<!-- not run by the tests: \S.* -->")
TIMES = "<!-- times differ by machine -->"
FENCED = re.compile(r"^(.*)\n```(\S*)\n((?:(?!```).*\n)*)```$", re.MULTILINE)  # the line above, the language, the text
SHELL = ("sh", "bash", "console")
# Commands run like those of a user in a checkout, with what is installed here, and without a network.
SETTINGS = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",  # else messages would come before the output that they follow
}

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


class Block(NamedTuple):
    """A fenced block: where it stands, the line above it, its language and its text."""

    place: str
    above: str
    language: str
    text: str


def blocks_of(page: Path) -> Iterator[Block]:
    """Give the fenced blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    for match in FENCED.finditer(text):
        line = text.count("\n", 0, match.end(1)) + 2
        yield Block(f"{page.relative_to(ROOT)}:{line}", *match.groups())


def steps_of(block: Block) -> Iterator[tuple[list[str], str | None]]:
    """Give the commands of a block, each with the output that the block shows for it; None where it shows none."""
    if block.language == "python":
        yield [sys.executable, "-c", block.text], None
    elif block.language == "console":  # `$ command`, and below it what that prints
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield ["bash", "-ec", command], shown
    elif block.language in SHELL:
        yield ["bash", "-ec", block.text], None
    else:
        pytest.fail(f"{block.place}: no test can run a block of {block.language!r}; say above it why not")


def outputs_of(block: Block, folder: Path) -> Iterator[tuple[str, str | None]]:
    """Run the commands of a block; give what each printed and what the block shows."""
    for command, shown in steps_of(block):
        ran = subprocess.run(
            command, cwd=folder, env=os.environ | SETTINGS, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert ran.returncode == 0, f"{block.place}: {ran.stdout}"
        yield ran.stdout, shown


def assert_shown(printed: str, shown: str, block: Block) -> None:
    """Compare an output with the one in a page, where `...` stands for any text, and alone on a line for any lines."""
    if block.above == TIMES:
        printed, shown = (re.sub(r" +[\d.]+ (s|min)\b", r" 0 \1", text) for text in (printed, shown))
    parts = [
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.rstrip().split("..."))) + " *\n"
        for line in shown.splitlines()
    ]
    if not re.fullmatch("".join(parts), printed):
        pytest.fail(f"{block.place} shows\n{shown}\nand this was printed:\n{printed}")


@each_page
def test_every_block_runs_and_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    for name in ("examples", "spaces"):
        (tmp_path / name).symlink_to(ROOT / name)
    last = None  # what the block before printed
    for block in blocks_of(page):
        if NOT_RUN.fullmatch(block.above):
            last = None
        elif block.language == "yaml":
            (tmp_path / "page.yaml").write_text(block.text, encoding="utf-8")
            load_recipe(tmp_path / "page.yaml")
        elif block.language == "text" and last is not None:
            assert_shown(last, block.text, block)
        else:
            for last, shown in outputs_of(block, tmp_path):
                if shown is not None:
                    assert_shown(last, shown, block)


def commands_of(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Give the lines of a page's shell blocks, run or not, split into words."""
    for block in blocks_of(page):
        if block.language in SHELL:
            text = re.sub(r"<<'END'\n.*?^END$", "", block.text, flags=re.MULTILINE | re.DOTALL)
            for line in text.replace("\\\n", "").splitlines():
                if line.startswith(("$ ", "fss ", "make ")):
                    yield block.place, shlex.split(line.removeprefix("$ "), comments=True)


@each_page
def test_every_command_exists_with_its_options(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for place, words in commands_of(page):
        if words[0] == "fss":
            arguments = words[1 : words.index("--") if "--" in words else None]
            try:
                _parser().parse_args(arguments)
            except SystemExit:
                wrong.append(f"{place}: {shlex.join(words)}: {capsys.readouterr().err}")
    assert not wrong


@each_page
def test_every_verb_option_and_target_in_the_text_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = {verb.name for verb in VERBS}
    for command in re.findall(r"`fss ([^`]+)`", text):
        verb, *words = command.split()
        assert verb in verbs, f"{page.name}: `fss {command}`"
        options = [word for word in words if word.startswith("--")]
        assert all(option in help_of(verb) for option in options), f"{page.name}: `fss {command}`"
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"


def help_of(verb: str) -> str:
    """Give the help of a verb."""
    verbs = next(action.choices for action in _parser()._actions if isinstance(action.choices, dict))
    return str(verbs[verb].format_help())


@each_page
def test_every_link_and_path_leads_to_a_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    paths = re.findall(r"`((?:toolkit|tests|docs|examples|benchmarks|spaces)/[\w./-]+)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", ["recipes.md", "teachers.md"])
def test_every_key_in_the_tables_is_a_key_of_recipes(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    tables = re.findall(r"^\| key \|.*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    keys = [quoted.partition(":")[0] for cell in cells for quoted in re.findall("`([^`]+)`", cell)]
    assert keys and [key for key in keys if key not in (*HOME, "extends", "drop", "keep")] == []


def test_the_architecture_lists_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "toolkit").iterdir() if (path / "__init__.py").is_file()}
    modules = {path.name for path in (ROOT / "toolkit").glob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"^\| `(\w+)/`", text, re.MULTILINE)) == rooms
    assert set(re.findall(r"`(\w+\.py)`", text)) >= modules
