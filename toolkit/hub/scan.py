"""Nothing of this machine goes out: what is pushed is searched for tokens, folders and the host's name before."""

import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from huggingface_hub import constants, get_token

from toolkit.hub.decide import Refused
from toolkit.hub.texts import Unreadable, pieces

VOCABULARY = {"tokenizer.json", "vocab.json", "merges.txt"}  # learnt from texts: `/root` may be a token like any other
KINDS = {
    # A digit or a capital in what follows: `hf_hub_download_...` is a name, and no token is without either.
    "a Hub token": r"\b(?:hf|api_org)_(?=[\w-]*[0-9A-Z])[\w-]{30,}",
    "an API key": "|".join(
        [
            r"\bsk-(?:proj|svcacct|admin|ant-\w+|or-v\d)-(?=[\w-]*\d)[\w-]{20,}",
            r"\bsk-(?=[A-Za-z_]*\d)\w{20,}",
            r"\b(?:AKIA|ASIA)(?=[A-Z]*\d)[0-9A-Z]{16}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}|\bglpat-(?=[\w-]*[0-9A-Z])[\w-]{20,}",
            r"\bxox[abeoprs]-(?=[\w-]*\d)[\w-]{10,}|\bAIza[\w-]{35}(?![\w-])",
            r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",  # a signed web token
        ]
    ),
    "a login header": r"(?i:\bbearer|\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|token))\s+"
    r"(?=[\w.~+/-]*\d)[\w.~+/-]{20,}",
    "a password in an address": r"://[^\s/:@\"'<>]{1,100}:[^\s/@\"'<>{}$]{6,200}@[\w.-]",
    "a private key": r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----",
}
SECRET_NAMES = re.compile(r"(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD)$")  # of environment variables
SHORTEST = 16  # characters of a secret in the environment; `EMPTY` and its like tell nothing
ORDINARY = re.compile(r"[a-zA-Z]{1,7}|localhost")  # host names that are words, tell nothing, and occur in any text
WEIGHTS_THAT_RUN = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".msgpack", ".h5"}


def refuse_secrets(files: Mapping[str, Path], folders: Iterable[Path] = ()) -> None:
    """Make sure that no file of `files` (name -> file) holds a token or key, a folder of this machine, or its name.

    All forms are read: texts, tables with their metadata, archives, what is compressed; of weights the metadata.

    Args:
        folders: more folders that must not be named, such as the workspace; the home folder never may.

    Raises:
        Refused: naming the file, the column or member, and what it holds, never the secret; or a file that cannot be
            read.
    """
    secrets, places = dict(_secrets()), dict(_places(folders))
    for name, path in files.items():
        needles = secrets if path.name in VOCABULARY else secrets | places
        try:
            for piece in pieces(path):
                found = [what for what, pattern in needles.items() if pattern.search(piece.text)]
                if found:
                    holds = f"{name}{piece.where} holds {' and '.join(found)}"
                    raise Refused(f"{holds}; name things by repo, key or digest and make it again")
        except Unreadable as error:
            raise Refused(f"{name}: cannot be searched for secrets, it is damaged ({error}); make it again") from error


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


def _secrets() -> Iterator[tuple[str, re.Pattern[str]]]:
    tokens = {found for found in (get_token(), _stored()) if found}
    named = {value for name, value in os.environ.items() if SECRET_NAMES.search(name) and len(value) >= SHORTEST}
    known = {"a Hub token": tokens, "an API key": named - tokens}
    for what, pattern in KINDS.items():
        yield what, re.compile("|".join([pattern, *map(re.escape, sorted(known.get(what, ())))]))


def _places(folders: Iterable[Path]) -> Iterator[tuple[str, re.Pattern[str]]]:
    homes = [f"{home}/" for home in {Path.home(), Path.home().resolve()} if home != Path("/")]
    named = {str(each) for folder in folders for each in (folder.absolute(), folder.resolve())} - {"/"}
    paths = [*map(re.escape, homes), *(rf"{re.escape(path)}(?![\w-])" for path in sorted(named))]
    if paths:
        yield "a folder of this machine", re.compile(rf"(?<![\w.-])(?:{'|'.join(paths)})")
    host = socket.gethostname()
    if host and not ORDINARY.fullmatch(host):
        yield "this machine's name", re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")


def _stored() -> str | None:
    """The token in the file that `hf auth login` writes, also where the environment names another."""
    path = Path(constants.HF_TOKEN_PATH)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
