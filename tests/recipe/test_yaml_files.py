"""What a recipe's YAML may hold: numbers as YAML 1.2 has them, and nothing that costs time or means two things."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from toolkit.recipe.files import RecipeError, known_recipes
from toolkit.recipe.load import load_recipe
from toolkit.recipe.yaml_files import DEEPEST, LARGEST, YamlError, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(f"a{at}: &b{at} [*a, *a]\n" for at in range(20))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            (text, text)
            for text in (
                "010",
                "0x10",
                "0o10",
                "0b1",
                "1:30",
                "1:30.5",
                "on",
                "off",
                "yes",
                "no",
                "y",
                "2024-01-02",
                "2024-01-02 03:04:05",
                "1__0",
                "_1",
                "1_",
                "0_1",
                "9" * 41,
                "=",
                "1e",
                "e5",
                ".",
                "nul",
                "tRue",
                "00",
                "-01",
                "007.5",
                "01e5",
                ".e5",
                "inf",
                "nan",
                "1.2.3",
            )
        ],
        *[("12", 12), ("-3", -3), ("+4", 4), ("0", 0), ("-0", 0), ("1_000", 1000)],
        *[
            ("1.", 1.0),
            (".5", 0.5),
            ("6e-3", 0.006),
            ("1E5", 1e5),
            ("+1.5e+3", 1500.0),
            ("0.1", 0.1),
            ("1_0.5", 10.5),
            ("-.5e1", -5.0),
        ],
        *[("true", True), ("False", False), ("null", None), ("~", None), ("", None)],
    ],
)
def test_a_scalar_is_what_yaml_1_2_says_and_what_is_doubtful_is_a_text(text, value):
    found = read_yaml(f"a: {text}\n")["a"]
    assert found == value and type(found) is type(value)


@given(st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_python_reads_it(value):
    assert read_yaml(f"[{value!r}]") == [value]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "YAML aliases, anchors and tags"),
        ("a: &a [*a]", "YAML aliases"),
        ("a: !!python/object:os.system x", "not YAML of a recipe"),
        ("a: !!int 'x'", "not YAML of a recipe"),
        ("a: " + "[" * 50_000, f"line 1: more than {DEEPEST} nested lists"),
        ("a: " + "{b: " * 20_000, f"line 1: more than {DEEPEST} nested lists"),
        ("".join(" " * at + "a:\n" for at in range(400)), f"line {DEEPEST + 1}: more than"),
        ("- " * 40_000 + "a", "line 1: more than"),
        ("? " * 40_000 + "a", "line 1: more than"),
        ("a: 'b\0c'", "not YAML"),
        ('a: "b\\0c"', r"a: has the character '\\x00'"),
        ('a: {b: ["\\ud800"]}', r"a: has the character '\\ud800'"),
        ('a: "\\e[2J"', r"a: has the character '\\x1b'"),
        ('"a\\0": 1', r"has the character '\\x00'"),
        ("a: 1\na: 1", "a: written twice"),
        ("b: {a: 1, 'a': 2}", "a: written twice"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("? [a]\n: 1", "not YAML"),
        ("%TAG ! x\n", "not YAML"),
        ("a: b: c", "not YAML"),
        ("\ta: 1", "not YAML"),
        ("#" * LARGEST + "#", "longer than"),
    ],
)
def test_what_costs_time_or_means_two_things_is_refused(text, message):
    with pytest.raises(YamlError, match=message) as refused:
        read_yaml(text)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: 010", "steps: input should be a valid integer, not '010'"),
        ("steps: 1:30", "steps: input should be a valid integer, not '1:30'"),
        ("check_steps: yes", "check_steps: input should be a valid boolean, not 'yes'"),
        ("reorder: off", "reorder: input should be a valid boolean, not 'off'"),
        ("epochs: .inf", "epochs: input should be a finite number, not inf"),
        ("learning_rate: .nan", "learning_rate: input should be a finite number, not nan"),
        ("learning_rate: 1e999", "learning_rate: input should be a finite number"),
        ("weight_decay: .inf", "weight_decay: input should be a finite number"),
        ("timeout: .inf", "timeout: input should be a finite number"),
        ("price_prompt: .inf", "price_prompt: input should be a finite number"),
        ("stop_below: .inf", "stop_below: input should be a finite number"),
        ("teacher_learning_rate: -.inf", "teacher_learning_rate: input should be a finite number"),
        ("rules: {law_level: .nan}", "rules: input should be a finite number"),
        ("teachers: {a: {teacher_learning_rate: .inf}}", "teacher_learning_rate: input should be a finite number"),
        ("budgets: [100000000000000000000]", "budgets: input should be less than or equal to 100000, not"),
        ("budgets: [1, 2, 3, 4, 1000000]\nheld_out: 4\nfit_max: 3", "budgets: input should be less than or equal to"),
        (f"budgets: [{'9' * 5000}]", "budgets: input should be a valid integer, not"),
        (f"steps: {'9' * 39}", "steps: input should be less than or equal to 1000000000"),
        ("pool_seed: 9223372036854775808", "pool_seed: input should be less than"),
        ("replicates: [4294967296]", "replicates: input should be less than 4294967296"),
        ("pool_sizes: [100000000]\nladder_questions: 100000000", "pool_sizes: input should be less than"),
        ("teacher_width: 1000000", "teacher_width: input should be less than or equal to 16384"),
        ("max_tokens: 1e20", "max_tokens: input should be"),
        (
            "answer_pattern: '(a'",
            r"answer_pattern: must be a regular expression with one group: '\(a' is not a regular",
        ),
        ("answer_pattern: 'a'", "answer_pattern: must be a regular expression with one group: 'a' has 0 groups"),
        ("response_pattern: '(a){99999999999}'", "response_pattern: must be a regular expression with one group"),
        ("prompt: '{% for i in range(10**9) %}{% endfor %}{{ question }}'", "prompt: not a Jinja template: "),
        ("prompt: '{{ question'", "prompt: not a Jinja template: "),
        ('pool: "a\\0b"', r"pool: has the character '\\x00'"),
        ("title: [a, b]", "title: must be a text"),
        ("1: 2", "1: unknown key"),
        ("null: 2", "unknown key"),
        ("2024-01-02: 2", "2024-01-02: unknown key"),
        ("stop: " + str(["x" * 900, 5]), "stop: input should be a valid string"),
        ("teachers: [a]", "teachers: input should be"),
        ("teachers: {a: [b]}", "teachers: input should be"),
        ("urls: {a: b}", "urls: input should be"),
    ],
)
def test_a_wrong_value_is_reported_with_file_key_and_value(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text if text.startswith("pool:") else f"pool: mathematics\n{text}\n")
    with pytest.raises(RecipeError, match=message) as refused:
        load_recipe(path)
    assert str(refused.value).startswith(str(path)) and len(str(refused.value)) < 2000 + len(str(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_file_in_another_encoding_is_named(tmp_path, encoding):
    path = tmp_path / "mine.yaml"
    path.write_bytes("title: Schrödinger\npool: mathematics\n".encode(encoding))
    with pytest.raises(RecipeError, match=r"mine\.yaml: (is not UTF-8 .*save it as UTF-8|not YAML)"):
        load_recipe(path)


def test_a_byte_order_mark_is_no_matter(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbftitle: T\npool: mathematics\n")
    assert load_recipe(path).title == "T"


def test_an_endless_or_large_file_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"#" * 4_000_000)
    with pytest.raises(RecipeError, match=r"mine.yaml: has 4,000,000 bytes; 400,000 are read at most"):
        load_recipe(path)
    with pytest.raises(RecipeError, match="is not a file"):
        load_recipe(tmp_path)


QUICK = [Phase.explicit, Phase.generate]  # a recipe that fails need not be the smallest
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "put", "swap"]),
        st.integers(0, 10**6),
        st.sampled_from(
            [
                *"[]{}:,&*!|>%@`'\"#-?~ \n\t\0\x1b",
                "[" * 3000,
                "- " * 300,
                "? ",
                "<<: ",
                "&a ",
                "*a",
                "!!int ",
                "9" * 5000,
                ".inf",
                ".nan",
                "-1",
                "0",
                "1e400",
                "010",
                "null",
                "{{",
                "}}",
                "{% for i in range(10**9) %}",
                "((?:a|aa)+)$",
                "(",
                "\\",
                "é",
                "\ud7ff",
                "\ufeff",
                "\u2028",
                "extends: math\n",
                "true",
                "1:30",
                "---\n",
                "...\n",
            ]
        ),
    ),
    min_size=1,
    max_size=4,
)
TEXTS = [path.read_text(encoding="utf-8") for path in known_recipes().values()]


def mutated(text, changes):
    for kind, place, piece in changes:
        at = place % (len(text) + 1)
        if kind == "cut":
            text = text[:at] + text[at + 1 + place % 40 :]
        elif kind == "put":
            text = text[:at] + piece + text[at:]
        else:  # a value by another
            lines = text.splitlines(keepends=True)
            line = lines[place % len(lines)] if lines else ""
            text = text.replace(line, f"{line.partition(':')[0]}: {piece}\n", 1)
    return text


def refusal(folder, text):
    """Load a recipe of this text; give its path and the message that refuses it, None where none does."""
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        load_recipe(path)
    except RecipeError as error:
        return str(path), str(error)
    return str(path), None


@settings(max_examples=25, phases=QUICK)
@given(st.sampled_from(TEXTS), MUTATIONS)
def test_a_damaged_recipe_loads_or_is_refused_by_name(tmp_path_factory, text, changes):
    mutation = mutated(text, changes)
    path, message = refusal(tmp_path_factory.getbasetemp(), mutation)
    assert message is None or path in message or "extends" in mutation
    assert message is None or len(message.replace(path, "")) < 3000


@pytest.mark.slow
@settings(max_examples=500, phases=QUICK)
@given(st.sampled_from(TEXTS), MUTATIONS)
def test_five_hundred_damaged_recipes_load_or_are_refused_by_name(tmp_path_factory, text, changes):
    mutation = mutated(text, changes)
    path, message = refusal(tmp_path_factory.getbasetemp(), mutation)
    assert message is None or path in message or "extends" in mutation
    assert message is None or len(message.replace(path, "")) < 3000
