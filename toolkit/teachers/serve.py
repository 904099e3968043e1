"""Start the recipe's teacher server, wait until it answers, stop it at the end.

`tgi` and `vllm` run in Docker (vLLM without it where `vllm` is installed), `transformers` in this Python, `endpoint` at
Hugging Face. With more `gpus` than `shards` there are several copies of the model, each with a URL of its own.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from huggingface_hub import get_token

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers import serve_command, serve_folder
from toolkit.teachers.serve_process import LOOK, Say, ServeError, Server, shown, started, wait_ready

START_SECONDS = 3600.0  # until a server must answer: a large model is fetched and loaded first
URLS = "FSS_TEACHER_URLS"  # where the command that `serve` runs finds the URLs, separated by commas


def command(teacher: Teacher, serving: Serving, sampling: Sampling, copy: int = 0) -> list[str]:
    """The command that starts copy `copy` (from 0) of the recipe's server; it holds no token's value.

    For an Inference Endpoint it is the `hf` command that makes the same endpoint.

    Raises:
        RecipeError: naming the recipe's key that the server cannot follow.
    """
    if serving.server is None:
        raise RecipeError("server: missing; name what is to be started: tgi, vllm, transformers or endpoint")
    if serving.server == "endpoint":
        from toolkit.teachers.serve_endpoint import endpoint_command

        return endpoint_command(teacher, serving, sampling)
    return serve_command.server_command(teacher, serving, sampling, copy)


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """One command per copy of the model."""
    copies = 1 if serving.server == "endpoint" else serve_command.copies(serving)
    return [command(teacher, serving, sampling, copy) for copy in range(copies)]


def client_settings(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """What a client of the started server is made with: the model by the name that the server knows it by.

    `transformers serve` draws one response at a time and keeps to a request's seed only if no other request waits, so
    that its client sends one by one, unless it is started with --continuous-batching (see `serve_folder`).
    """
    named = replace(teacher, teacher=serve_command.name_at(teacher, serving))
    if serving.server == "transformers" and "--continuous-batching" not in serving.server_options:
        return named, replace(serving, concurrency=1)
    return named, serving


@contextlib.contextmanager
def serving(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float = START_SECONDS
) -> Iterator[tuple[str, ...]]:
    """The URLs of the recipe's servers, which answer within the body and are stopped after it, however it ends.

    Args:
        teacher: a Hub model or a Transformers folder.
        say: takes a line for the screen: the command, progress, and what became of the server.
        seconds: how long the server may take to be ready.

    Raises:
        RecipeError: naming the recipe's key that the server cannot follow.
        ServeError: where a port is taken, a program is missing, or a server ends early (with the end of its log).
    """
    with _opened(teacher, serving, sampling, say, seconds) as (urls, _):
        yield urls


def serve(
    teacher: Teacher,
    serving: Serving,
    sampling: Sampling,
    arguments: Sequence[str] = (),
    *,
    say: Say,
    seconds: float = START_SECONDS,
) -> int:
    """Serve until Ctrl-C or SIGTERM (returns 0), or while the command `arguments` runs (returns its exit code).

    The command finds the URLs in the environment as FSS_TEACHER_URLS, separated by commas.

    Raises:
        RecipeError, ServeError: as `serving`; also where the server ends by itself.
    """
    with _terminated_as_interrupted(), _opened(teacher, serving, sampling, say, seconds) as (urls, servers):
        say(f"urls: [{', '.join(urls)}]")
        if arguments:
            return subprocess.run(arguments, env=os.environ | {URLS: ",".join(urls)}, check=False).returncode
        with contextlib.suppress(KeyboardInterrupt):
            say("serving until Ctrl-C")
            _watch(servers)
    return 0


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM as Ctrl-C, so that `kill` turns an Inference Endpoint off too; from the main thread only."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _opened(
    teacher: Teacher, serving: Serving, sampling: Sampling, say: Say, seconds: float
) -> Iterator[tuple[tuple[str, ...], list[Server]]]:
    """URLs, and the processes behind them: none for an Inference Endpoint."""
    for line in commands(teacher, serving, sampling):
        say(shown(line))
    if serving.server == "endpoint":
        from toolkit.teachers.serve_endpoint import endpoint

        with endpoint(teacher, serving, sampling, say=say, seconds=seconds) as url:
            yield (url,), []
        return
    with contextlib.ExitStack() as stack:
        servers = _started(teacher, serving, sampling, stack)
        wait_ready(servers, seconds, say)
        yield tuple(server.url for server in servers), servers
        for server in servers:
            say(f"{server.name}: stopping it" if server.code is None else server.report())


def _started(teacher: Teacher, serving: Serving, sampling: Sampling, stack: contextlib.ExitStack) -> list[Server]:
    """All copies, side by side; `stack` ends them."""
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fss-teacher-")))
    folder = Path.cwd()
    if serving.server == "transformers":
        folder = home / "work"  # empty, so that the model's name is not taken for a folder
        folder.mkdir()
        serve_folder.lay_out(teacher, sampling, home)
    if serve_command.in_docker(serving):
        serve_command.hub_cache().mkdir(parents=True, exist_ok=True)  # Docker would make it, as root's
    servers = []
    for copy, line in enumerate(commands(teacher, serving, sampling)):
        container = serve_command.container_of(serving, copy)
        server = started(
            line,
            name=f"teacher {serving.server} {copy + 1}",
            port=serve_command.port_of(serving, copy),
            environment=_environment(teacher, serving, copy, home),
            folder=folder,
            finish=["docker", "stop", container] if serve_command.in_docker(serving) else [],
        )
        servers.append(stack.enter_context(server))
    return servers


def _environment(teacher: Teacher, serving: Serving, copy: int, home: Path) -> dict[str, str | None]:
    if serving.server == "transformers":
        return {**serve_folder.environment(home), **serve_command.environment(serving, copy)}
    # Handed over by name only: its value is in no command line.
    token: dict[str, str | None] = {} if Path(teacher.teacher).is_dir() else {"HF_TOKEN": get_token()}
    return token if serve_command.in_docker(serving) else {**token, **serve_command.environment(serving, copy)}


def _watch(servers: Sequence[Server]) -> None:
    while True:
        for server in servers:
            if server.code is not None:
                raise ServeError(server.report())
        time.sleep(LOOK)
