"""Serve the Space with mark-up for every name and text of somebody's: `python evil.py LOG FOLDER`.

The results in FOLDER take the example's place: its numbers, with `EVIL` for experiment, pair, arm, questions, answers
and responses; and hand-made arms, with `EVIL` for the name of one.
"""

import sys
from pathlib import Path

TEXTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "[x](javascript:alert(3))",
    r"$\href{javascript:alert(4)}{y}$",
)
EVIL = " ".join(TEXTS)
SOMEBODYS = ["experiment", "pair", "question", "answer", "response", "extracted"]


def write(folder: Path, example: Path) -> None:
    """The results below `folder`."""
    import pandas as pd

    from tests.spaces.arm_results import write_arms

    (folder / "evil" / "data").mkdir(parents=True)
    for path in (example / "math" / "data").glob("*.parquet"):
        rows = pd.read_parquet(path)
        rows[[name for name in SOMEBODYS if name in rows]] = EVIL
        if "arm" in rows:
            rows["arm"] = rows["arm"].replace("FSS", EVIL)
        rows.to_parquet(folder / "evil" / "data" / path.name)
    write_arms(folder / "arms", {"guided": EVIL}, experiment="arms")


def serve(folder: Path) -> None:
    """The page of these results."""
    import app
    import data

    write(folder, data.FOLDER)
    data.FOLDER = folder
    app.build().launch(**app.LAUNCH)


if __name__ == "__main__":
    from guarded import SPACE, guard

    guard(Path(sys.argv[1]))
    sys.path[:0] = [str(SPACE), str(SPACE.parents[1])]
    serve(Path(sys.argv[2]))
