"""`transformers serve` in this Python, with the model laid out so that it samples as the recipe says.

What a request can set with transformers 5.23.0, tried on a running server:

- temperature and top_p: yes, but only where the model's generation_config.json says `do_sample: true`; without it every
  answer is greedy, whatever the request says. top_k, which no request sets, is 50 unless that file says otherwise.
- max_tokens: yes; finish_reason is `length` when it is reached. `stop`: yes (kept at the end of the text), but a
  tokenizer whose pieces are plain words makes such a request fail with 500, so that it is refused here. `n` and
  logprobs: ignored.
- seed: it seeds the whole process when the request arrives, and one response is drawn at a time. A seed repeats its
  response only when requests come one by one (`concurrency: 1`); several at once are still independent draws.
- with --continuous-batching: max_tokens only. Temperature and top_p are those of the first request, `stop` is ignored,
  and the first request's seed too.
- `model` must be the name that the server was started with; any other is refused with 400. GET /v1/models lists the
  Hub's cache folder, not what is served, and fails with 500 where there is no such folder.

Therefore the server gets a Hub cache of its own that holds links to this one model, and a generation_config.json with
the recipe's sampling and nothing else that affects it. It needs no network.
"""

import json
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers import machine
from toolkit.teachers.serve_process import Say

BATCHED = "--continuous-batching"
QUANTIZED = ("bnb-4bit", "bnb-8bit")
LOCAL = "0" * 40  # stands where a Hub model has its commit
LEFT_OUT = ["*.bin", "*.pth", "*.pt", "*.gguf"]  # safetensors only


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give one command per copy of the model."""
    return machine.commands(_command, teacher, serving, sampling)


def running(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float
) -> AbstractContextManager[machine.Running]:
    """Start the copies, which answer within the body."""

    def place(copy: int, home: Path) -> machine.StartPlace:
        work = home / "work"  # empty, so that the model's name is not taken for a folder
        if not copy:
            work.mkdir()
            lay_out(teacher, sampling, home)
        return machine.StartPlace(environment(home) | machine.gpus_of(serving, copy), work)

    return machine.running(commands(teacher, serving, sampling), serving, place, say=say, seconds=seconds)


def client(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """Name the model as it is served, and send one request at a time where only so a seed repeats its response."""
    named = replace(teacher, teacher=machine.served_name(teacher))
    return named, serving if BATCHED in serving.server_options else replace(serving, concurrency=1)


def _command(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    if teacher.quantize not in (None, *QUANTIZED):
        raise RecipeError(f"quantize: {teacher.quantize}: `transformers serve` takes {' or '.join(QUANTIZED)}")
    if serving.server_image:
        raise RecipeError(
            f"server_image: {serving.server_image}: `transformers serve` runs in this Python; leave it out"
        )
    if sampling.stop and BATCHED in serving.server_options:
        raise RecipeError(f"server_options: {BATCHED}: it ignores `stop`; leave one of the two out")
    start = [sys.executable, "-m", "transformers.cli.transformers", "serve", machine.served_name(teacher)]
    start += ["--host", "127.0.0.1", "--port", str(machine.port_of(serving, copy))]
    return [*start, *(["--quantization", teacher.quantize] if teacher.quantize else [])]


def lay_out(teacher: Teacher, sampling: Sampling, home: Path) -> None:
    """Write the cache `home`/hub with the teacher in it, a Transformers folder or a Hub model (fetched if need be).

    Raises:
        RecipeError: for `stop` with a tokenizer that cannot be stopped at a text.
    """
    folder, commit = _model(teacher)
    if sampling.stop:
        _refuse_unstoppable(folder)
    place = home / "hub" / f"models--{machine.served_name(teacher).replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit, encoding="utf-8")
    generation = snapshot / "generation_config.json"
    generation.unlink(missing_ok=True)
    generation.write_text(json.dumps(generation_config(folder, sampling)), encoding="utf-8")


def environment(home: Path) -> dict[str, str | None]:
    """Give the environment in which a server reads `home` and nothing else."""
    hub = str(home / "hub")
    return {"HF_HOME": str(home), "HF_HUB_CACHE": hub, "HF_HUB_OFFLINE": "1", "HUGGINGFACE_HUB_CACHE": None}


def generation_config(folder: Path, sampling: Sampling) -> dict[str, Any]:
    """Give the recipe's sampling with the model's own special tokens, without its top_k, penalties and the like."""
    config = _read(folder / "config.json")
    sources = (config.get("text_config", {}), config, _read(folder / "generation_config.json"))
    known = {key: value for source in sources for key, value in source.items() if value is not None}
    tokens = {key: known[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in known}
    return tokens | {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}


def _model(teacher: Teacher) -> tuple[Path, str]:
    if Path(teacher.teacher).is_dir():
        return Path(teacher.teacher), LOCAL
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(teacher.teacher, revision=teacher.teacher_revision, ignore_patterns=LEFT_OUT))
    return folder, folder.name


def _refuse_unstoppable(folder: Path) -> None:
    from transformers import StopStringCriteria

    from toolkit.models.chat import load_tokenizer

    tokenizer = load_tokenizer(folder)
    try:
        StopStringCriteria.clean_tokenizer_vocab(tokenizer)
    except ValueError as error:
        raise RecipeError(
            "stop: `transformers serve` cannot stop at a text with this model's tokenizer, whose pieces are whole "
            "words; leave `stop` out: a response also ends at the model's own end token"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return data
