"""Wrong attempts at a question: its worked solution with one mistake, from which everything after it follows.

The mistakes are those that the writer of a solution makes: a result with a wrong digit, a wrong operation, a number
that was copied wrongly. Each is named in a short sentence, and comes with the right steps in the same order.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from toolkit.domains.worked import Calculate, Tree, calculate, steps_of, write


class Mistake(NamedTuple):
    """A wrong attempt, and what is to be said of it.

    Attributes:
        fault: the sentence that says what is wrong.
        right: the attempt without the mistake.
        check: the right steps in the order of the attempt, a line each.
        solution: the right solution in lines.
    """

    attempt: str
    fault: str
    right: str
    check: str
    solution: str


Put = Callable[[Tree, Calculate], str]  # writes a tree as worked by somebody
Place = tuple[Tree, Callable[[Tree], Tree]]  # a part of a tree, and the tree with something else in its place


def mistake(tree: Tree, style: str, rng: random.Random, unknown: str = "") -> Mistake:
    """Write the solution of `tree` with one mistake of `SHARES`, one that leads to another answer.

    One with which the numbers do not work out in positive integers is drawn again, as a question's numbers are.
    """
    order = rng.getrandbits(32)  # of the steps, the same in both

    def put(wrong: Tree, carry_out: Calculate) -> str:
        return write(wrong, style, random.Random(order), unknown, carry_out)

    right = put(tree, calculate)
    while True:
        make = rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        try:
            attempt, fault = make(tree, rng, put)
        except ArithmeticError:
            continue
        if _answer(attempt) != _answer(right):
            check = "\n".join(steps_of(tree, random.Random(order)))
            return Mistake(attempt, fault, right, check, write(tree, "lines", random.Random(order), unknown))


def _wrong_result(tree: Tree, rng: random.Random, put: Put) -> tuple[str, str]:
    operations = sum(not isinstance(part, int) for part, _ in _places(tree))
    slip = _Slip(rng.randrange(operations), rng)
    return put(tree, slip), f"{slip.step} is wrong."


def _wrong_operation(tree: Tree, rng: random.Random, put: Put) -> tuple[str, str]:
    part, replaced = rng.choice([place for place in _places(tree) if not isinstance(place[0], int)])
    assert not isinstance(part, int)
    operator = rng.choice([sign for sign in "+-*" if sign != part[0]])
    attempt = put(replaced((operator, part[1], part[2])), calculate)
    return attempt, f"{_value(part[1])} {operator} {_value(part[2])} is wrong."


def _wrong_number(tree: Tree, rng: random.Random, put: Put) -> tuple[str, str]:
    number, replaced = rng.choice([place for place in _places(tree) if isinstance(place[0], int)])
    assert isinstance(number, int)
    wrong = _other_digit(number, rng)
    return put(replaced(wrong), calculate), f"The number {wrong} is wrong."


# How often each is drawn, in hundredths; slips in a result are half of them, as results are what is hard.
SHARES: Mapping[Callable[[Tree, random.Random, Put], tuple[str, str]], int] = {
    _wrong_result: 50,
    _wrong_operation: 25,
    _wrong_number: 25,
}


class _Slip:
    """Calculates exactly, but for one digit in the result of operation `at`, from 0 on."""

    def __init__(self, at: int, rng: random.Random) -> None:
        self._left, self._rng, self.step = at, rng, ""

    def __call__(self, operator: str, left: int, right: int) -> int:
        value = calculate(operator, left, right)
        if self._left == 0:
            value = _other_digit(value, self._rng)
            self.step = f"{left} {operator} {right} = {value}"
        self._left -= 1
        return value


def _other_digit(number: int, rng: random.Random) -> int:
    """Give the number with another digit in one place, with as many digits as before."""
    digits = list(str(number))
    place = rng.randrange(len(digits))
    digits[place] = rng.choice([digit for digit in "0123456789"[place == 0 :] if digit != digits[place]])
    return int("".join(digits))


def _places(tree: Tree, replaced: Callable[[Tree], Tree] = lambda part: part) -> Iterator[Place]:
    """Yield the tree and every part of it."""
    yield tree, replaced
    if not isinstance(tree, int):
        operator, left, right = tree
        yield from _places(left, lambda part: replaced((operator, part, right)))
        yield from _places(right, lambda part: replaced((operator, left, part)))


def _value(tree: Tree) -> int:
    return tree if isinstance(tree, int) else calculate(tree[0], _value(tree[1]), _value(tree[2]))


def _answer(solution: str) -> str:
    return solution.rpartition("\\boxed")[2]
