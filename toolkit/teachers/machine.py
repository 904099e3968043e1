"""What all servers on this machine share: names, ports, GPUs, and how their copies are started side by side.

Every server listens on 127.0.0.1 only, since none of them asks for a password.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.serve_process import Say, StartedProcess, started, wait_ready

LAST_PORT = 65_535
SECRET = re.compile(r"-(key|token|password|secret)\b")

Command = Callable[[Teacher, Serving, Sampling, int], list[str]]  # for copy n, without the recipe's own options
Running = tuple[
    tuple[str, ...], list[StartedProcess]
]  # URLs that answer, and the processes of this machine behind them


class StartPlace(NamedTuple):
    """A server's environment and working folder, and the command that ends it, if it needs one."""

    environment: dict[str, str | None]
    folder: Path
    finish: Sequence[str] = ()


def commands(command: Command, teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give the command that starts each copy of the model; none holds a token's value.

    Raises:
        RecipeError: naming the recipe's key that the server cannot follow.
    """
    count = copies(serving)
    refuse_what_cannot_be(teacher, serving)
    return [[*command(teacher, serving, sampling, copy), *serving.server_options] for copy in range(count)]


@contextlib.contextmanager
def running(
    lines: Sequence[Sequence[str]],
    serving: Serving,
    place: Callable[[int, Path], StartPlace],
    *,
    say: Say,
    seconds: float,
) -> Iterator[Running]:
    """Start all copies side by side; they answer within the body and are stopped after it.

    Args:
        lines: the command of each copy.
        place: gives the place of copy n; its second argument is a folder that exists as long as the copies run.
        say: takes a line for the screen.
        seconds: how long they may take to be ready.
    """
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fss-teacher-")))
        servers: list[StartedProcess] = []
        for copy, line in enumerate(lines):
            environment, folder, finish = place(copy, home)
            starting = started(
                line,
                name=f"teacher {serving.server} {copy + 1}",
                port=port_of(serving, copy),
                environment=environment,
                folder=folder,
                finish=finish,
            )
            servers.append(stack.enter_context(starting))
        wait_ready(servers, seconds, say)
        yield tuple(server.url for server in servers), servers
        for server in servers:
            say(f"{server.name}: stopping it" if server.code is None else server.report())


def copies(serving: Serving) -> int:
    """Count the servers to start: one per `shards` GPUs, on ports counted up from `server_port`."""
    if serving.gpus % serving.shards or (serving.shards > 1 and not serving.gpus):
        raise RecipeError(
            f"shards: {serving.shards} does not divide gpus: {serving.gpus}; each copy needs that many GPUs"
        )
    count = max(1, serving.gpus // serving.shards)
    if port_of(serving, count - 1) > LAST_PORT:
        raise RecipeError(f"server_port: {serving.server_port}: {count} copies need that many ports up to {LAST_PORT}")
    return count


def port_of(serving: Serving, copy: int) -> int:
    """Give the port that copy `copy` listens on."""
    return serving.server_port + copy


def served_name(teacher: Teacher) -> str:
    """Give the model's name in requests: its Hub name, or a local folder's own name without odd characters."""
    if Path(teacher.teacher).is_dir():
        return re.sub(r"[^A-Za-z0-9]+", "-", Path(teacher.teacher).resolve().name).strip("-") or "teacher"
    return teacher.teacher


def revision_options(teacher: Teacher) -> list[str]:
    """Give the option that names a Hub model's revision."""
    named = teacher.teacher_revision and not Path(teacher.teacher).is_dir()
    return ["--revision", str(teacher.teacher_revision)] if named else []


def gpus_of(serving: Serving, copy: int) -> dict[str, str | None]:
    """Give the environment that shows a server without Docker the GPUs of its copy."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(devices(serving, copy))}


def devices(serving: Serving, copy: int) -> list[str]:
    """Give the GPUs of copy `copy`, taken from CUDA_VISIBLE_DEVICES where that is set."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    if visible and len(visible) < serving.gpus:
        raise RecipeError(f"gpus: {serving.gpus}, but CUDA_VISIBLE_DEVICES names {len(visible)}")
    named = (visible or [str(number) for number in range(serving.gpus)])[: serving.gpus]
    return named[copy * serving.shards :][: serving.shards]


def hub_token(teacher: Teacher) -> dict[str, str | None]:
    """Give the environment with the Hub's token, where the model is fetched, so that no command line holds it."""
    from huggingface_hub import get_token

    return {} if Path(teacher.teacher).is_dir() else {"HF_TOKEN": get_token()}


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
