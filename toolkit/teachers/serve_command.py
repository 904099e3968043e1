"""The command of each kind of server, from the recipe alone; nothing is started here.

Every server listens on 127.0.0.1 only, since none of them asks for a password. Docker's commands were written from the
servers' documentation and are tested against a stand-in for the `docker` program: no container was run with them yet.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher

IMAGES = {"tgi": "ghcr.io/huggingface/text-generation-inference:3.3.7", "vllm": "vllm/vllm-openai:v0.23.0"}
TGI_REQUESTS, TGI_STOPS = 128, 4  # TGI's own limits: requests in flight, stop texts per request
LAST_PORT = 65_535
SECRET = re.compile(r"-(key|token|password|secret)\b")
QUANTIZED = ("bnb-4bit", "bnb-8bit")  # by `transformers serve`


def server_command(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int = 0) -> list[str]:
    """The command that starts copy `copy` (from 0) of a server on this machine; it holds no token's value.

    Raises:
        RecipeError: naming the recipe's key that the server cannot follow.
    """
    refuse_what_cannot_be(teacher, serving)
    kinds = {"tgi": _tgi, "vllm": _vllm, "transformers": _transformers}
    return [*kinds[str(serving.server)](teacher, serving, sampling, copy), *serving.server_options]


def tgi_settings(teacher: Teacher, serving: Serving, sampling: Sampling) -> dict[str, str]:
    """Options of TGI, without their dashes, that the recipe asks for beyond TGI's defaults."""
    settings = {"quantize": teacher.quantize} if teacher.quantize else {}
    if serving.concurrency > TGI_REQUESTS:
        settings["max-concurrent-requests"] = str(serving.concurrency)
    if len(sampling.stop) > TGI_STOPS:
        settings["max-stop-sequences"] = str(len(sampling.stop))
    return settings


def copies(serving: Serving) -> int:
    """How many servers are started: one per `shards` GPUs, on ports counted up from `server_port`."""
    if serving.gpus % serving.shards or (serving.shards > 1 and not serving.gpus):
        raise RecipeError(f"shards: {serving.shards} does not divide gpus: {serving.gpus}; each copy needs as many")
    count = max(1, serving.gpus // serving.shards)
    if port_of(serving, count - 1) > LAST_PORT:
        raise RecipeError(f"server_port: {serving.server_port}: {count} copies need as many ports up to {LAST_PORT}")
    return count


def port_of(serving: Serving, copy: int) -> int:
    """The port that copy `copy` listens on."""
    return serving.server_port + copy


def container_of(serving: Serving, copy: int) -> str:
    """The name of copy `copy`'s container, by which it is stopped."""
    return f"fss-teacher-{port_of(serving, copy)}"


def served_name(teacher: Teacher) -> str:
    """What a request must call the model: its Hub name, or a local folder's own name without odd characters."""
    if Path(teacher.teacher).is_dir():
        return re.sub(r"[^A-Za-z0-9]+", "-", Path(teacher.teacher).resolve().name).strip("-") or "teacher"
    return teacher.teacher


def name_at(teacher: Teacher, serving: Serving) -> str:
    """The same at this server: TGI calls a folder by the path that it is mounted at."""
    return _mounted(teacher) if serving.server == "tgi" else served_name(teacher)


def environment(serving: Serving, copy: int) -> dict[str, str]:
    """What a server without Docker is told besides: the GPUs of its copy."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(devices(serving, copy))}


def devices(serving: Serving, copy: int) -> list[str]:
    """The GPUs of copy `copy`, taken from CUDA_VISIBLE_DEVICES where that is set."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    if visible and len(visible) < serving.gpus:
        raise RecipeError(f"gpus: {serving.gpus}, but CUDA_VISIBLE_DEVICES names {len(visible)}")
    named = (visible or [str(number) for number in range(serving.gpus)])[: serving.gpus]
    return named[copy * serving.shards :][: serving.shards]


def hub_cache() -> Path:
    """Where this machine keeps the Hub's models."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser().resolve()


def in_docker(serving: Serving) -> bool:
    """Whether the server runs in a container: TGI always, vLLM where it is not installed or an image is named."""
    if serving.server == "vllm":
        return bool(serving.server_image) or shutil.which("vllm") is None
    return serving.server == "tgi"


def refuse_what_cannot_be(teacher: Teacher, serving: Serving) -> None:
    """Raise RecipeError for an untrained model, or a secret in a recipe."""
    if teacher.teacher == "nano":
        raise RecipeError("teacher: nano is trained on the spot; to serve it, name the folder of one that is trained")
    for option in serving.server_options:
        if option.startswith("-") and SECRET.search(option):
            raise RecipeError(
                f"server_options: {option.split('=')[0]}: a recipe is published and its command printed, so it holds "
                "no secret. A token for the Hub is taken from HF_TOKEN or `hf auth login`"
            )


def _docker(teacher: Teacher, serving: Serving, copy: int, port: int, cache: str, *options: str) -> list[str]:
    """`docker run` up to the image; the Hub's cache of this machine is shared, so that nothing is fetched twice."""
    start = ["docker", "run", "--rm", "--name", container_of(serving, copy)]
    named = devices(serving, copy)
    if len(named) == 1:
        start += ["--gpus", f"device={named[0]}"]
    elif named:
        start += ["--gpus", f'"device={",".join(named)}"']  # Docker reads this as CSV: the quotes are its own
    start += [*options, "-p", f"127.0.0.1:{port_of(serving, copy)}:{port}"]
    folder = Path(teacher.teacher)
    if folder.is_dir():
        start += ["-v", f"{folder.resolve()}:{_mounted(teacher)}:ro"]
    else:
        start += ["-e", "HF_TOKEN", "-v", f"{hub_cache()}:{cache}"]
    return [*start, serving.server_image or IMAGES[str(serving.server)]]


def _mounted(teacher: Teacher) -> str:
    return f"/models/{served_name(teacher)}" if Path(teacher.teacher).is_dir() else teacher.teacher


def _revision(teacher: Teacher) -> list[str]:
    named = teacher.teacher_revision and not Path(teacher.teacher).is_dir()
    return ["--revision", str(teacher.teacher_revision)] if named else []


def _tgi(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    start = _docker(teacher, serving, copy, 80, "/data", "--shm-size", "1g")
    start += ["--model-id", _mounted(teacher), *_revision(teacher)]
    # TGI splits a model over every GPU that it sees.
    start += ["--num-shard", str(serving.shards)] if serving.gpus else []
    settings = tgi_settings(teacher, serving, sampling)
    return [*start, *(part for name, value in settings.items() for part in (f"--{name}", value))]


def _vllm(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    if in_docker(serving):
        cache = "/root/.cache/huggingface/hub"
        start = [*_docker(teacher, serving, copy, 8000, cache, "--ipc=host"), _mounted(teacher)]
    else:
        model = str(Path(teacher.teacher).resolve()) if Path(teacher.teacher).is_dir() else teacher.teacher
        start = ["vllm", "serve", model, "--host", "127.0.0.1", "--port", str(port_of(serving, copy))]
    start += ["--served-model-name", served_name(teacher), *_revision(teacher)]
    start += ["--quantization", teacher.quantize] if teacher.quantize else []
    start += ["--tensor-parallel-size", str(serving.shards)] if serving.shards > 1 else []
    # Without this vLLM adds what the model's generation_config.json holds (top_k, penalties) to what is asked.
    return [*start, "--generation-config", "vllm"]


def _transformers(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    if teacher.quantize not in (None, *QUANTIZED):
        raise RecipeError(f"quantize: {teacher.quantize}: `transformers serve` takes {' or '.join(QUANTIZED)}")
    if serving.server_image:
        raise RecipeError(
            f"server_image: {serving.server_image}: `transformers serve` runs in this Python; leave it out"
        )
    if sampling.stop and "--continuous-batching" in serving.server_options:
        raise RecipeError("server_options: --continuous-batching: it ignores `stop`; leave one of the two out")
    start = [sys.executable, "-m", "transformers.cli.transformers", "serve", served_name(teacher)]
    start += ["--host", "127.0.0.1", "--port", str(port_of(serving, copy))]
    return [*start, *(["--quantization", teacher.quantize] if teacher.quantize else [])]
