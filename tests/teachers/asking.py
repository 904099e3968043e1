"""Helpers of the tests that ask real servers."""

import asyncio
import contextlib

from toolkit.prompt import user_turn
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.backends.endpoint import EndpointTeacher
from toolkit.teachers.completion import Transient

MODEL = "org/teacher"
SHA = "0123456789abcdef0123456789abcdef01234567"


def endpoint(*urls, teacher=None, sampling=None, questions=(), greedy=False, patience=5.0, **serving):
    """Make the recipe's teacher at `urls`; keywords that are not named here are those of `Serving`."""
    settings = {"urls": urls, "concurrency": 8, "timeout": 5.0} | serving
    recipe = Teacher(**({"teacher": MODEL} | (teacher or {})))
    return EndpointTeacher(
        recipe,
        Serving(**settings),
        Sampling(**(sampling or {})),
        prompts=[user_turn(question) for question in questions],
        greedy=greedy,
        patience=patience,
    )


def ask(opened, *pairs):
    """Ask all (question, seed) pairs at once; give a completion or an exception for each."""

    async def run():
        async with opened:
            return await asyncio.gather(
                *(opened.complete(user_turn(question), seed) for question, seed in pairs), return_exceptions=True
            )

    return asyncio.run(run())


def ask_until_answered(opened, pairs, watch=lambda: None):
    """Ask each pair until its completion comes; `watch` is called after each."""

    async def insist(question, seed):
        while True:
            with contextlib.suppress(Transient):
                answer = await opened.complete(user_turn(question), seed)
                watch()
                return answer
            await asyncio.sleep(0.001)

    async def run():
        async with opened:
            return await asyncio.gather(*(insist(*pair) for pair in pairs))

    return asyncio.run(run())
