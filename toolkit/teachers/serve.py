"""Starts the recipe's teacher server, waits until it answers, and stops it at the end.

Each kind of server is a file in `toolkit.teachers.backends`. With more `gpus` than `shards` there are several copies of
the model, each with a URL of its own.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, cast

from toolkit.doors import SERVERS, open_door
from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.machine import Running
from toolkit.teachers.serve_process import LOOK, Say, ServeError, StartedProcess, shown
from toolkit.text import listed

START_SECONDS = 3600.0  # time for a server to answer: a large model is fetched and loaded first
URLS = "FSS_TEACHER_URLS"  # variable in which the command that `serve` runs finds the URLs, separated by commas


class StartedServer(Protocol):
    """A module of a server that a run can start; it stands in `toolkit.doors.SERVERS`."""

    def commands(self, teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
        """Give the commands to run, one per copy of the model, for people to read; none holds a token's value.

        Raises:
            RecipeError: naming the recipe's key that the server cannot follow.
        """

    def running(
        self, teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float
    ) -> AbstractContextManager[Running]:
        """Start the servers, which answer within the body and are stopped after it."""

    def client(self, teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
        """Give the settings of the server's client: the model by the name that the server knows it by."""


def server_of(serving: Serving) -> StartedServer:
    """Import the module of the recipe's server.

    Raises:
        RecipeError: for a recipe without one.
        DoorError: for a module that lacks one of its functions.
    """
    if serving.server is None:
        raise RecipeError(f"server: missing; name what is to be started: {listed(SERVERS)}")
    return cast(StartedServer, open_door(SERVERS, serving.server, "commands", "running", "client"))


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give the commands that start the recipe's server; see `StartedServer.commands`."""
    return server_of(serving).commands(teacher, serving, sampling)


def client_settings(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """Give the settings of the started server's client; see `StartedServer.client`."""
    return server_of(serving).client(teacher, serving)


@contextlib.contextmanager
def serving(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float = START_SECONDS
) -> Iterator[tuple[str, ...]]:
    """Start the recipe's servers and give their URLs; they answer within the body and are stopped however it ends.

    Args:
        teacher: a Hub model or a Transformers folder.
        say: takes a line for the screen: the command, progress, and how the server ended.
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
    """Treat SIGTERM as Ctrl-C, so that `kill` turns an Inference Endpoint off too; from the main thread only."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _opened(teacher: Teacher, serving: Serving, sampling: Sampling, say: Say, seconds: float) -> Iterator[Running]:
    """Show the commands, then give the running servers."""
    for line in commands(teacher, serving, sampling):
        say(shown(line))
    with server_of(serving).running(teacher, serving, sampling, say=say, seconds=seconds) as running:
        yield running


def _watch(servers: Sequence[StartedProcess]) -> None:
    while True:
        for server in servers:
            if server.code is not None:
                raise ServeError(server.report())
        time.sleep(LOOK)
