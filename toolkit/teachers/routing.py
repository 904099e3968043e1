"""Where requests go and with which token: plain URLs, Inference Endpoints, and the Hub's Inference Providers.

The Hub's own client finds URL, model name and headers; aiohttp sends the requests, in a tenth of that client's time.
"""

import os
from typing import NamedTuple
from urllib.parse import quote

from yarl import URL

from toolkit.redaction import redacted
from toolkit.teachers.completion import TeacherError

TOKEN_VARIABLE = "FSS_TEACHER_TOKEN"  # sent to every URL of the recipe; the Hub's own token goes to its own hosts only
HUB_HOSTS = (".huggingface.co", ".huggingface.cloud")
SHORTEST_SECRET = 4  # characters; the `1` of `v=1` in a query is not a secret


class Route(NamedTuple):
    """A server's address, the headers to send, and the model's name at a provider."""

    url: URL
    headers: dict[str, str]
    model: str | None = None  # None: the server says so itself

    def __repr__(self) -> str:
        return f"Route({self.name})"  # without the token, wherever it is shown

    def ask(self, path: str) -> URL:
        """Give the address of a form's path; a provider's URL already has its own."""
        if self.model:
            return self.url
        return self.url.with_path(f"{self.url.raw_path.rstrip('/')}{path}", encoded=True, keep_query=True)

    @property
    def name(self) -> str:
        """Give the URL as it may be shown: without user, password and what stands in its query."""
        bare = self.url.with_user(None).with_fragment(None).with_query(None)
        return f"{bare}?***" if self.url.query_string else str(bare)

    @property
    def secrets(self) -> list[str]:
        """List what must not be shown: the token, a password, and what stands in the query; longest first."""
        texts = [self.headers.get("authorization", "").removeprefix("Bearer "), self.url.password or ""]
        for value in (*self.url.query.values(), self.url.raw_query_string):
            texts += [value, quote(value, safe="")]
        return sorted({text for text in texts if len(text) >= SHORTEST_SECRET}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Hide the secrets in `text`, should a server repeat them."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def plain_route(url: str) -> Route:
    """Make the route to a URL of the recipe; `/v1` at its end is cut off, since the forms' paths begin with it.

    Raises:
        TeacherError: for a text that is not an address.
    """
    try:
        whole = URL(url)
        path = whole.raw_path.rstrip("/").removesuffix("/chat/completions").removesuffix("/v1")
        base = whole.with_path(path, encoded=True, keep_query=True)
    except ValueError:
        raise TeacherError(f"urls: {redacted(url)} is not an address: write it as http://host:port") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise TeacherError(f"urls: {redacted(url)} is not an address: write it as http://host:port")
    if base.user is not None:
        return Route(base, {})  # user and password are sent as they stand there
    token = os.environ.get(TOKEN_VARIABLE)
    # The Hub's token may do anything in the user's name, so it is sent to the Hub's hosts only.
    if not token and base.scheme == "https" and f".{base.host}".endswith(HUB_HOSTS):
        from huggingface_hub import get_token  # takes a third of a second, and only the Hub's hosts need it

        token = get_token()
    return Route(base, {"authorization": f"Bearer {token}"} if token else {})


def provider_route(provider: str, model: str) -> Route:
    """Find the route to a Hub model at one of the Inference Providers, or at the one that `auto` finds.

    Raises:
        TeacherError: when no one is logged in, the provider is unknown or does not serve the model.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.inference._providers import get_provider_helper

    token = get_token()
    if token is None:
        raise TeacherError(f"provider: {provider} needs a token of the Hub: set HF_TOKEN or run `hf auth login`")
    try:
        helper = get_provider_helper(provider, "conversational", model)  # type: ignore[arg-type]
        request = helper.prepare_request(
            inputs=[{"role": "user", "content": ""}], parameters={}, headers={}, model=model, api_key=token
        )
    except OfflineModeIsEnabled as error:
        raise TeacherError(f"provider: {provider} is found through the Hub: unset HF_HUB_OFFLINE") from error
    except (ValueError, HfHubHTTPError) as error:
        reason = str(error).replace(token, "***")
        raise TeacherError(f"provider: {provider} cannot serve the teacher {model!r}: {reason}") from None
    headers = {key: str(value) for key, value in request.headers.items()}
    return Route(URL(request.url), headers, request.model)
