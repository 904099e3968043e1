"""What a worker decides about formulas and relations; whether they are tiny, huge or all but equal changes nothing."""

import pytest

from toolkit.verification.equality import same_formula
from toolkit.verification.latex import plain


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}", False),
        ("\\frac{1}{2004!}", "\\frac{1}{2004 \\cdot 2003!}", True),
        ("\\frac{2^{2005}+1}{3 \\cdot 2^{2006}}", "\\frac{1}{3 \\cdot 2^{2006}}", False),
        ("1+\\frac{i}{3^{80}}", "1+\\frac{i}{3^{81}}", False),
        ("(1+i)^2", "2i", True),
        ("y = 2x+1", "4x - 2y + 2 = 0", True),
        ("y = 2x+1", "2x + y + 1 = 0", False),
        ("y = \\frac{1}{x}", "xy = 1", False),
        ("a < b < c", "c > b > a", True),
        ("a < b < c", "a < c < b", False),
        ("x < 1", "-x > -1", True),
        ("x < 1", "-x < -1", False),
        ("x < 1", "2x \\le 2", False),
        ("2 = 2", "3 = 3", False),
        ("x = 2", "x < 2", False),
        ("x = 2", "x = 2 = x", False),
        ("\\sum_{k=1}^{n} k", "\\sum_{k=1}^{n} k^2", False),
        ("\\sum_{k=1}^{3} k", "6", True),
        ("\\sum_{k=1}^{80} \\frac{1}{3^k}", "\\sum_{k=1}^{81} \\frac{1}{3^k}", False),
        ("9^{9^{9}}", "9^{9^{9}}+", False),
        ("\\lfloor", "]", False),
    ],
)
def test_formulas_and_relations(gold: str, answer: str, same: bool) -> None:
    assert same_formula(plain(gold), plain(answer)) is same
    assert same_formula(plain(answer), plain(gold)) is same
