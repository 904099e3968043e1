"""Removes from the URLs in a text what must not be shown: user, password and query."""

import re

LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s@'\"]*@")
QUERY = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?'\"]*)\?[^\s'\"]*")


def redacted(text: str) -> str:
    """Give the text without the credentials in its URLs: `http://***@host/path?***`."""
    return QUERY.sub(r"\1?***", LOGIN.sub(r"\1***@", text))
