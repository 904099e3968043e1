"""Model folders that would fail later are refused with the file, what is wrong and the remedy, before work is spent."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model_kinds import KINDS, make_kind
from tests.tiny_model import make_tiny_model
from toolkit.models.files import ModelFilesError, NotFinite
from toolkit.models.networks import check_model, load_network, refuse_not_finite

Spoil = Callable[[Path], object]
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("whole") / "model", ["one"])


def config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        read = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(read | changes))

    return spoil


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        read = load_file(folder / WEIGHTS)
        change(read)
        save_file(read, folder / WEIGHTS, {"format": "pt"})

    return spoil


def put(number: float, dtype: torch.dtype = torch.float32) -> Spoil:
    def change(read: dict[str, torch.Tensor]) -> None:
        name = "model.norm.weight"
        read[name] = read[name].to(dtype)
        read[name][3] = number

    return weights(change)


def cut(share: float) -> Spoil:
    def spoil(folder: Path) -> None:
        whole = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(whole[: int(share * len(whole))])

    return spoil


def write(name: str, content: str) -> Spoil:
    return lambda folder: (folder / name).write_text(content)


def shards(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))


def climbing(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../x.safetensors"}}))


DAMAGES: dict[str, tuple[Spoil, str]] = {
    "unknown model": (
        config(model_type="hyena9"),
        r"config\.json: transformers [\d.]+ cannot read model_type 'hyena9'",
    ),
    "no model type": (config(model_type=None), "cannot read model_type None"),
    "number as model type": (config(model_type=7), "cannot read model_type 7"),
    "no writer": (config(model_type="t5", architectures=["T5Model"]), "model_type 't5' is not a language model"),
    "endless layers": (config(num_hidden_layers=10**9), r"config\.json names 1,000,000,000 layers, its weights have"),
    "wrong type": (config(num_hidden_layers="many"), "cannot read model_type 'llama'"),
    "code": (config(auto_map={"AutoConfig": "evil.Evil"}), r"config\.json: `auto_map` names code"),
    "no config": (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
    "adapter": (
        write("adapter_config.json", '{"base_model_name_or_path": "/etc"}'),
        "is an adapter, not a whole model",
    ),
    "nan": (put(float("nan")), r"model\.safetensors: model\.norm\.weight holds a number that is not finite"),
    "infinite": (put(float("-inf")), r"model\.norm\.weight holds a number that is not finite"),
    "nan in halves": (put(float("nan"), torch.bfloat16), r"model\.norm\.weight holds a number that is not finite"),
    "half a file": (cut(0.5), r"model\.safetensors: is damaged .*download the model again"),
    "half a header": (cut(0.01), r"model\.safetensors: is damaged"),
    "empty file": (cut(0), r"model\.safetensors: is damaged"),
    "pointer": (write(WEIGHTS, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "Git LFS pointer"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), r"holds no \*\.safetensors; convert it"),
    "lost shard": (shards, r"names model-00002-of-00002\.safetensors, which does not exist"),
    "shard elsewhere": (climbing, r"names \.\./\.\./x\.safetensors, which does not exist"),
    "mute": (lambda folder: (folder / "chat_template.jinja").unlink(), r"no chat template .*chat_template\.jinja"),
    "no tokenizer": (lambda folder: [file.unlink() for file in folder.glob("tokenizer*")], "tokenizer cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused(whole: Path, tmp_path: Path, name: str) -> None:
    spoil, message = DAMAGES[name]
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    spoil(folder)
    with pytest.raises((ModelFilesError, NotFinite), match=f"org/spoilt: .*{message}"):
        check_model(folder, "org/spoilt", asked=True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_passes_and_can_then_be_asked(tmp_path: Path, kind: str) -> None:
    folder = make_kind(tmp_path / kind, kind)
    check_model(folder, kind, asked=True)
    assert load_network(folder)(torch.tensor([[1, 2]])).logits.isfinite().all()


def test_a_model_that_is_asked_elsewhere_needs_no_more_than_to_be_without_code(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    config(model_type="hyena9")(folder)
    check_model(folder, "served", asked=False)
    config(auto_map={"AutoConfig": "evil.Evil"})(folder)
    with pytest.raises(ModelFilesError, match="auto_map"):
        check_model(folder, "served", asked=False)


def test_weights_that_are_missing_are_not_made_up(whole: Path, tmp_path: Path) -> None:
    """Refuse what the library would start at random with a warning."""
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    weights(lambda read: read.pop("model.layers.0.mlp.up_proj.weight"))(folder)
    with pytest.raises(ModelFilesError, match=r"lack 1 weights, such as model\.layers\.0\.mlp\.up_proj\.weight"):
        load_network(folder)


def test_tied_weights_are_not_missing(tmp_path: Path) -> None:
    network = load_network(make_kind(tmp_path / "gemma", "gemma"))
    assert network.lm_head.weight is network.model.embed_tokens.weight


@pytest.mark.parametrize(("name", "message"), [("unknown model", "hyena9"), ("half a file", ""), ("no weights", "")])
def test_loading_says_plainly_what_is_wrong(whole: Path, tmp_path: Path, name: str, message: str) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    DAMAGES[name][0](folder)
    with pytest.raises(ModelFilesError, match=f"model: transformers cannot load it: .*{message}"):
        load_network(folder)


def test_an_adapter_does_not_load_what_it_names(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(whole)}))
    with pytest.raises(ModelFilesError, match="is an adapter, not a whole model"):
        load_network(tmp_path)


def test_pickles_are_not_read(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelFilesError, match="cannot load it"):
        load_network(folder)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float16, torch.bfloat16, torch.float64])
def test_every_type_of_number_is_looked_at(dtype: torch.dtype) -> None:
    good = [("a", torch.ones(3).to(dtype)), ("b", torch.zeros(0).to(dtype)), ("c", torch.ones(2, dtype=torch.int64))]
    refuse_not_finite(good, "here")
    with pytest.raises(NotFinite, match="here: bad"):
        refuse_not_finite([*good, ("bad", torch.tensor([1.0, float("nan")]).to(dtype))], "here")
