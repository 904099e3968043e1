"""A teacher in the test's own loop that answers with its seed, after faults that the test names."""

import asyncio
import signal
from collections import Counter

from toolkit.prompt import contents
from toolkit.synthesis.journal import Journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.completion import Completion


class Echo:
    """`fault(question, attempt)` returns what to raise or to answer instead, or None; attempts count from 1.

    After `stop_after` requests it presses Ctrl-C and answers no more.
    """

    model = "echo@1"

    def __init__(self, fault=lambda question, attempt: None, concurrency=4, stop_after=10**9, tokens=1):
        self.fault, self.concurrency, self.stop_after, self.tokens = fault, concurrency, stop_after, tokens
        self.asked = Counter()
        self.in_flight = self.most_in_flight = 0
        self.open = self.stopped = False

    async def __aenter__(self):
        self.open = True
        return self

    async def __aexit__(self, *_):
        self.open = False

    async def complete(self, messages, seed):
        question = contents(messages)
        assert self.open
        if self.asked.total() >= self.stop_after:
            if not self.stopped:
                self.stopped = True
                signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(3600)
        self.asked[question, seed] += 1
        attempt = self.asked[question, seed]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        fault = self.fault(question, attempt)
        if isinstance(fault, Exception):
            raise fault
        return fault or Completion(f"{question} {seed}", "stop", len(question), self.tokens, self.model)


def error(reason="422: too long"):
    return Completion("", "error", 0, 0, "echo@1", reason)


def rung(questions, low, high):
    """(question id, text, index) of the indices from `low` up to `high`, index by index."""
    return ((question, question, index) for index in range(low, high) for question in questions)


def fill(path, wanted, teacher, **options):
    """Sample into the journal at `path`; returns the tally and every report."""
    reports = []
    with Journal(path) as journal:
        tally = sample(journal, wanted, teacher, sampling_seed=1, report=reports.append, **options)
    return tally, reports
