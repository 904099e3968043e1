"""A student's weights on disk: an adapter or a full model, in safetensors, without any path of this machine."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from toolkit.models.chat import load_tokenizer
from toolkit.models.networks import load_network, refuse_not_finite
from toolkit.quiet import quiet
from toolkit.students.rows import StudentError
from toolkit.workspace import file_digest, to_json, write_atomic

ADAPTER = "adapter_config.json"


def refuse_weights(folder: Path) -> None:
    """Raise StudentError when `folder` already holds weights: an adapter beside a full model would be ambiguous."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    if names:
        raise StudentError(f"{folder}: already holds {', '.join(names)}; give each student a folder of its own")


def base_digest(base: Path) -> str:
    """Give `sha256:` and the digest over the names and bytes of the base's weight files."""
    files = {path.name: file_digest(path) for path in sorted(base.glob("*.safetensors"))}
    return f"sha256:{hashlib.sha256(json.dumps(files).encode()).hexdigest()}"


def save_student(model: Any, tokenizer: PreTrainedTokenizerBase, out: Path, base_name: str) -> None:
    """Write a PEFT model's adapter, naming `base_name` as its base, or a full model with its tokenizer.

    Raises:
        NotFinite: for a weight that is not a finite number; nothing is written.
    """
    refuse_not_finite(model.named_parameters(), "the student diverged")
    if not isinstance(model, PeftModel):
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
        return
    model.active_peft_config.base_model_name_or_path = base_name
    model.save_pretrained(str(out), save_embedding_layers=False)
    (out / "README.md").unlink()  # PEFT's unfilled card, which names the base by its path
    config = json.loads((out / ADAPTER).read_text(encoding="utf-8"))
    config["target_modules"].sort()  # a set in PEFT: its order changes from process to process
    write_atomic(out / ADAPTER, to_json(config))


def load_student(base: Path, student: Path) -> PreTrainedModel:
    """Load the student to generate with, in evaluation mode; an adapter is merged into `base` in memory."""
    with quiet():
        if not (student / ADAPTER).exists():
            return load_network(student).eval()
        model = load_network(base)
        return PeftModel.from_pretrained(model, student).merge_and_unload().eval()


def load_trainable(base: Path, student: Path, dtype: torch.dtype) -> Any:
    """Load the student to train it on: an adapter of its own on `base`, all of its weights else."""
    if not (student / ADAPTER).exists():
        return load_network(student, dtype)
    return PeftModel.from_pretrained(load_network(base, dtype), str(student), is_trainable=True)


def merge_student(base: Path, student: Path, out: Path) -> None:
    """Write the student as an ordinary Transformers folder with the base's tokenizer, for tools without adapters."""
    refuse_weights(out)
    model = load_student(base, student)
    with quiet():
        model.save_pretrained(out)
        load_tokenizer(base).save_pretrained(out)
