"""Handle faults of a Hub: retry those that may pass, and explain each other one in a message."""

import contextlib
import random
import re
from collections.abc import Iterator
from json import JSONDecodeError

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from toolkit.hub.version import Refused

FULL = 507  # the store is full, so that retrying is useless
PASSING = {408, 409, 412, 425, 429, *range(500, 600)} - {FULL}
TRIES = 8  # of the whole push; every lost race means that another push succeeded
LONGEST = 30.0  # seconds between two tries
LATER = "run the same command later, it goes on from here"


class HubFault(RuntimeError):
    """A Hub that cannot be reached or refuses us; the message names the repo and the remedy, never the token."""


@contextlib.contextmanager
def explained(api: HfApi, repo: str) -> Iterator[None]:
    """Prefix refusals with the repo, and turn faults of the Hub into one `HubFault` with the remedy."""
    try:
        yield
    except Refused as error:
        raise Refused(f"{repo}: {error}") from error
    except (OSError, httpx2.HTTPError, RuntimeError, JSONDecodeError) as error:
        fault = explain(error, repo, api.endpoint)
        if fault is None:
            raise
        raise fault from error


def attempts() -> Retrying:
    """Return a retrier of up to `TRIES` tries for faults that may pass: lost races, limits, server or line faults."""
    return Retrying(retry=retry_if_exception(passing), stop=stop_after_attempt(TRIES), wait=pause, reraise=True)


def passing(error: BaseException) -> bool:
    """Say whether a call may succeed a little later: after a lost race (409, 412), a limit (429), 5xx, a cut line."""
    for cause in _causes(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return False
        if isinstance(cause, HfHubHTTPError):
            return cause.response.status_code in PASSING
        if isinstance(cause, httpx2.TransportError | JSONDecodeError):  # a gateway in trouble answers in HTML
            return True
    return False


def pause(state: RetryCallState) -> float:
    """Return the seconds until the next try: what the Hub asked for, else a random share of 1, 2, 4 ... 30 seconds."""
    error = state.outcome.exception() if state.outcome else None
    for cause in _causes(error) if error else ():
        if isinstance(cause, HfHubHTTPError) and cause.response.headers.get("Retry-After", "").isdecimal():
            return min(float(cause.response.headers["Retry-After"]), LONGEST)
    return random.uniform(0, min(2.0 ** (state.attempt_number - 1), LONGEST))


def without_secrets(text: str) -> str:
    """Return `text` without the secrets of addresses in it: user names, passwords and queries."""
    return re.sub(r"(https?://)(?:[^\s/@]*@)?([^\s?#'\"<>]*)(?:[?#][^\s'\"<>]*)?", r"\1\2", text)


def explain(error: BaseException, repo: str, endpoint: str) -> HubFault | None:
    """Explain a fault in one sentence with its remedy and no secret; None for an error that is not a Hub's."""
    fault = _explained(error, repo, without_secrets(endpoint))
    return fault and HubFault(without_secrets(str(fault)))


def _explained(error: BaseException, repo: str, endpoint: str) -> HubFault | None:
    for cause in _causes(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return HubFault(f"{repo}: HF_HUB_OFFLINE is set; unset it to reach a Hub")
        if isinstance(cause, HfHubHTTPError):
            return HubFault(f"{repo}: {_of_status(cause, repo, endpoint)}")
        if isinstance(cause, httpx2.TransportError):
            reason = f"{type(cause).__name__}: {cause}"
            return HubFault(f"{repo}: no answer from {endpoint} ({reason}); check network and HF_ENDPOINT, then rerun")
        if isinstance(cause, JSONDecodeError):
            return HubFault(f"{repo}: {endpoint} answers with something else than JSON; {LATER}")
    return None


def _of_status(error: HfHubHTTPError, repo: str, endpoint: str) -> str:
    status, owner = error.response.status_code, repo.partition("/")[0]
    if status == 401:
        return f"{endpoint} does not accept the token (401); log in with `hf auth login`, or set HF_TOKEN"
    if status == 403:
        return f"the token may not write there (403); use one of role `write` that reaches {owner}: `hf auth login`"
    if status == 404:
        return f"not found on {endpoint}, or hidden from this token (404); check the name and `hf auth whoami`"
    if status in (409, 412):
        return f"others pushed again and again meanwhile ({status}); run the same command once they are done"
    if status == 429:
        return f"{endpoint} limits how often may be pushed (429); {LATER}"
    if status == FULL:
        return f"{endpoint} cannot store it ({status}): {error.server_message or 'no reason given'}"
    if status >= 500:
        return f"{endpoint} is in trouble ({status}); {LATER}"
    return f"{endpoint} refused it ({status}): {error.server_message or 'no reason given'}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it was raised from or while handling."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
