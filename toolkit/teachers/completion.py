"""What every teacher gives: one completion per request, drawn with its own seed, or the reason why there is none."""

from types import TracebackType
from typing import NamedTuple, Protocol, Self

from toolkit.prompt import Messages


class Completion(NamedTuple):
    """One drawn answer; `finish_reason` is `stop` (the model ended it), `length` (cut) or `error` (none came).

    Token counts are those of the teacher's own tokenizer, without padding. Without an answer they are the tokens that
    the server says the request took all the same, else 0.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model: str  # name@revision that answered
    error: str = ""  # why no answer came: final for this request, such as `422: ...` or `finish reason: ...`
    reasoned: bool = False  # whether reasoning preceded the answer
    uncounted: bool = False  # whether the server did work whose tokens it does not report


class Transient(Exception):
    """A request that may be tried again: refused for load, a server's fault, a cut connection, or a time-out.

    Args:
        reason: a few words, the same for the same fault: `500`, `timed out`, `connection: ServerDisconnectedError`.
        after: seconds that the server asked to wait for, None when it named none.
        refused: whether it was refused for load or rate alone, which says nothing about the request itself.
        doubtful: whether it was refused as wrong, by a server that may be refusing everything now.
        prompt_tokens, completion_tokens: the tokens that the server says the attempt took.
        uncounted: whether the server did work whose tokens it does not report.
    """

    def __init__(
        self,
        reason: str,
        after: float | None = None,
        refused: bool = False,
        *,
        doubtful: bool = False,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        uncounted: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.refused = refused
        self.doubtful = doubtful
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = completion_tokens
        self.uncounted = uncounted


class TeacherError(RuntimeError):
    """The run cannot continue: no right to ask, another model, or nothing answers; the message names the remedy."""


class Teacher(Protocol):
    """Anything that answers messages; an async context manager that keeps its model or connections while open."""

    @property
    def model(self) -> str:
        """Give the model as name@revision."""

    @property
    def concurrency(self) -> int:
        """Give the most requests in flight."""

    async def complete(self, messages: Messages, seed: int) -> Completion:
        """Give one completion of a conversation, drawn from a seed in [0, 2^63).

        Raises:
            Transient: when the same request may be tried again.
            TeacherError: when no request will succeed.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
