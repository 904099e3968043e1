"""Evaluates formulas in plain LaTeX by interval arithmetic, at any precision; `expressions` says what can be read."""

import math
import random
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from toolkit.verification.tokens import Undefined, is_letter, is_number, tokens_of

_LARGEST_POWER = 1_000_000  # largest exponent
_LARGEST_FACTORIAL = 10_000
_LARGEST_ROOT = 1000
_LARGEST_ANGLE = 1 << 64  # a larger one would take as many bits of pi as it has itself
_DEEPEST = 60
_MORE_THAN_ANY = 1e15  # bits
_TRIGONOMETRIC: dict[str, Callable[[Any, Any], Any]] = {
    r"\sin": lambda context, angle: context.sin(angle),
    r"\cos": lambda context, angle: context.cos(angle),
    r"\tan": lambda context, angle: _divided(context.sin(angle), context.cos(angle)),
    r"\cot": lambda context, angle: _divided(context.cos(angle), context.sin(angle)),
    r"\sec": lambda context, angle: _divided(context.mpf(1), context.cos(angle)),
    r"\csc": lambda context, angle: _divided(context.mpf(1), context.sin(angle)),
}
_LOGARITHMS = frozenset((r"\ln", r"\lg", r"\log"))
_FUNCTIONS = frozenset((*_TRIGONOMETRIC, *_LOGARITHMS, r"\exp"))
_FUNCTION_NAMES = frozenset("fghFGHPQT")  # `f(x)` is not a product
_ENDS = frozenset(("", "+", "-", ")", "]", "}", "^", "_", "!"))
_contexts = threading.local()


class Evaluated(NamedTuple):
    """An interval that contains a formula's value, and the bits of its numbers, as often as powers repeat them."""

    value: Any
    weight: float


def evaluate(text: str, turn: int, bits: int) -> Evaluated:
    """Evaluate a formula with its variables at the values of that turn (none is negative in an even turn).

    Raises:
        Undefined: for text that cannot be read, and where the value is not, or may not be, real and finite.
    """
    parser = _Parser(list(tokens_of(text)), turn, _context(bits))
    try:
        value = parser.sum()
    except (ArithmeticError, ValueError, TypeError, NotImplementedError) as error:
        raise Undefined from error
    if parser.tokens or not all(_is_finite(part) for part in (value.real, value.imag)):
        raise Undefined
    return Evaluated(value, parser.weight)


def precision_of(first: Evaluated, second: Evaluated) -> int:
    """Give the bits of precision that tell the values of two formulas apart, unless they are equal.

    Two different fractions differ by at least 1 over the product of their denominators; the other bits are for roots.
    """
    return int(min(4 * (first.weight + second.weight), _MORE_THAN_ANY)) + 256


def _context(bits: int) -> Any:
    """Give this thread's own context of interval arithmetic, at that precision."""
    from mpmath.ctx_iv import MPIntervalContext

    if not hasattr(_contexts, "intervals"):
        _contexts.intervals = MPIntervalContext()
    _contexts.intervals.prec = bits
    return _contexts.intervals


@lru_cache(maxsize=4096)
def _point(name: str, turn: int) -> int:
    """Give the value of a variable in a turn, in units of 1/61."""
    chance = random.Random(f"{name}:{turn}")
    return chance.randrange(5, 250) * (chance.choice((1, -1)) if turn % 2 else 1)


def _is_finite(value: Any) -> bool:
    return bool(-math.inf < value.a <= value.b < math.inf)


def _is_complex(value: Any) -> bool:
    return not bool(value.imag == 0)


def _may_be_zero(value: Any) -> bool:
    return all(bool(part.a <= 0 <= part.b) for part in (value.real, value.imag))


def _divided(above: Any, below: Any) -> Any:
    if _may_be_zero(below):
        raise Undefined
    return above / below


class _Parser:
    """Recursive descent over `tokens` (reversed), one method for each level of binding; `weight` sums up bits."""

    def __init__(self, tokens: list[str], turn: int, context: Any) -> None:
        self.tokens, self.turn, self.context = tokens, turn, context
        self.depth, self.bars, self.weight = 0, 0, 0.0

    def next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def pop(self) -> str:
        return self.tokens.pop() if self.tokens else ""

    def take(self, token: str) -> None:
        if self.pop() != token:
            raise Undefined

    def sum(self) -> Any:
        value = self.product()
        while self.next() in ("+", "-"):
            value = value + self.product() if self.pop() == "+" else value - self.product()
        return value

    def product(self) -> Any:
        value = self.signed()
        while (sign := self.next()) not in _ENDS and not (sign == "|" and self.bars):
            if sign in ("*", "/"):
                self.pop()
            factor = self.signed(sign in ("*", "/")) if sign in ("*", "/") else self.power()
            value = _divided(value, factor) if sign == "/" else value * factor
        return value

    def signed(self, may_sign: bool = True) -> Any:
        sign = 1
        while may_sign and self.next() in ("+", "-"):
            sign = -sign if self.pop() == "-" else sign
        return sign * self.power()

    def power(self) -> Any:
        before = self.weight
        base = self.atom()
        while self.next() in ("!", "°"):
            base = self.factorial(base) if self.pop() == "!" else base * self.context.pi / 180
        if self.next() != "^":
            return base
        self.pop()
        own = max(self.weight - before, 2.0)
        return self.raised(base, self.argument(), own)

    def raised(self, base: Any, exponent: Any, weight: float) -> Any:
        """Raise `base`, whose weight is `weight`, to the power `exponent`."""
        if _is_complex(exponent):
            return self.turned(base, exponent, weight)
        if not abs(exponent.real.mid) <= _LARGEST_POWER:
            raise Undefined
        exponent = exponent.real
        self.weight += weight * math.ceil(abs(float(exponent.mid)))
        whole = int(exponent.mid)
        if exponent.a == whole == exponent.b:
            if whole <= 0 and _may_be_zero(base):
                raise Undefined
            return base**whole
        if _is_complex(base) or not base.real.a > 0:
            raise Undefined
        return self.context.exp(exponent * self.context.log(base.real))

    def turned(self, base: Any, exponent: Any, weight: float) -> Any:
        """Raise a positive number to a complex power: `e^{i\\pi}`."""
        if _is_complex(base) or not base.real.a > 0:
            raise Undefined
        size, angle = (self.context.log(base.real) * part for part in (exponent.real, exponent.imag))
        if not max(abs(size).b, abs(angle).b) <= _LARGEST_POWER:
            raise Undefined
        self.weight += weight * math.ceil(abs(float(size.mid)))
        return self.context.exp(size) * self.context.mpc(self.context.cos(angle), self.context.sin(angle))

    def factorial(self, value: Any) -> Any:
        return self.context.mpf(self.weighed(math.factorial(self.whole(value, _LARGEST_FACTORIAL))))

    def whole(self, value: Any, largest: int) -> int:
        """Give the number of an interval that is a single whole number from 0 to `largest`."""
        if _is_complex(value) or not 0 <= value.real.a == value.real.b <= largest:
            raise Undefined
        number = int(value.real.mid)
        if number != value.real.a:
            raise Undefined
        return number

    def weighed(self, number: int) -> int:
        self.weight += number.bit_length() + 1
        return number

    def group(self) -> Any:
        closing = {"{": "}", "(": ")", "[": "]"}.get(self.pop())
        if closing is None:
            raise Undefined
        bars, self.bars = self.bars, 0
        value = self.sum()
        self.bars = bars
        self.take(closing)
        return value

    def argument(self) -> Any:
        """Read what a command or `^` applies to: a group in braces, or a single sign."""
        return self.group() if self.next() == "{" else self.atom()

    def atom(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Undefined
        value = self.group() if self.next() in ("{", "(", "[") else self.sign()
        self.depth -= 1
        return value

    def sign(self) -> Any:
        token = self.pop()
        if is_number(token):
            return self.number(token)
        if is_letter(token):
            return self.letter(token)
        if token in _FUNCTIONS:
            return self.function(token)
        self.weight += 2
        read = _COMMANDS.get(token)
        if read is None:
            raise Undefined
        return read(self)

    def number(self, token: str) -> Any:
        """Read a number, and refuse what can be read in two ways: `2 3`, `1.5e3` and `2\\frac{1}{2}`."""
        following = self.tokens[-1:-5:-1]
        is_mixed = following[:2] == [r"\frac", "{"] and all(map(is_number, following[2:3])) and following[3:] == ["}"]
        if is_number(self.next()) or is_mixed or (following[:1] == ["e"] and "".join(following[1:2]).isdigit()):
            raise Undefined
        digits = token.replace(",", "")
        self.weight += 4 * len(digits)
        return self.context.mpf(digits)

    def letter(self, token: str) -> Any:
        name = token
        if self.next() == "_":
            self.pop()
            name = f"{token}_{self.index()}"
        elif token in _FUNCTION_NAMES and self.next() == "(":
            raise Undefined
        self.weight += 14
        return self.context.mpf(_point(name, self.turn)) / 61

    def index(self) -> str:
        if self.next() != "{":
            return self.pop()
        self.pop()
        signs = []
        while (token := self.pop()) != "}":
            if token in ("", "{"):
                raise Undefined
            signs.append(token)
        return " ".join(signs)

    def fraction(self) -> Any:
        above = self.argument()
        return _divided(above, self.argument())

    def binomial(self) -> Any:
        above = self.whole(self.argument(), _LARGEST_FACTORIAL)
        below = self.whole(self.argument(), _LARGEST_FACTORIAL)
        return self.context.mpf(self.weighed(math.comb(above, below)))

    def root(self) -> Any:
        index = self.whole(self.group(), _LARGEST_ROOT) if self.next() == "[" else 2
        value = self.argument()
        if _is_complex(value) or index < 2:
            raise Undefined
        value = value.real
        if value.b < 0 and index % 2:
            return -self.rooted(-value, index)
        return self.rooted(value, index)

    def rooted(self, value: Any, index: int) -> Any:
        if value.a < 0:
            raise Undefined
        if value == 0 or index == 2:
            return self.context.sqrt(value)
        if not value.a > 0:
            raise Undefined
        return self.context.exp(self.context.log(value) / index)

    def modulus(self) -> Any:
        self.bars += 1
        value = self.sum()
        self.bars -= 1
        self.take("|")
        return abs(value)

    def function(self, name: str) -> Any:
        self.weight += 2
        base = self.base_of(name) if name in _LOGARITHMS else None
        power = self.power_of(name)
        value = self.operand()
        if _is_complex(value):
            raise Undefined
        value = value.real
        if name in _TRIGONOMETRIC:
            if not abs(value).b < _LARGEST_ANGLE:
                raise Undefined
            result = _TRIGONOMETRIC[name](self.context, value)
        elif name == r"\exp":
            result = self.raised(self.context.e, value, 2.0)
        else:
            result = self.logarithm(value, base)
        return result**power

    def base_of(self, name: str) -> Any:
        """Read the base of a logarithm, None for e; `\\log` without one may be to 10 or to e and is not read."""
        if name == r"\log":
            self.take("_")
            return self.argument()
        return self.context.mpf(10) if name == r"\lg" else None

    def power_of(self, name: str) -> int:
        """Read the power in `\\sin^2 x`; `\\sin^{-1}` has two meanings and is not read."""
        if self.next() != "^":
            return 1
        self.pop()
        return max(1, self.whole(self.argument(), 64))

    def logarithm(self, value: Any, base: Any) -> Any:
        if not value.a > 0:
            raise Undefined
        if base is None:
            return self.context.log(value)
        if _is_complex(base) or not base.a > 0:
            raise Undefined
        return _divided(self.context.log(value), self.context.log(base))

    def operand(self) -> Any:
        """Read what a function applies to: a group, or numbers and letters side by side (`\\sin 2x`)."""
        if self.next() in ("(", "{", "["):
            value = self.atom()
            if self.next() in ("^", "!", "°", "/"):
                raise Undefined
            return value
        sign = -1 if self.next() == "-" and self.pop() else 1
        value = self.power()
        while is_number(self.next()) or is_letter(self.next()) or self.next() in ("e", r"\pi", r"\frac", r"\sqrt"):
            value = value * self.power()
        if self.next() in ("/", "(", "!"):
            raise Undefined
        return sign * value


_COMMANDS: dict[str, Callable[[_Parser], Any]] = {
    r"\frac": _Parser.fraction,
    r"\binom": _Parser.binomial,
    r"\sqrt": _Parser.root,
    "|": _Parser.modulus,
    r"\pi": lambda parser: +parser.context.pi,
    "e": lambda parser: +parser.context.e,
    "i": lambda parser: parser.context.mpc(0, 1),
}
