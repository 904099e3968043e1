"""text-generation-inference, started in Docker."""

from contextlib import AbstractContextManager
from dataclasses import replace

from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers import machine
from toolkit.teachers.docker import docker_run, in_container, mounted
from toolkit.teachers.serve_process import Say

IMAGE = "ghcr.io/huggingface/text-generation-inference:3.3.7"
REQUESTS, STOPS = 128, 4  # TGI's default limits: requests in flight, stop texts per request


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give one command per copy of the model."""
    return machine.commands(_command, teacher, serving, sampling)


def running(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float
) -> AbstractContextManager[machine.Running]:
    """Start the copies, which answer within the body."""
    lines = commands(teacher, serving, sampling)
    return machine.running(
        lines, serving, lambda copy, home: in_container(teacher, serving, copy), say=say, seconds=seconds
    )


def client(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """Name the model as TGI does: a folder by the path that it is mounted at."""
    return replace(teacher, teacher=mounted(teacher)), serving


def options(teacher: Teacher, serving: Serving, sampling: Sampling) -> dict[str, str]:
    """Give TGI's options, without their dashes, that the recipe asks for beyond TGI's defaults."""
    extra = {"quantize": teacher.quantize} if teacher.quantize else {}
    if serving.concurrency > REQUESTS:
        extra["max-concurrent-requests"] = str(serving.concurrency)
    if len(sampling.stop) > STOPS:
        extra["max-stop-sequences"] = str(len(sampling.stop))
    return extra


def _command(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int) -> list[str]:
    start = docker_run(teacher, serving, copy, IMAGE, 80, "/data", "--shm-size", "1g")
    start += ["--model-id", mounted(teacher), *machine.revision_options(teacher)]
    # TGI splits a model over every GPU that it sees.
    start += ["--num-shard", str(serving.shards)] if serving.gpus else []
    extra = options(teacher, serving, sampling)
    return [*start, *(part for name, value in extra.items() for part in (f"--{name}", value))]
