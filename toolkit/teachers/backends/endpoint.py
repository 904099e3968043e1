"""A teacher behind HTTP: text-generation-inference, vLLM, SGLang, `transformers serve`, and what the Hub routes to.

One request is one response with one seed. Faults are classified here; the caller sends the request again.
"""

import asyncio
import heapq
import resource
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from toolkit.prompt import Messages, contents
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.answer import OtherModel, Reader, Unanswered
from toolkit.teachers.balance import FAULTS, Balancer, ServerState
from toolkit.teachers.capabilities import (
    DENIED,
    Capabilities,
    denied,
    is_asked,
    read_body,
    read_capabilities,
    refuse_long_prompt,
    refuse_settings,
)
from toolkit.teachers.completion import Completion, TeacherError, Transient
from toolkit.teachers.failure import reason_of, seconds_asked
from toolkit.teachers.limit import Limit, Ticket
from toolkit.teachers.request import encode_prompt, make_form, wire_seed
from toolkit.teachers.routing import Route, plain_route, provider_route

PATIENCE = 600.0  # seconds of nothing but faults until the run ends; an endpoint may take that long to wake up
START_PATIENCE = 10.0  # the same at the start, for a server to which no connection is possible
MEASURED = 8  # longest prompts whose tokens are counted beforehand
SURE = 3  # refusals in a row after which a token is taken to be invalid
FILES = 256  # open files besides the connections


class EndpointTeacher:
    """The recipe's teacher at one or several URLs, or at a provider; an async context manager.

    Entering it for the first time reads what each server can do, and refuses settings that the server would refuse.

    Args:
        teacher: name, revision and api.
        serving: urls or provider, concurrency per URL and timeout in seconds.
        sampling: how it answers.
        urls: servers that were started for the run; when empty, those of the recipe.
        prompts: the prompts to come; the longest are measured at the start.
        greedy: whether to take the likeliest token instead of sampling, for scoring.
        patience: seconds of nothing but faults, from every URL, until the run ends.

    Raises:
        TeacherError: when entered, for a server that cannot serve this recipe, or none at all.
    """

    def __init__(
        self,
        teacher: Teacher,
        serving: Serving,
        sampling: Sampling,
        *,
        urls: Sequence[str] = (),
        prompts: Iterable[Messages] = (),
        greedy: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self.teacher, self.serving, self.sampling = teacher, serving, sampling
        self.urls = tuple(urls) or serving.urls
        self.greedy, self.patience = greedy, patience
        self.api = "chat" if serving.provider else teacher.api
        self.model = f"{teacher.teacher}@{teacher.teacher_revision or 'unstated'}"  # the server's own, once entered
        self.concurrency = serving.concurrency * max(len(self.urls), 1)
        self._longest = heapq.nlargest(MEASURED, prompts, key=lambda prompt: len(contents(prompt)))
        # Most bytes of a response: every token once or twice, escaped; a larger body cannot be an answer.
        self._largest = 65_536 + 1_024 * sampling.max_tokens
        self._servers: list[ServerState] = []

    async def __aenter__(self) -> Self:
        _allow_files(self.concurrency + FILES)
        routes = self._routes()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # each server has a limit of its own
            timeout=aiohttp.ClientTimeout(total=self.serving.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            auto_decompress=False,  # a small body must not grow large
            trust_env=any(route.url.scheme == "https" for route in routes),  # proxies; costs time on every request
        )
        try:
            # On a later entry, as between two rungs, the servers' capabilities and limits are already known.
            self._servers = self._servers or await asyncio.gather(*(self._meet(route) for route in routes))
            models = sorted({server.model for server in self._servers})
            if len(models) > 1:
                raise TeacherError(f"urls: they serve different models: {', '.join(models)}")
        except BaseException:
            await self._session.close()
            raise
        self.model = models[0]
        self._balancer = Balancer(self._servers, self.patience)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def complete(self, messages: Messages, seed: int) -> Completion:
        """Ask for one completion of a conversation, drawn from a seed in [0, 2^63).

        Raises:
            Transient: for 408, 425, 429, 5xx, a fault of the connection, a request that was cut at `timeout`, a 200
                without an answer, and, as doubtful, any other refusal: the server may be refusing everything now.
            TeacherError: for messages that the recipe's `api` cannot send, a redirect, another model's answer, a server
                that refuses all of many questions, and when no server answers any more.
        """
        prompt = encode_prompt(self.api, messages)
        server, ticket = await self._balancer.take()
        body = server.form.body(prompt, wire_seed(seed, server.dialect, self.serving.provider))
        try:
            async with self._session.post(
                server.url, data=body, headers=server.route.headers, allow_redirects=False
            ) as response:
                raw = await read_body(response, self._largest)
        except (aiohttp.ClientError, OSError) as error:
            reason = "timed out" if isinstance(error, TimeoutError) else f"connection: {type(error).__name__}"
            self._balancer.faulted(server, ticket, reason)
            raise Transient(reason) from error
        except BaseException:
            self._balancer.dropped(server)
            raise
        request = _Request(server, ticket, messages, response.headers)
        if response.status == 200:
            return self._read(request, raw)
        raise self._unanswered(request, response.status, reason_of(raw))

    @property
    def limits(self) -> list[int]:
        """Give the number of requests in flight that each URL bears, as found so far; empty before the first entry."""
        return [server.limit.size for server in self._servers]

    def _read(self, request: "_Request", raw: bytes) -> Completion:
        server, ticket = request.server, request.ticket
        try:
            answer = server.reader.read(raw, request.headers)
        except Transient as fault:
            fault.reason = server.route.hide(fault.reason)
            fault.args = (fault.reason,)
            self._balancer.faulted(server, ticket, fault.reason)
            self._refuse_odd_server(request, fault.reason)
            raise
        except Unanswered as error:
            again = self._unanswered(request, error.status, error.reason)
            again.prompt_tokens, again.completion_tokens = error.used.prompt, error.used.completion
            raise again from None
        except OtherModel as error:
            self._balancer.dropped(server)
            raise TeacherError(
                f"{server.route.name} answers as {error}, not {self.teacher.teacher!r}: correct `urls` or `teacher`"
            ) from None
        self._balancer.answered(server, ticket)
        return answer._replace(error=server.route.hide(answer.error)) if answer.error else answer

    def _refuse_odd_server(self, request: "_Request", reason: str) -> None:
        """Refuse a server that has sent nothing but 200s that are no answers: it will not answer later either."""
        server, now = request.server, asyncio.get_running_loop().time()
        server.oddities.add(request.question, now)
        if not server.proven and server.oddities.count >= FAULTS and len(server.oddities.questions) >= FAULTS // 2:
            raise TeacherError(
                f"{server.route.name} answered none of the first {server.oddities.count} requests; {reason}. "
                "Correct `urls`, `api` or the way the server is started"
            )

    def _unanswered(self, request: "_Request", status: int, reason: str) -> Transient:
        """Give the error to raise for a status that is no answer.

        Raises:
            TeacherError: where no request will succeed.
        """
        server, ticket, after = request.server, request.ticket, seconds_asked(request.headers)
        message = server.route.hide(f"{status}: {reason}")
        if status == 429:
            self._balancer.refused(server, ticket, after)
            return Transient("429", after, refused=True)
        if status in (408, 425) or status >= 500:
            self._balancer.faulted(server, ticket, message)
            return Transient(str(status), after)
        if status < 400:
            self._balancer.dropped(server)
            raise denied(server.route, status, reason)
        self._balancer.doubted(server, ticket, request.question, message)
        if status in DENIED and _everybody(server, status):
            raise denied(server.route, status, reason)
        return Transient(message, after, doubtful=True)

    def _routes(self) -> list[Route]:
        if self.serving.provider:
            return [provider_route(self.serving.provider, self.teacher.teacher)]
        if not self.urls:
            raise TeacherError("urls: name where the teacher answers, or `server` or `provider`")
        return [plain_route(url) for url in dict.fromkeys(self.urls)]

    async def _meet(self, route: Route) -> ServerState:
        """Ask a server what it can do, waiting while it wakes up, and refuse what it cannot."""
        clock = asyncio.get_running_loop()
        started, pause = clock.time(), 0.5
        while True:
            try:
                return await self._met(route)
            except Transient as fault:
                patience = min(START_PATIENCE, self.patience) if "connection" in fault.reason else self.patience
                if clock.time() - started + pause > patience:
                    raise TeacherError(
                        f"{route.name} does not answer ({fault.reason}): start the teacher or correct `urls`"
                    ) from fault
            await asyncio.sleep(pause)
            pause = min(2 * pause, 10)

    async def _met(self, route: Route) -> ServerState:
        able = await read_capabilities(self._session, route, self.teacher)
        refuse_settings(able, self.sampling, route)
        form = make_form(able.dialect, self.api, able.served, self.sampling, greedy=self.greedy)
        for messages in self._longest:
            prompt = encode_prompt(self.api, messages)
            await refuse_long_prompt(self._session, route, able, form, prompt, self.sampling)
        ceiling = self.serving.concurrency
        return ServerState(
            route, form, able.dialect, self._reader(form.path, able), Limit(able.permits or ceiling, ceiling)
        )

    def _reader(self, path: str, able: Capabilities) -> Reader:
        model = Path(able.model).name if able.model.startswith("/") else able.model  # a journal names no place
        keep = self.sampling.reasoning == "keep"
        if self.serving.provider:  # the Hub knows what a provider calls it, and so do its answers
            return Reader(path, self.sampling.stop, keep, model)
        return Reader(path, self.sampling.stop, keep, model, is_asked(able, self.teacher))


class _Request(NamedTuple):
    """A request that came back: its server and ticket, what it asked, and the headers of the response."""

    server: ServerState
    ticket: Ticket
    messages: Messages
    headers: Mapping[str, str]

    @property
    def question(self) -> str:
        """Give what was asked as one text."""
        return contents(self.messages)


def _everybody(server: ServerState, status: int) -> bool:
    """Say whether the server refuses every question, and not only some of them."""
    if status in (401, 402):  # these never depend on the question
        return server.refusals.count >= SURE
    return len(server.refusals.questions) >= FAULTS


def _allow_files(count: int) -> None:
    """Raise this process's limit of open files, one per connection, to `count`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise TeacherError(
                f"concurrency: {count} open files are needed and the system allows {hard}: "
                "lower it, or raise `ulimit -n`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
