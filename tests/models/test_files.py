"""Code that a model folder asks for is refused, whichever file names it and however deep."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.models.files import CONFIG_BYTES, ModelFilesError, refuse_code

ROOT = Path(__file__).resolve().parents[2]
CODE = {"AutoModelForCausalLM": "modeling_evil.EvilForCausalLM"}


def write(folder: Path, name: str, content: object) -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("config.json", {"model_type": "llama", "auto_map": CODE}, "auto_map"),
        ("config.json", {"auto_map": "org/other--modeling_evil.Evil"}, "auto_map"),
        ("config.json", {"text_config": {"parts": [{"auto_map": CODE}]}}, "auto_map"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tokenization_evil.Evil", None]}}, "auto_map"),
        ("processor_config.json", {"auto_map": {"AutoProcessor": "evil.Evil"}}, "auto_map"),
        ("preprocessor_config.json", {"auto_map": {"AutoImageProcessor": "evil.Evil"}}, "auto_map"),
        ("generation_config.json", {"auto_map": CODE}, "auto_map"),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "evil"}}, "auto_mapping"),
        ("config.json", {"custom_pipelines": {"text-generation": {"impl": "evil.Evil"}}}, "custom_pipelines"),
        ("config.json", {"attn_implementation": "org/kernel"}, "attn_implementation"),
        ("config.json", {"_attn_implementation": {"text_config": "org/kernel@main"}}, "_attn_implementation"),
    ],
)
def test_code_is_refused_with_file_and_key(tmp_path: Path, name: str, content: dict, key: str) -> None:
    with pytest.raises(ModelFilesError, match=rf"org/evil@1: {name}: `{key}` names code.*never run"):
        refuse_code(write(tmp_path, name, content), "org/evil@1")


def test_code_for_generation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "custom_generate").mkdir()
    with pytest.raises(ModelFilesError, match="custom_generate holds code"):
        refuse_code(tmp_path, "org/evil")


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 100_000, "", "[]", '"auto_map"', "{", "\x00"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ModelFilesError, match=r"org/evil: config\.json: is not (a )?JSON"):
        refuse_code(write(tmp_path, "config.json", content), "org/evil")


def test_other_bytes_and_sizes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes('{"auto_map": {}}'.encode("utf-16"))
    with pytest.raises(ModelFilesError, match=r"config\.json: is not (a )?JSON"):
        refuse_code(tmp_path, "org/evil")
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(CONFIG_BYTES + 1)
    with pytest.raises(ModelFilesError, match="16,777,217 bytes"):
        refuse_code(tmp_path, "org/evil")


def test_ordinary_folders_pass(tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"model_type": "llama", "auto_map": None, "attn_implementation": "sdpa"})
    write(tmp_path, "tokenizer.json", "not looked at")
    write(tmp_path, "generation_config.json", {"eos_token_id": [1, 2], "note": "auto_map"})
    refuse_code(tmp_path, "org/good")
    write(tmp_path, "generation_config.json", {"eos_token_id": [1, 2], "auto_map": CODE})
    with pytest.raises(ModelFilesError, match=r"generation_config\.json: `auto_map`"):  # nothing else was in its way
        refuse_code(tmp_path, "org/good")


def loads() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of transformers' `from_pretrained` in the toolkit, its benchmarks and the Space."""
    for folder in ("toolkit", "benchmarks", "spaces"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    owner = node.func.value
                    if node.func.attr == "from_pretrained" and isinstance(owner, ast.Name) and owner.id != "PeftModel":
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_no_load_runs_code_of_a_model() -> None:
    calls = dict(loads())
    assert len(calls) >= 3
    for place, call in calls.items():
        options = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert options.get("trust_remote_code") == "False", f"{place}: say trust_remote_code=False"
