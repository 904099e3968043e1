"""How many requests one server takes at once, found by asking.

Two servers that refuse look alike: one that takes 128 requests and refuses the next, and one that refuses every seventh
whatever the load. The first wants fewer requests in flight, the second wants them sent again. So a refusal lowers the
limit by a cost and an answer raises it by a gain, which finds a hard limit within one burst; and when refusals last,
a turnover at nine tenths of the load tells the cause: refusals that go away come from the load.
"""

PROBE = 0.9  # share of the load that a probe leaves
NOTABLE = 0.03  # share of refusals that is worth a probe
GONE = 1 / 3  # of the share before, at most, when refusals ended with the load
PAUSE = 16  # turnovers between probes
TURNOVER = 16  # answers that are judged together, at least
STRAY = 0.1  # what a refusal costs when the load is not its cause
CREEP = 0.01  # gain where it is: one refusal in a hundred answers shows when the server takes more


class Limit:
    """Requests in flight at most, between 1 and `ceiling`; starts at `start`.

    Call `take` before a request, and after it exactly one of `accepted`, `refused` (both with what `take` returned) and
    `failed`.
    """

    def __init__(self, start: int, ceiling: int) -> None:
        self.ceiling = ceiling
        self.taken = 0
        self._size = self._first = float(min(start, ceiling))
        self._cost, self._gain = 1.0, 0.25  # bears a fifth of refusals until their cause is known
        self._stray = 0.0  # share of refusals that is known not to come from the load
        self._probing = False
        self._before = 0.0  # share of refusals that led to the probe
        self._return = (self._size, self._size)  # where to go from a probe: load the cause, or not
        self._pause = 0
        self._window = 0
        self._answers = self._refusals = self._peak = 0  # of this turnover

    @property
    def size(self) -> int:
        """The limit, at least 1."""
        return int(self._size)

    @property
    def free(self) -> bool:
        """Whether one more request may be sent."""
        return self.taken < self._size

    def take(self) -> int:
        """Count a request that is sent now; returns the turnover in which it is judged."""
        self.taken += 1
        if self.taken > self._peak:
            self._peak = self.taken
        return self._window

    def accepted(self, window: int) -> None:
        """It was answered."""
        self.taken -= 1
        if self._size < self.ceiling and not self._probing:
            self._size = min(self._size + self._gain, self.ceiling)
        if window == self._window:
            self._answers += 1
            if self._answers >= TURNOVER and self._answers >= self._size:
                self._judge()

    def refused(self, window: int) -> None:
        """It was refused for load."""
        self.taken -= 1
        self._size = max(self._size - self._cost, 1)
        if window == self._window:
            self._refusals += 1

    def failed(self) -> None:
        """It met a fault that says nothing about the load."""
        self.taken -= 1

    def _open(self) -> None:
        self._window += 1
        self._answers = self._refusals = 0
        self._peak = self.taken
        self._first = self._size

    def _judge(self) -> None:
        share = self._refusals / (self._refusals + self._answers)
        self._pause -= 1
        if self._probing:
            self._conclude(share)
        elif share > NOTABLE and (self._pause < 0 or share > 2 * self._stray + NOTABLE):
            self._probing, self._before = True, share
            self._return = (self._size, max(self._first, self._size))
            self._size = max(PROBE * min(self._size, self._peak), 1)
        elif not self._refusals:
            self._gain = min(2 * self._gain, 1)
        elif not self._stray:
            self._gain = CREEP
        self._open()

    def _conclude(self, share: float) -> None:
        self._probing, self._pause = False, PAUSE
        by_load, else_where = self._return
        if share <= GONE * self._before:
            self._size, self._cost, self._gain, self._stray = by_load, 1.0, CREEP, 0.0
        else:
            # The gain bears twice that share, so that the limit does not sink.
            self._size, self._cost, self._stray = else_where, STRAY, share
            self._gain = 2 * STRAY * share / (1 - share)
