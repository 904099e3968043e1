"""The options of a protocol: keyword arguments of its `protocol(prompt, **options)`, checked by their type hints."""

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

NO_OPTIONS = ("prompt", "prompts")  # what a protocol's function takes beside its options


class OptionError(ValueError):
    """An option that a protocol does not have, or with a value that it does not take; the message names both."""


def check_options(make: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options as a protocol takes them.

    Args:
        make: the protocol's function; what it takes beside `prompt` and `prompts` are its options. A range stands in
            the type hint, as `Annotated[int, Field(ge=1, le=8)]`, and a choice as `Literal["a", "b"]`.
        given: of the recipe, plain YAML data.

    Raises:
        OptionError: for an unknown name, a value of another type or outside its range, or an option that is missing.
    """
    takes = inspect.signature(make).parameters
    options = {name: option for name, option in takes.items() if name not in NO_OPTIONS}
    unknown = [name for name in given if name not in options]
    if unknown:
        raise OptionError(f"{unknown[0]}: there is no such option; {_known(options)}")
    missing = [name for name, option in options.items() if option.default is option.empty and name not in given]
    if missing:
        raise OptionError(f"{missing[0]}: is missing, and has no default")
    hints = typing.get_type_hints(make, include_extras=True)
    return {name: _checked(name, hints.get(name, Any), value) for name, value in given.items()}


def _checked(name: str, kind: Any, value: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)  # strict, yet a list may fill a tuple
    except ValidationError as error:
        raise OptionError(f"{name}: {error.errors()[0]['msg'].lower()}, not {value!r:.80}") from error


def _known(options: Mapping[str, object]) -> str:
    return f"the protocol has {', '.join(options)}" if options else "the protocol has none"
