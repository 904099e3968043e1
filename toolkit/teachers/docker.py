"""Starts a server in Docker.

The commands were written from the servers' documentation and are tested against a stand-in for the `docker` program: no
container has been run with them yet.
"""

from pathlib import Path

from toolkit.recipe.sections import Serving, Teacher
from toolkit.teachers.machine import StartPlace, devices, hub_token, port_of, served_name


def docker_run(
    teacher: Teacher, serving: Serving, copy: int, image: str, port: int, cache: str, *options: str
) -> list[str]:
    """Give the `docker run` command up to the image; this machine's Hub cache is shared, so nothing is fetched twice.

    Args:
        image: the server's own image; a recipe may name another.
        port: the port that the server listens on in its container.
        cache: the folder in the container where it looks for the Hub's models.
        options: more options of `docker run`.
    """
    start = ["docker", "run", "--rm", "--name", container_of(serving, copy)]
    named = devices(serving, copy)
    if len(named) == 1:
        start += ["--gpus", f"device={named[0]}"]
    elif named:
        start += ["--gpus", f'"device={",".join(named)}"']  # Docker reads this as CSV: the quotes are its own
    start += [*options, "-p", f"127.0.0.1:{port_of(serving, copy)}:{port}"]
    folder = Path(teacher.teacher)
    if folder.is_dir():
        start += ["-v", f"{folder.resolve()}:{mounted(teacher)}:ro"]
    else:
        start += ["-e", "HF_TOKEN", "-v", f"{hub_cache()}:{cache}"]
    return [*start, serving.server_image or image]


def in_container(teacher: Teacher, serving: Serving, copy: int) -> StartPlace:
    """Give the place that copy `copy` is started from."""
    hub_cache().mkdir(parents=True, exist_ok=True)  # or Docker would make it, owned by root
    return StartPlace(hub_token(teacher), Path.cwd(), ["docker", "stop", container_of(serving, copy)])


def container_of(serving: Serving, copy: int) -> str:
    """Name the container of copy `copy`, by which it is stopped."""
    return f"fss-teacher-{port_of(serving, copy)}"


def mounted(teacher: Teacher) -> str:
    """Say where a container finds the model: the path at which a local folder is mounted, else its Hub name."""
    return f"/models/{served_name(teacher)}" if Path(teacher.teacher).is_dir() else teacher.teacher


def hub_cache() -> Path:
    """Give the folder in which this machine keeps the Hub's models."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser().resolve()
