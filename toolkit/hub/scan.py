"""Nothing of this machine goes out: texts are searched for tokens, folders and the host's name before a push."""

import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from huggingface_hub import constants, get_token

from toolkit.hub.decide import Refused

TEXTS = {".md", ".json", ".yaml", ".yml", ".jinja", ".txt", ".csv", ".py"}
VOCABULARY = {"tokenizer.json", "vocab.json", "merges.txt"}  # learnt from texts: `/root` may be a token like any other
TOKEN = re.compile(r"\b(?:hf|api_org)_[\w-]{30,}")
ORDINARY = re.compile(r"[a-zA-Z]{1,7}|localhost")  # host names that are words, tell nothing, and occur in any text
WEIGHTS_THAT_RUN = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".msgpack", ".h5"}


def refuse_secrets(texts: Mapping[str, Path], folders: Iterable[Path] = ()) -> None:
    """Make sure that no text of `texts` (name -> file) holds a Hub token, a folder of this machine, or its name.

    Args:
        folders: more folders that must not be named, such as the workspace; the home folder never may.

    Raises:
        Refused: naming the file and what it holds, never the secret.
    """
    needles = dict(_needles(folders))
    for name, path in texts.items():
        if path.suffix not in TEXTS or path.name in VOCABULARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = [what for what, pattern in needles.items() if pattern.search(text)]
        if found:
            raise Refused(f"{name} holds {' and '.join(found)}; name things by repo, key or digest and make it again")


def refuse_pickles(names: Iterable[str]) -> None:
    """Make sure that weights are safetensors: other forms may run code when they are loaded.

    Raises:
        Refused: naming the files.
    """
    bad = [name for name in names if Path(name).suffix in WEIGHTS_THAT_RUN]
    if bad:
        raise Refused(f"{', '.join(bad)}: only safetensors are published; save the weights with save_pretrained")


def refuse_paths(configs: Mapping[str, Path]) -> None:
    """Make sure that no model configuration names a folder; PEFT and Transformers note where they loaded a base from.

    Raises:
        Refused: naming the file, the field and the mend.
    """
    for name, path in configs.items():
        settings = json.loads(path.read_text(encoding="utf-8"))
        for field in ("base_model_name_or_path", "_name_or_path", "name_or_path"):
            value = settings.get(field) if isinstance(settings, dict) else None
            if isinstance(value, str) and (value.startswith(("/", ".", "~")) or "\\" in value or value.count("/") > 1):
                raise Refused(f"{name}: {field} is a folder of some machine; give the base's repo")


def _needles(folders: Iterable[Path]) -> Iterator[tuple[str, re.Pattern[str]]]:
    tokens = {found for found in (get_token(), _stored()) if found}
    yield "a Hub token", re.compile("|".join([TOKEN.pattern, *map(re.escape, tokens)]))
    paths = [f"{Path.home()}/", *(str(folder.resolve()) for folder in folders)]
    yield "a folder of this machine", re.compile("|".join(map(re.escape, paths)))
    host = socket.gethostname()
    if host and not ORDINARY.fullmatch(host):
        yield "this machine's name", re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")


def _stored() -> str | None:
    """The token in the file that `hf auth login` writes, also where the environment names another."""
    path = Path(constants.HF_TOKEN_PATH)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
