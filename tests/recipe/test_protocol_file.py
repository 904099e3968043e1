"""A protocol of one's own beside a recipe: what it is known by, and which file is never run."""

import pytest

from toolkit.pipeline.protocol import open_protocol, protocol_of, rehearse
from toolkit.pipeline.recipe_file import read_strange, recipe_text, released
from toolkit.pipeline.source import source_identity, source_key
from toolkit.progress import Progress
from toolkit.protocols.contract import Question
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe

CODE = """
from pathlib import Path
from toolkit.protocols.contract import Draft, Protocol
from toolkit.protocols.prompts import load_prompts

Path(__file__).with_name("ran").touch()


async def respond(ask, question, index):
    first = await ask("solve", question=question.text)
    return Draft(first.text)


def protocol(prompt: str, *, rounds: int = 2) -> Protocol:
    return Protocol(load_prompts(__file__, {"solve": {"question": 0}}), respond)
"""
RECIPE = "title: Mine\npool: mathematics\nprotocol: ./mine.py\nfit_max: null\nheld_out: null\n"


@pytest.fixture
def own(tmp_path):
    """Writes a recipe with a protocol beside it into a folder, and loads it."""

    def write(name="a", code=CODE, recipe=RECIPE, prompt="Solve {{ question }}"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "mine.py").write_text(code)
        (folder / "mine.solve.jinja").write_text(prompt)
        (folder / "own.yaml").write_text(recipe)
        return load_recipe(folder / "own.yaml")

    return write


def key_of(recipe):
    return source_key(source_identity("t", None, "q", recipe.sampling))


def test_the_key_knows_the_content_and_not_the_place(own):
    first = own("a")
    assert key_of(first) == key_of(own("b")) and first.sampling.protocol.startswith("mine@")
    others = [own("c", CODE + "\n"), own("d", prompt="Work out {{ question }}")]
    assert len({key_of(recipe) for recipe in (first, *others)}) == 3
    assert protocol_of(first).name == "mine"


def test_reading_a_recipe_runs_nothing_and_a_run_says_once_that_it_does(own, tmp_path, capsys):
    recipe = own()
    assert not (tmp_path / "a" / "ran").exists()
    open_protocol(recipe, Progress())
    assert (tmp_path / "a" / "ran").exists()
    assert capsys.readouterr().err.count("protocol: runs your own code, ") == 1


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        ("import nothing_of_the_kind", "", "protocol: mine.py: ModuleNotFoundError"),
        ("x = (", "", "protocol: mine.py: SyntaxError"),
        ("x = 1", "", r"protocol: mine.py: has no function `protocol\(prompt, \*\*options\)`"),
        (CODE.replace("return Protocol(load", "return (load"), "", "protocol: mine.py: .* give a `Protocol`"),
        (CODE.replace('"solve": {"q', '"slove": {"q'), "", "protocol: mine@.* mine.slove.jinja: does not exist"),
        (CODE, "protocol_options: {rounds: many}", "protocol_options: rounds: input should be .* integer, .*'many'"),
        (CODE, "protocol_options: {turns: 2}", "protocol_options: turns: there is no such option; the protocol has"),
        (CODE, "protocol_prompts: {solve: x}", "protocol_prompts: solve: there is no such step .* has none"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_file_key_value_and_remedy(own, code, options, message):
    recipe = own(code=code, recipe=RECIPE + options)
    with pytest.raises(RecipeError, match=rf"own\.yaml: {message}"):
        open_protocol(recipe, Progress())


def test_a_file_that_is_not_there_or_has_no_name_of_a_module_is_refused(tmp_path):
    for value, message in (("./none.py", "none.py: does not exist"), ("./my-own.py", "name the file with letters")):
        (tmp_path / "own.yaml").write_text(RECIPE.replace("./mine.py", value))
        with pytest.raises(RecipeError, match=rf"own\.yaml: protocol: .*{message}"):
            load_recipe(tmp_path / "own.yaml")


def test_code_in_the_folder_of_a_release_is_never_run(own, tmp_path):
    own()
    (tmp_path / "a" / "manifest.json").write_text("{}")
    (tmp_path / "a" / "recipe.yaml").write_text(RECIPE)
    with pytest.raises(RecipeError, match="lies in the release a, and code that came with data is never run"):
        load_recipe(tmp_path / "a" / "recipe.yaml")
    assert not (tmp_path / "a" / "ran").exists()


def test_a_pulled_recipe_runs_only_a_file_of_one_s_own_with_the_same_content(own, tmp_path):
    recipe = own()
    text = recipe_text(released(recipe, (1,), ("t", "1"), False), None)
    assert f"protocol: {recipe.sampling.protocol}\n" in text and "mine.py" not in text
    pulled, _ = read_strange(text, weights=True)
    assert key_of(pulled) == key_of(recipe)
    with pytest.raises(RecipeError, match=r"code never comes with data. Write `protocol: \./mine\.py`, a file of your"):
        open_protocol(pulled, Progress())
    with pytest.raises(RuntimeError, match="protocol"):
        read_strange(text.replace(recipe.sampling.protocol, "./mine.py"), weights=True)
    with pytest.raises(RuntimeError, match="protocol: names a file of some machine"):
        read_strange(text.replace(recipe.sampling.protocol, str(tmp_path / "a" / "mine.py")), weights=True)


def test_a_shipped_protocol_s_options_enter_the_key_only_when_they_are_set(tmp_path):
    keys = {}
    for name, options in (("unset", ""), ("empty", "protocol_options: {}"), ("set", "protocol_options: {rounds: 2}")):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.replace("./mine.py", "rejection_sampling") + options)
        keys[name] = key_of(load_recipe(tmp_path / f"{name}.yaml"))
    assert keys["unset"] == keys["empty"] != keys["set"]


AGAIN = CODE.replace("return Draft(first.text)", 'return Draft((await ask("solve", question=first.text)).text)')


def test_a_dry_run_finds_a_step_that_is_asked_more_often_than_declared(own):
    question = Question("q", "1 + 1?")
    rehearse(own("a"), question)
    rehearse(own("b", AGAIN.replace("respond)", 'respond, {"solve": 2})')), question)
    for code, said in ((AGAIN, "asks for the step 'solve' more than 1 time; .* most="), (
        CODE.replace('ask("solve"', 'ask("slove"'), "has no step 'slove'; its steps are solve"
    )):  # fmt: skip
        with pytest.raises(RecipeError, match=rf"own\.yaml: protocol: mine@\w+, tried with .*, {said}"):
            rehearse(own("c", code), question)


def test_a_protocol_that_expects_more_of_a_completion_than_a_stand_in_has_is_not_refused(own):
    expecting = own(code=CODE.replace("Draft(first.text)", 'Draft(first.text.split("Answer:")[1])'))
    rehearse(expecting, Question("q", "1?"))
    assert protocol_of(expecting).name == "mine"


def test_prompts_of_steps_enter_the_key_only_when_they_are_set_and_are_released(tmp_path):
    recipes = {}
    prompts = 'protocol_prompts: {review: "{{ question }} {{ attempt }} {{ exchange }}"}'
    for name, text in (("unset", ""), ("empty", "protocol_prompts: {}"), ("set", prompts)):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.replace("./mine.py", "self_refine") + text)
        recipes[name] = load_recipe(tmp_path / f"{name}.yaml")
    keys = {name: key_of(recipe) for name, recipe in recipes.items()}
    assert keys["unset"] == keys["empty"] != keys["set"]
    pulled, _ = read_strange(recipe_text(released(recipes["set"], (1,), ("t", "1"), False), None), weights=True)
    assert key_of(pulled) == keys["set"] and "review" in protocol_of(pulled).steps


def test_prompts_are_refused_before_any_work_with_file_key_and_step(tmp_path):
    for given, message in (("{reveiw: x}", "reveiw: there is no such step"), ("{review: x}", "review: must use the")):
        text = RECIPE.replace("./mine.py", "self_refine") + f"protocol_prompts: {given}"
        (tmp_path / "own.yaml").write_text(text)
        with pytest.raises(RecipeError, match=rf"own\.yaml: protocol_prompts: {message}"):
            open_protocol(load_recipe(tmp_path / "own.yaml"), Progress())
