"""Checks of a model folder's files, read as data before any library loads them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG_BYTES = 2**24  # largest size of one configuration; real ones are below a megabyte
ENDS = ("generation_config.json", "config.json")  # files that list the end tokens of an answer
MAPS = {"auto_map", "auto_mapping", "custom_pipelines"}  # keys that name Python code to import
KERNELS = ("attn_implementation", "experts_implementation")
KERNEL = re.compile(r"[^/\s]+/[^/\s]+")  # `org/name`, optionally with a revision: an implementation that is Hub code
REMEDY = "code that comes with a model is never run; use a model that transformers reads without it"


class ModelFilesError(ValueError):
    """A model folder that cannot be used; the message names the file, what is wrong and the remedy."""


class NotFinite(ValueError):
    """A number that training or a model computed is not finite: the student diverged, or its weights are damaged."""


class Collapsed(NotFinite):
    """A student that diverged while its numbers were still finite: its accepted responses have become unlikely."""


def refuse_code(folder: Path, named: str) -> None:
    """Refuse a folder whose configurations ask a library to import Python code.

    Reads every `*config.json` of the folder (model, tokenizer, processor, generation, adapter) and no other file; each
    may have 16 MiB at most.

    Args:
        folder: a Transformers model, tokenizer or adapter.
        named: what the message calls it: a repo with its revision, or the folder.

    Raises:
        ModelFilesError: for a map to code (`auto_map`), a Hub kernel as an implementation, a `custom_generate` folder,
            or a configuration that is not a JSON object; the message names the file and the key.
    """
    for path in sorted(folder.glob("*config.json")):
        for key, value in _items(read_config(path, named)):
            if _is_code(key, value):
                raise ModelFilesError(f"{named}: {path.name}: `{key}` names code, {json.dumps(value)[:100]}; {REMEDY}")
    if (folder / "custom_generate").exists():
        raise ModelFilesError(f"{named}: custom_generate holds code; {REMEDY}")


def read_config(path: Path, named: str) -> dict[str, Any]:
    """Read the JSON object in `path`.

    Raises:
        ModelFilesError: for anything else, and for a file of more than 16 MiB.
    """
    if path.stat().st_size > CONFIG_BYTES:
        raise ModelFilesError(
            f"{named}: {path.name}: has {path.stat().st_size:,} bytes; no configuration is that large"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFilesError(f"{named}: {path.name}: is not JSON ({error}); download the model again") from error
    if not isinstance(config, dict):
        raise ModelFilesError(f"{named}: {path.name}: is not a JSON object; download the model again")
    return config


def listed_ends(folder: Path) -> set[int]:
    """Give the token ids that end an answer, as generation_config.json and config.json in `folder` list them.

    What the files do not say is not filled in: the default of a configuration class is a token of another vocabulary.

    Raises:
        ModelFilesError: for an end that is not a token id.
    """
    configs = [read_config(folder / name, str(folder)) for name in ENDS if (folder / name).is_file()]
    parts = [part for config in configs for part in (config, config.get("text_config")) if isinstance(part, dict)]
    ends: set[int] = set()
    for listed in (part.get("eos_token_id") for part in parts):
        ids = listed if isinstance(listed, list) else [] if listed is None else [listed]
        if not all(type(end) is int for end in ids):
            raise ModelFilesError(f"{folder}: eos_token_id: {listed!r} is neither a token id nor a list of them")
        ends.update(end for end in ids if end >= 0)  # -1 stands for none in some configurations
    return ends


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of nested JSON with its value, at any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item.items()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _is_code(key: str, value: Any) -> bool:
    if key in MAPS:
        return bool(value)
    kernels = value.values() if isinstance(value, dict) else [value]
    named = any(isinstance(kernel, str) and KERNEL.search(kernel) for kernel in kernels)
    return named and any(kind in key for kind in KERNELS)
