"""Networks from model folders: complete, finite, without code of their own; and guards on the numbers they compute."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, LogitsProcessor, PreTrainedTokenizerBase
from transformers import __version__ as transformers_version

from toolkit.models.chat import ends_of, load_tokenizer, mute
from toolkit.models.files import ModelFilesError, NotFinite, read_config, refuse_code

INDEX = "model.safetensors.index.json"
LFS = b"version https://git-lfs"
ADAPTER = "adapter_config.json"
FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")  # types that hold one weight in a number


def load_network(folder: Path, dtype: torch.dtype | str = "auto") -> Any:
    """Load a causal language model from the safetensors of a folder; code that comes with it is never run.

    Raises:
        ModelFilesError: for one that cannot be loaded, or whose files lack some of its weights.
    """
    if (folder / ADAPTER).exists():  # or the library would load whatever base that file names
        raise ModelFilesError(f"{folder}: is an adapter, not a whole model; name a folder with config.json")
    loader: Any = AutoModelForCausalLM
    try:
        model, report = loader.from_pretrained(
            folder, dtype=dtype, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
    except (ValueError, OSError, KeyError, ImportError, RuntimeError, TypeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise ModelFilesError(f"{folder}: transformers cannot load it: {_first_line(error)}") from error
    if report["missing_keys"]:  # the library would start them at random
        first = min(report["missing_keys"])
        raise ModelFilesError(f"{folder}: its files lack {len(report['missing_keys'])} weights, such as {first}")
    return model


def check_model(folder: Path, named: str, *, asked: bool, code: bool = True) -> None:
    """Refuse a model folder that would fail later, before anything is spent on it. Reads every weight once.

    Args:
        folder: a Transformers folder, such as `save_pretrained` writes.
        named: what messages call it.
        asked: whether it answers questions in this process, so that it needs a chat template and an end token.
        code: whether to refuse a folder whose configurations name code; such code is never run in any case.

    Raises:
        ModelFilesError: for a folder that cannot be used; it names the file, what is wrong and the remedy.
        NotFinite: for a weight that is not a finite number.
    """
    if code:
        refuse_code(folder, named)
    if (folder / ADAPTER).exists():
        raise ModelFilesError(f"{named}: is an adapter, not a whole model; merge it into its base first")
    if not asked:
        return
    _check_config(folder, named, check_weights(folder, named))
    tokenizer = load_tokenizer(folder, named)
    complaint = mute(tokenizer)
    if complaint:
        raise ModelFilesError(f"{named}: {complaint}")
    if not ends_of(folder, tokenizer):
        raise ModelFilesError(f"{named}: no token ends its answers; set eos_token in tokenizer_config.json")


def check_weights(folder: Path, named: str) -> int:
    """Refuse weights that are not safetensors, cut off, missing or not finite; one tensor at a time is in memory.

    Returns:
        The number of tensors.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelFilesError(f"{named}: holds no *.safetensors; convert it with save_pretrained")
    if (folder / INDEX).exists():
        parts = read_config(folder / INDEX, named).get("weight_map")
        names = set(parts.values()) if isinstance(parts, dict) else {"weight_map"}
        missing = sorted(map(str, names - {file.name for file in files}))
        if missing:
            raise ModelFilesError(
                f"{named}: {INDEX} names {missing[0]}, which does not exist; download the model again"
            )
    return sum(_check_file(file, named) for file in files)


def count_weights(folder: Path, named: str) -> int | None:
    """Count the numbers in all tensors of a folder's safetensors, by their headers; tied weights are stored once.

    Returns:
        None where there are none, or where some weights are packed several to a number.

    Raises:
        ModelFilesError: for a damaged file.
    """
    counts = [_count_file(file, named) for file in sorted(folder.glob("*.safetensors"))]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _count_file(file: Path, named: str) -> int | None:
    try:
        with safe_open(file, framework="pt") as weights:
            slices = [weights.get_slice(name) for name in weights.keys()]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFilesError(f"{named}: {file.name}: is damaged ({error}); download the model again") from error
    if not all(part.get_dtype() in FLOATS for part in slices):
        return None
    return sum(math.prod(part.get_shape()) for part in slices)


def _check_file(file: Path, named: str) -> int:
    with file.open("rb") as start:
        if start.read(len(LFS)) == LFS:
            raise ModelFilesError(f"{named}: {file.name}: is a Git LFS pointer, not weights; run `git lfs pull`")
    try:
        with safe_open(file, framework="pt") as weights:
            names = sorted(weights.keys())
            refuse_not_finite(((name, weights.get_tensor(name)) for name in names), f"{named}: {file.name}")
            return len(names)
    except (SafetensorError, OSError) as error:
        raise ModelFilesError(f"{named}: {file.name}: is damaged ({error}); download the model again") from error


def refuse_not_finite(tensors: Iterable[tuple[str, torch.Tensor]], named: str) -> None:
    """Raise NotFinite, naming the tensor, when a number in one is NaN or infinite."""
    for name, tensor in tensors:
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        # `aminmax` copies nothing, which matters for gigabytes; one-byte types do not support it and are converted.
        extremes = torch.aminmax(tensor.detach() if tensor.element_size() > 1 else tensor.detach().float())
        if not all(torch.isfinite(extreme) for extreme in extremes):
            raise NotFinite(f"{named}: {name} holds a number that is not finite (NaN or infinite)")


def _check_config(folder: Path, named: str, tensors: int) -> None:
    if not (folder / "config.json").is_file():
        raise ModelFilesError(f"{named}: has no config.json, so it is not a Transformers folder")
    read = read_config(folder / "config.json", named)
    kind, layers = read.get("model_type"), read.get("num_hidden_layers")
    if isinstance(layers, int) and layers > tensors:  # the library would build the whole network first, however large
        raise ModelFilesError(f"{named}: config.json names {layers:,} layers, its weights have {tensors:,} tensors")
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # a configuration is checked by its own class, which may raise anything
        raise ModelFilesError(
            f"{named}: config.json: transformers {transformers_version} cannot read model_type {kind!r}: "
            f"{_first_line(error)}"
        ) from error
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise ModelFilesError(f"{named}: config.json: model_type {kind!r} is not a language model that writes text")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


class FiniteLogits(LogitsProcessor):
    """Ends generation with NotFinite at the first logit that is NaN or +infinite.

    Args:
        named: what the message calls the model.
    """

    def __init__(self, named: str) -> None:
        self.named = named

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Give `scores` of shape (rows, vocabulary) unchanged."""
        if not torch.isfinite(scores.max()):  # the largest of all is NaN where any is
            raise NotFinite(f"{self.named}: its logits are not finite: it diverged, or its weights are damaged")
        return scores


class InVocabulary(LogitsProcessor):
    """Rules out the ids that pad a network's vocabulary beyond its tokenizer's: they stand for no text.

    Args:
        tokens: number of tokens of the tokenizer.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Set `scores`, of shape (rows, vocabulary), to -infinity from the tokenizer's size on."""
        scores[:, self.tokens :] = -torch.inf
        return scores


def guards(model: Any, tokenizer: PreTrainedTokenizerBase, named: str) -> list[LogitsProcessor]:
    """Give the logits processors that every generation begins with."""
    beyond = model.config.get_text_config().vocab_size > len(tokenizer)
    return [FiniteLogits(named), *([InVocabulary(len(tokenizer))] if beyond else [])]


def refuse_beyond(model: Any, rows: Iterable[Sequence[int]], named: str) -> None:
    """Raise ModelFilesError where a token id has no row in the network's embedding."""
    known = model.get_input_embeddings().num_embeddings
    largest = max((max(row, default=0) for row in rows), default=0)
    if largest >= known:
        raise ModelFilesError(
            f"{named}: its tokenizer writes token {largest} and its network knows {known} tokens; use the tokenizer "
            "that belongs to the network"
        )
