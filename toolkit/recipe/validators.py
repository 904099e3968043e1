"""Check single values of a recipe beyond their types."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from toolkit.licences import LICENCES, closest

LONGEST_PART = 255  # bytes of a name between slashes, on common file systems
NAME_RULE = "must be owner/name: letters, digits, '-', '_' and '.', no '--' or '..', at most 88 characters of a name"


def name_of_a_repo(name: str) -> str:
    """Refuse a wrong repo name before any work, not when something is to be published under it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        for text in (name, f"{name}-results"):  # results and models lie beside it
            validate_repo_id(text)
    except HFValidationError as error:
        raise PydanticCustomError("repo", NAME_RULE) from error
    if name.count("/") != 1:
        raise PydanticCustomError("repo", NAME_RULE)
    return name


def place(name: str) -> str:
    """Refuse the name of a file, a folder or a repo that no file system would take, before anybody looks there."""
    if any(len(part.encode()) > LONGEST_PART for part in name.split("/")):
        rule = "must name a file, a folder or a repo: at most {most} bytes between slashes"
        raise PydanticCustomError("place", rule, {"most": LONGEST_PART})
    return name


Place = Annotated[str, AfterValidator(place)]


def licence(name: str) -> str:
    """Refuse a licence that the Hub does not know before any work, not when the card is pushed."""
    if name not in LICENCES:
        meant = {"meant": closest(name)}
        raise PydanticCustomError("licence", "must be an identifier of the Hub; did you mean {meant}?", meant)
    return name


def one_of(door: Mapping[str, object], pattern: str | None = None) -> AfterValidator:
    """Refuse a name that is not in one of the tables of `toolkit.doors`, and does not fit `pattern`."""

    def check(name: str) -> str:
        if name not in door and not (pattern and re.fullmatch(pattern, name)):
            *first, last = (repr(known) for known in door)
            known = " or ".join(filter(None, (", ".join(first), last)))
            known += f", or a file of yours, ./{name}.py" if pattern and name.isidentifier() else ""
            raise PydanticCustomError("door", "Input should be {known}", {"known": known})
        return name

    return AfterValidator(check)
