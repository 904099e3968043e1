"""Synthesis protocols: one file each, which says how a response to a question comes about.

A protocol's module has `protocol(prompt) -> Protocol` (see `contract`), with `prompt` the recipe's template, and a line
in `toolkit.doors.PROTOCOLS`.
"""

import importlib

from toolkit.doors import PROTOCOLS
from toolkit.protocols.contract import Protocol


def load_protocol(name: str, prompt: str) -> Protocol:
    """The protocol of a name in `PROTOCOLS`, with the recipe's prompt template.

    Raises:
        ValueError: for a prompt that is no template.
    """
    found: Protocol = importlib.import_module(PROTOCOLS[name]).protocol(prompt)
    return found
