"""Finds how many requests one server takes at once.

Two servers that refuse look alike: one that takes 128 requests and refuses the next, and one that refuses every seventh
whatever the load. The first needs fewer requests in flight, the second needs them sent again. So a refusal lowers the
limit by a cost and an answer raises it by a gain, which finds a hard limit within one burst.

The limit that remains is then judged at every turnover, a group of answers, by the number of requests served at a time:
the mean of those in flight that are not refused (one that hangs is being served too). If that number is far below the
limit, it becomes the limit. If it is about equal and there are still refusals, a probe shows the cause, a turnover with
less load: refusals that go away come from the load.
"""

from typing import NamedTuple

TURNOVER = 16  # answers that are judged together, at least
NOTABLE = 0.03  # share of refusals from which a probe is worth while
FILLED = 0.7  # share of the limit that must be served, or the limit is far too high
PROBE = 0.85  # share of the load that a probe keeps
GONE = 1 / 3  # the refusals came from the load if a probe leaves at most this part of their share
PAUSE = 16  # turnovers between probes
SETTLED = 0.9  # share of its size that the limit keeps over a probe whose refusals do not come from the load
FIRST_GAIN = 1.0  # keeps the limit up with half of the requests refused, until the cause is known
CREEP = 0.01  # gain where the load is the cause: one refusal in a hundred answers
STRAY = 0.1  # cost of a refusal where the load is not the cause


class Ticket(NamedTuple):
    """A request in flight: the turnover in which it is judged, and the time in seconds when it was sent."""

    turnover: int
    sent: float


class Limit:
    """The most requests in flight, between 1 and `ceiling`; it starts at `start`.

    Call `take` before a request, and after it exactly one of `accepted` and `refused` (with the ticket from `take`) and
    `failed`. Times are seconds of one clock that never goes back.
    """

    def __init__(self, start: int, ceiling: int) -> None:
        self.ceiling = ceiling
        self.taken = 0
        self._size = float(min(start, ceiling))
        self._cap = float(ceiling)  # lower while probing
        self._cost, self._gain = 1.0, FIRST_GAIN
        self._stray = 0.0  # share of refusals known not to come from the load
        self._before: tuple[float, float, float] | None = None  # the state before a probe; see `_conclude`
        self._pause = 0  # turnovers without a probe
        self._turnover = 0
        self._opened: float | None = None  # when this turnover began
        self._first = self._size  # size at that time
        self._answers = self._refusals = 0  # counts of this turnover's requests
        self._busy = 0.0  # seconds in flight in this turnover, summed over all requests that were not refused
        self._counted = 0.0  # time up to which these seconds are summed

    @property
    def size(self) -> int:
        """Give the limit, at least 1."""
        return int(self._size)

    @property
    def free(self) -> bool:
        """Say whether one more request may be sent."""
        return self.taken < self._size

    def take(self, now: float) -> Ticket:
        """Count a request that is sent now."""
        if self._opened is None:
            self._opened = self._counted = now
        self._change(1, now)
        return Ticket(self._turnover, now)

    def accepted(self, ticket: Ticket, now: float) -> None:
        """Note at time `now` that the request was answered."""
        self._change(-1, now)
        if self._size < self._cap:
            self._size = min(self._size + self._gain, self._cap)
        if ticket.turnover == self._turnover:
            self._answers += 1
            if self._answers >= TURNOVER and self._answers >= self._size:
                self._judge(now)

    def refused(self, ticket: Ticket, now: float) -> None:
        """Note at time `now` that the request was refused for load."""
        self._change(-1, now)
        self._busy -= now - ticket.sent
        self._size = max(self._size - self._cost, 1)
        if ticket.turnover == self._turnover:
            self._refusals += 1

    def failed(self, now: float) -> None:
        """Note at time `now` that the request met a fault that says nothing about the load."""
        self._change(-1, now)

    def _change(self, by: int, now: float) -> None:
        self._busy += self.taken * (now - self._counted)
        self._counted = now
        self.taken += by

    def _judge(self, now: float) -> None:
        """End a turnover."""
        share = self._refusals / (self._refusals + self._answers)
        served = self._busy / max(now - (self._opened or 0.0), 1e-9)
        self._pause -= 1
        if self._before:
            self._conclude(share, *self._before)
        elif share > NOTABLE and served < FILLED * self._first:
            self._size = max(min(self._size, served + 1), 1)
        elif share > NOTABLE and (self._pause < 0 or share > 2 * self._stray + NOTABLE):
            self._before = share, max(self._size, self._first), min(self._size, served + 1)
            self._size = self._cap = max(PROBE * min(self._size, served), 1)
        elif not self._refusals:
            self._gain = min(2 * self._gain, 1)
        elif not self._stray:
            self._gain = CREEP
        self._turnover += 1
        self._opened, self._first = now, self._size
        self._answers, self._refusals, self._busy = 0, 0, 0.0

    def _conclude(self, share: float, before: float, size: float, served: float) -> None:
        """End a probe; before it the share of refusals was `before`, the limit `size`, the number served `served`."""
        self._before, self._cap = None, float(self.ceiling)
        if share <= GONE * before:
            self._pause = PAUSE
            self._size, self._cost, self._gain, self._stray = served, 1.0, CREEP, 0.0
        elif self._size >= SETTLED * self._first:
            self._pause = PAUSE
            # The gain makes up for twice those refusals, so that the limit does not sink.
            self._size, self._cost, self._gain, self._stray = size, STRAY, 2 * STRAY * share / (1 - share), share
