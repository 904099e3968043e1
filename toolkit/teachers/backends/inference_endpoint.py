"""A Hugging Face Inference Endpoint that runs text-generation-inference: created or woken, awaited, scaled to zero.

Nothing is ever deleted. An endpoint that ran before is left running; one that was created or woken here is scaled to
zero at the end, and by the platform itself after `IDLE_MINUTES` without a request, should this process be killed. It is
tested with the real client against a loopback of the management API; no endpoint has been paid for yet.
"""

import contextlib
import hashlib
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, InferenceEndpoint, get_token
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.backends import tgi
from toolkit.teachers.machine import Running, refuse_what_cannot_be
from toolkit.teachers.serve_process import TELL, Say, ServeError

IDLE_MINUTES = 15
OFF, FAILED = ("paused", "scaledToZero"), ("failed", "updateFailed")


def commands(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[list[str]]:
    """Give the `hf` command that would make the same endpoint, for people to read; `endpoint` uses the API."""
    return [endpoint_command(teacher, serving, sampling)]


@contextlib.contextmanager
def running(teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float) -> Iterator[Running]:
    """Give the endpoint's URL, which answers within the body; no process of this machine is behind it."""
    with endpoint(teacher, serving, sampling, say=say, seconds=seconds) as url:
        yield (url,), []


def client(teacher: Teacher, serving: Serving) -> tuple[Teacher, Serving]:
    """Name the model by its Hub name, as the endpoint does."""
    return teacher, serving


def endpoint_name(teacher: Teacher) -> str:
    """Give an endpoint's name (at most 32 of a-z, 0-9 and -), the same for the same model and revision."""
    digest = hashlib.sha256(f"{teacher.teacher}@{teacher.teacher_revision}".encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", teacher.teacher.split("/")[-1].lower())[:18].strip("-")
    return f"fss-{slug}-{digest}"


def endpoint_settings(teacher: Teacher, serving: Serving, sampling: Sampling) -> dict[str, Any]:
    """Give the settings to make the endpoint with, except its accelerator, which the platform's hardware list tells.

    Raises:
        RecipeError: for a model that is not on the Hub, or an `instance` that is not vendor/region/type/size.
    """
    refuse_what_cannot_be(teacher, serving)
    if Path(teacher.teacher).is_dir():
        raise RecipeError(f"teacher: {teacher.teacher} is a folder; an Inference Endpoint takes models of the Hub only")
    parts = (serving.instance or "").split("/")
    if len(parts) != 4 or not all(parts):
        raise RecipeError(f"instance: {serving.instance}: write vendor/region/type/size: aws/us-east-1/nvidia-l4/x1")
    options = tgi.options(teacher, serving, sampling) | (
        {"num-shard": str(serving.shards)} if serving.shards > 1 else {}
    )
    variables = {name.upper().replace("-", "_"): value for name, value in options.items()}
    return {
        **dict(zip(("vendor", "region", "instance_type", "instance_size"), parts, strict=True)),
        "repository": teacher.teacher,
        "revision": teacher.teacher_revision,
        "framework": "custom",
        "task": "text-generation",
        "custom_image": {"url": serving.server_image or tgi.IMAGE, "healthRoute": "/health"},
        "env": {"MODEL_ID": "/repository"} | variables,
        "container_args": list(serving.server_options) or None,
        "min_replica": 0,
        "scale_to_zero_timeout": IDLE_MINUTES,
    }


def endpoint_command(teacher: Teacher, serving: Serving, sampling: Sampling) -> list[str]:
    """Give the `hf endpoints deploy` command with the endpoint's settings."""
    settings = endpoint_settings(teacher, serving, sampling)
    image, variables, arguments = settings.pop("custom_image"), settings.pop("env"), settings.pop("container_args")
    settings = {"repo": settings.pop("repository"), "accelerator": "gpu" if serving.gpus else "cpu"} | settings
    settings |= {"custom_image": image["url"], "health_route": image["healthRoute"]}
    settings |= {"container_args": shlex.join(arguments)} if arguments else {}
    options = [(f"--{key.replace('_', '-')}", str(value)) for key, value in settings.items() if value is not None]
    options += [("-e", f"{key}={value}") for key, value in variables.items()]
    return ["hf", "endpoints", "deploy", endpoint_name(teacher), *(part for option in options for part in option)]


@contextlib.contextmanager
def endpoint(
    teacher: Teacher, serving: Serving, sampling: Sampling, *, say: Say, seconds: float, every: float = 5.0
) -> Iterator[str]:
    """Give the URL of the recipe's endpoint, which answers within the body to requests with the Hub's token.

    Args:
        seconds: how long it may take to be ready.
        every: seconds between two checks of its state.

    Raises:
        RecipeError: see `endpoint_settings`; also for an `instance` that the platform does not offer.
        ServeError: where it cannot be made, fails, is not ready in time, or cannot be scaled to zero.
    """
    settings = endpoint_settings(teacher, serving, sampling)
    if get_token() is None:
        raise ServeError("server: endpoint: no token for the Hub; run `hf auth login` or set HF_TOKEN")
    api = HfApi()
    with _explained(f"Inference Endpoint of {teacher.teacher}"):
        hardware = _hardware(api, settings)
        price = f"${hardware.price_per_hour:g} an hour"
        remote, ours = _made_or_woken(api, endpoint_name(teacher), settings, hardware.accelerator)
    say(f"Inference Endpoint {remote.name}: {remote.status}; it costs {price} while it runs")
    try:
        with _explained(f"Inference Endpoint {remote.name}"):
            url = _ready(remote, seconds, every, say)
        say(f"Inference Endpoint {remote.name}: ready at {url}")
        yield url
    except ServeError as error:
        say(str(error))  # at once, since turning it off may fail as well
        raise
    finally:
        _leave(remote, ours, price, say)


def _hardware(api: HfApi, settings: dict[str, Any]) -> Any:
    keys = ("vendor", "region", "instance_type", "instance_size")
    offered = {"/".join(getattr(item, key) for key in keys): item for item in api.list_inference_endpoints_hardware()}
    instance = "/".join(settings[key] for key in keys)
    if instance not in offered:
        near = [name for name in offered if name.startswith(f"{settings['vendor']}/{settings['region']}/")]
        raise RecipeError(f"instance: {instance} is not offered; there are: {', '.join(sorted(near or offered))}")
    return offered[instance]


def _made_or_woken(api: HfApi, name: str, settings: dict[str, Any], accelerator: str) -> tuple[InferenceEndpoint, bool]:
    """Make the endpoint, or wake it; give it, and whether it was off before, so that we turn it off again."""
    try:
        remote = api.get_inference_endpoint(name)
    except HfHubHTTPError as error:
        if error.response.status_code != 404:
            raise
        return api.create_inference_endpoint(name, accelerator=accelerator, type="authenticated", **settings), True
    _same(remote, settings)
    off = remote.status in OFF
    if remote.status == "scaledToZero" and remote.url:
        # The platform wakes it for a request, and answers this one with an error.
        get_session().get(remote.url, headers=_token())
    elif off:
        remote.resume()
    return remote, off


def _same(remote: InferenceEndpoint, settings: dict[str, Any]) -> None:
    compute, model = remote.raw["compute"], remote.raw["model"]
    pairs = {
        "repository": (model["repository"], settings["repository"]),
        "revision": (model["revision"], settings["revision"]),
        "instance": (compute["instanceType"], settings["instance_type"]),
        "size": (compute["instanceSize"], settings["instance_size"]),
    }
    other = [f"{key} {has} instead of {wanted}" for key, (has, wanted) in pairs.items() if has != wanted]
    if other:
        raise ServeError(
            f"Inference Endpoint {remote.name} already exists with {', '.join(other)}; "
            f"change the recipe, or remove it: hf endpoints delete {remote.name}"
        )


def _ready(remote: InferenceEndpoint, seconds: float, every: float, say: Say) -> str:
    """Wait until the endpoint answers, and give its URL."""
    start = last_line = time.monotonic()
    while state := _not_yet(remote):
        now = time.monotonic()
        if now - start > seconds:
            raise ServeError(f"Inference Endpoint {remote.name} is not ready after {now - start:.0f} s: {state}")
        if now - last_line > TELL:
            last_line = now
            say(f"Inference Endpoint {remote.name}: {now - start:.0f} s, {state}")
        time.sleep(every)
    return str(remote.url)


def _not_yet(remote: InferenceEndpoint) -> str:
    """Say why the endpoint does not answer yet, or nothing once it does; faults of network and platform pass."""
    try:
        remote.fetch()
        message = remote.raw["status"].get("message") or "no reason given"
        if remote.status in FAILED:
            raise ServeError(f"Inference Endpoint {remote.name} {remote.status}: {message}; its logs are on its page")
        if remote.status != "running" or remote.url is None:
            return f"{remote.status}: {message}"
        health = get_session().get(f"{remote.url}{remote.health_route}", headers=_token())
        return "" if health.status_code == 200 else f"running, and {remote.health_route} answers {health.status_code}"
    except httpx2.TransportError as fault:  # a new endpoint's name is not known everywhere at once
        return f"{remote.status}: {fault or type(fault).__name__}"
    except HfHubHTTPError as fault:
        if fault.response.status_code < 500:
            raise
        return f"{remote.status}: the platform answers {fault.response.status_code}"


def _token() -> dict[str, str]:
    return {"Authorization": f"Bearer {get_token()}"}


def _leave(remote: InferenceEndpoint, ours: bool, price: str, say: Say) -> None:
    if not ours:
        say(f"Inference Endpoint {remote.name} ran before and is left running: {price}")
        return
    try:
        remote.scale_to_zero()
    except HfHubHTTPError as error:
        raise ServeError(
            f"Inference Endpoint {remote.name} could not be scaled to zero and may go on costing {price} for up to "
            f"{IDLE_MINUTES} minutes ({error}); run: hf endpoints scale-to-zero {remote.name}"
        ) from error
    say(
        f"Inference Endpoint {remote.name}: scaled to zero, which costs nothing until it is asked again; "
        f"to remove it: hf endpoints delete {remote.name}"
    )


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except httpx2.HTTPError as error:
        raise ServeError(f"{what}: {error}") from error
