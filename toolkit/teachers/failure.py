"""Reads a server's refusal of a request: the reason, safe to show, and how long to wait."""

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

SHOWN = 200  # characters of a server's text that are shown
LONGEST_PAUSE = 300.0  # seconds that a server may ask for


def shown(text: str) -> str:
    """Shorten a stranger's text to one line that is safe to show: no line breaks, no control characters."""
    line = " ".join(text[: 4 * SHOWN].split())
    return "".join(character if character.isprintable() else "?" for character in line)[:SHOWN]


def reason_of(raw: bytes) -> str:
    """Give the message of an error body where it is JSON with one, else its first characters."""
    text = raw.decode(errors="replace")
    try:
        return message_of(json.loads(raw)) or shown(text)
    except (ValueError, RecursionError):
        return shown(text)


def message_of(body: Any) -> str:
    """Give the message in a JSON error of any server's shape, safe to show; empty where there is none."""
    match body:
        case {"error": {"message": str(message)}} | {"error": str(message)}:
            return shown(message)
        case {"message": str(message)} | {"detail": str(message)}:
            return shown(message)
        case {"error": {"error": str(message)}} | {"detail": [{"msg": str(message)}, *_]}:
            return shown(message)
    return ""


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """Give the seconds that `Retry-After` asks for (a number or a date), at most `LONGEST_PAUSE`; None for neither."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        after = float(value)
    except ValueError:
        try:
            after = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(after, 0.0), LONGEST_PAUSE) if math.isfinite(after) else None
