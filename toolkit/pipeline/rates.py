"""How fast responses came the last time: a note beside a journal, of which nothing but a guess of time depends."""

from pathlib import Path

from toolkit.text_files import TextError, read_object


def read_rate(path: Path) -> tuple[float, float] | None:
    """(seconds, responses), both above 0, of a `.rate.json`; None where it is missing or damaged."""
    try:
        known = read_object(path)
    except TextError:
        return None
    seconds, responses = known.get("seconds"), known.get("responses")
    usable = all(isinstance(value, int | float) and 0 < value < 1e15 for value in (seconds, responses))
    return (float(seconds), float(responses)) if usable and seconds and responses else None
