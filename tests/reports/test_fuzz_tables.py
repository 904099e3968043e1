"""Tables that somebody damaged: `fss fit` fits them or says in plain words what is wrong."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolkit.cli import main

ROWS = [f"{r},{0.9 * r**-0.5:.4f},{seed}" for r in (1, 2, 4, 8, 16, 32) for seed in (0, 1)]
PIECES = [
    "",
    "nan",
    "inf",
    "-1",
    "1e400",
    "1" * 500,
    "abc",
    "é",
    "\0",
    '"',
    ",",
    ";",
    "\n",
    "\r\n",
    "\ufeff",
    "1,5",
    "9 %",
    "1_0",
    "0x1",
    "-inf",
    "true",
]
QUICK = {"phases": [Phase.explicit, Phase.generate], "suppress_health_check": list(HealthCheck)}
CHANGES = st.lists(
    st.tuples(st.sampled_from(["cell", "cut", "put", "twice", "gone"]), st.integers(0, 10**6), st.sampled_from(PIECES)),
    max_size=4,
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "cp037"])


def damaged(changes):
    lines = ["r,error,seed", *ROWS]
    for kind, place, piece in changes:
        at = place % len(lines)
        cells = lines[at].split(",")
        if kind == "cell":
            cells[place % len(cells)] = piece
            lines[at] = ",".join(cells)
        elif kind == "twice":
            lines.insert(at, lines[at])
        elif kind == "gone" and len(lines) > 1:
            del lines[at]
        elif kind == "put":
            lines[at] = lines[at][: place % 7] + piece + lines[at][place % 7 :]
        else:
            lines[at] = lines[at][: place % 7]
    return "\n".join(lines) + "\n"


def fit(folder, changes, encoding, capsys):
    """Give the exit code and the error text of `fss fit` on a damaged table."""
    path = folder / "curve.csv"
    path.write_bytes(damaged(changes).encode(encoding, "replace"))
    code = main(["fit", str(path), "--x", "r", "--y", "error", "--seed", "seed", "--predict", "64"])
    return code, capsys.readouterr().err


@settings(max_examples=5, **QUICK)
@given(CHANGES, ENCODINGS)
def test_a_damaged_table_is_fitted_or_refused_in_plain_words(tmp_path_factory, capsys, changes, encoding):
    code, errors = fit(tmp_path_factory.getbasetemp(), changes, encoding, capsys)
    assert code in (0, 1) and "Traceback" not in errors
    assert code == 0 or errors.startswith("fss: error: ")


@pytest.mark.slow
@settings(max_examples=500, **QUICK)
@given(CHANGES, ENCODINGS)
def test_five_hundred_damaged_tables_are_fitted_or_refused(tmp_path_factory, capsys, changes, encoding):
    code, errors = fit(tmp_path_factory.getbasetemp(), changes, encoding, capsys)
    assert code in (0, 1) and "Traceback" not in errors
    assert code == 0 or errors.startswith("fss: error: ")
