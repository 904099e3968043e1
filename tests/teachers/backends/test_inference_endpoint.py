"""Inference Endpoints: the real huggingface_hub client against a loopback of the management API."""

import contextlib
from urllib.request import Request, urlopen

import huggingface_hub.constants
import pytest

from tests.fakes.endpoints_api import TOKEN, endpoints_api
from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.backends.inference_endpoint import endpoint, endpoint_name
from toolkit.teachers.serve_process import ServeError

TEACHER = Teacher(teacher="org/Some_Model-7B-Instruct-v0.3", teacher_revision="abc", quantize="awq")
SERVING = Serving(server="endpoint", instance="aws/us-east-1/nvidia-l4/x1", concurrency=512)
NAME = endpoint_name(TEACHER)


@pytest.fixture
def platform(monkeypatch):
    """Give a function that starts a loopback platform, which the client takes for the real one."""
    with contextlib.ExitStack() as stack:

        def start(**settings):
            api = stack.enter_context(endpoints_api(**settings))
            monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", api.url)
            monkeypatch.setattr(huggingface_hub.constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{api.url}/v2")
            monkeypatch.setenv("HF_TOKEN", TOKEN)
            return api

        yield start


def opened(lines=None, teacher=TEACHER, serving=SERVING, seconds=60):
    say = str if lines is None else lines.append
    return endpoint(teacher, serving, Sampling(), say=say, seconds=seconds, every=0.01)


def state(api):
    return api.endpoints[NAME]["status"]["state"]


def test_an_endpoint_answers_within_the_body_and_is_scaled_to_zero_after_it(platform):
    api = platform(looks=3)
    with opened() as url:
        assert url == f"{api.url}/at/{NAME}"
        assert state(api) == "running"
        with urlopen(Request(f"{url}/health", headers={"Authorization": f"Bearer {TOKEN}"})) as answer:
            assert answer.status == 200
    assert state(api) == "scaledToZero"


def test_a_new_endpoint_has_the_settings_of_the_recipe(platform):
    api = platform()
    with opened():
        created = api.endpoints[NAME]
    assert created["compute"]["scaling"] == {"minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 15}
    assert (created["compute"]["instanceType"], created["compute"]["accelerator"]) == ("nvidia-l4", "gpu")
    assert (created["model"]["repository"], created["model"]["revision"]) == (TEACHER.teacher, "abc")
    assert created["model"]["image"]["custom"]["url"].endswith("text-generation-inference:3.3.7")
    assert created["model"]["env"] == {
        "MODEL_ID": "/repository", "QUANTIZE": "awq", "MAX_CONCURRENT_REQUESTS": "512",
    }  # fmt: skip
    assert created["type"] == "authenticated"


def test_the_screen_shows_the_price_and_how_to_remove_an_endpoint_but_no_token(platform):
    platform()
    lines = []
    with opened(lines):
        pass
    assert any("$0.8 an hour" in line for line in lines)
    assert "hf endpoints delete" in lines[-1] and TOKEN not in f"{lines}"


@pytest.mark.parametrize(
    ("off", "calls"), [("paused", ["resume", "scale-to-zero"]), ("scaledToZero", ["scale-to-zero"])]
)
def test_one_that_is_off_is_woken_and_turned_off_again(platform, off, calls):
    api = platform()
    with opened():
        pass
    api.endpoints[NAME]["status"]["state"] = off
    api.calls.clear()
    with opened():
        assert state(api) == "running"
    assert state(api) == "scaledToZero"
    assert [call for _, call in api.calls] == calls


def test_one_that_runs_already_is_used_and_left_running(platform):
    api, lines = platform(), []
    with opened(), opened(lines):
        pass
    assert any("left running: $0.8 an hour" in line for line in lines)
    assert [call for _, call in api.calls] == ["me", "scale-to-zero"]  # made once, turned off once


def test_nothing_is_ever_deleted(platform):
    api = platform(end="failed")
    with pytest.raises(ServeError, match=f"{NAME} failed: no reason given"), opened():
        pytest.fail("it failed")
    assert list(api.endpoints) == [NAME]
    assert "DELETE" not in [method for method, _ in api.calls]
    assert api.calls[-1] == ("POST", "scale-to-zero")


def test_turned_off_when_the_body_fails(platform):
    api = platform()
    with pytest.raises(KeyboardInterrupt), opened():
        raise KeyboardInterrupt
    assert state(api) == "scaledToZero"


def test_one_that_does_not_come_up_in_time(platform):
    api = platform(looks=10**9)
    with pytest.raises(ServeError, match=r"not ready after \d+ s: initializing"), opened(seconds=0):
        pytest.fail("it never came up")
    assert state(api) == "scaledToZero"


def test_one_that_cannot_be_turned_off_is_told_with_its_price(platform):
    platform(refuse={"scale-to-zero": 500})
    with pytest.raises(ServeError, match=rf"(?s)may go on costing \$0.8 an hour.*scale-to-zero {NAME}"), opened():
        pass


def test_an_address_that_is_not_known_yet_is_waited_for(platform):
    api = platform(hidden=3)
    with opened() as url:
        assert url == f"{api.url}/at/{NAME}"
    assert state(api) == "scaledToZero"


def test_a_platform_that_stumbles_is_asked_again(platform):
    api = platform(stumbles=3)
    with opened():
        assert (api.stumbles, state(api)) == (0, "running")


def test_another_endpoint_of_that_name_is_not_touched(platform):
    api = platform()
    with opened():
        pass
    api.endpoints[NAME]["compute"]["instanceSize"] = "x4"
    api.calls.clear()
    with pytest.raises(ServeError, match="size x4 instead of x1"), opened():
        pytest.fail("it is another")
    assert not api.calls


def test_an_instance_that_is_not_offered_is_refused_with_what_is(platform):
    api = platform()
    wrong = Serving(server="endpoint", instance="aws/us-east-1/nvidia-l4/x2")
    with pytest.raises(RecipeError, match=r"nvidia-l4/x2 is not offered.*nvidia-l4/x1, aws.*nvidia-l4/x4"):
        opened(serving=wrong).__enter__()
    assert not api.endpoints


def test_a_refusal_of_the_platform_is_passed_on(platform):
    platform(refuse={"me": 403})
    with pytest.raises(ServeError, match="403"), opened():
        pytest.fail("it was refused")


def test_no_token(platform, monkeypatch):
    platform()
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", "/nowhere/token")
    with pytest.raises(ServeError, match="no token"), opened():
        pytest.fail("nobody is logged in")


@pytest.mark.parametrize("model", ["org/a", "org/" + "x" * 90, "org/UPPER.case_1", "org/---"])
def test_names_are_short_and_tell_models_and_revisions_apart(model):
    first, other = (endpoint_name(Teacher(teacher=model, teacher_revision=revision)) for revision in ("a", "b"))
    assert first != other
    assert len(first) <= 32 and first.replace("-", "a").isalnum() and first == first.lower()
    assert first == endpoint_name(Teacher(teacher=model, teacher_revision="a"))
