"""vLLM: the `vllm` program where it is installed, else in Docker."""

import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers import machine
from toolkit.teachers.docker import docker_run, in_container, mounted
from toolkit.teachers.serve_process import Say

IMAGE = "vllm/vllm-openai:v0.23.0"


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give one command per copy of the model."""
    return machine.commands(_command, teacher, serving, sampling)


def running(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float
) -> AbstractContextManager[machine.Running]:
    """Start the copies, which answer within the body."""

    def place(copy: int, home: Path) -> machine.StartPlace:
        if _in_docker(serving):
            return in_container(teacher, serving, copy)
        return machine.StartPlace(machine.hub_token(teacher) | machine.gpus_of(serving, copy), Path.cwd())

    return machine.running(commands(teacher, serving, sampling), serving, place, say=say, seconds=seconds)


def client(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """Name the model as it is served."""
    return replace(teacher, teacher=machine.served_name(teacher)), serving


def _in_docker(serving: Serving) -> bool:
    """Say whether vLLM runs in Docker: an image is named, or it is not installed here."""
    return bool(serving.server_image) or shutil.which("vllm") is None


def _command(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    if _in_docker(serving):
        cache = "/root/.cache/huggingface/hub"
        start = [*docker_run(teacher, serving, copy, IMAGE, 8000, cache, "--ipc=host"), mounted(teacher)]
    else:
        model = str(Path(teacher.teacher).resolve()) if Path(teacher.teacher).is_dir() else teacher.teacher
        start = ["vllm", "serve", model, "--host", "127.0.0.1", "--port", str(machine.port_of(serving, copy))]
    start += ["--served-model-name", machine.served_name(teacher), *machine.revision_options(teacher)]
    start += ["--quantization", teacher.quantize] if teacher.quantize else []
    start += ["--tensor-parallel-size", str(serving.shards)] if serving.shards > 1 else []
    # Without this, vLLM adds the settings of the model's generation_config.json (top_k, penalties) to the request's.
    return [*start, "--generation-config", "vllm"]
