"""Synthesis protocols: one file each, which says how a response to a question, or a new question, comes about.

A protocol's module has `protocol(prompt, **options)`, with `prompt` the recipe's template; where it takes `prompts`,
those are the recipe's templates for its other steps, by name. It gives a `Protocol` and
has a line in `toolkit.doors.PROTOCOLS`, or a `QuestionProtocol` and one in `QUESTION_PROTOCOLS` (see `contract`). A
file of the user's own has the same function and needs no line.
"""

import functools
import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from toolkit.doors import PROTOCOLS, QUESTION_PROTOCOLS
from toolkit.protocols.contract import Protocol, QuestionProtocol
from toolkit.protocols.options import check_options
from toolkit.protocols.prompts import refuse_unknown
from toolkit.recipe.protocol_file import prompts_of, protocol_name

Kind = TypeVar("Kind", Protocol, QuestionProtocol)
MODULES = PROTOCOLS | QUESTION_PROTOCOLS
MAKES: dict[type, str] = {Protocol: "responses", QuestionProtocol: "new questions"}
STEP = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class ProtocolError(ValueError):
    """A protocol that cannot be loaded; the message says what to change."""


def load_protocol(
    name: str,
    prompt: str,
    options: Mapping[str, Any] | None = None,
    file: Path | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Protocol:
    """Load a protocol that makes responses, with the recipe's prompt template and options.

    Args:
        name: in `PROTOCOLS`, or `module@digest` of a file of the user's own.
        file: that file, which is run. None refuses such a name.
        prompts: of the recipe for the protocol's other steps, by step; they take the place of its own.

    Raises:
        OptionError: for options that the protocol does not take.
        PromptError: for prompts of steps that it does not have, or of other variables.
        ProtocolError: for a file that is not the one of the name, cannot be run, or makes no such protocol.
        ValueError: for a prompt that is no template.
    """
    made = _made(_module(name, file), Protocol, prompt, options or {}, prompts or {})
    return made._replace(name=name.partition("@")[0])


def load_question_protocol(
    name: str,
    prompt: str,
    options: Mapping[str, Any] | None = None,
    file: Path | None = None,
    prompts: Mapping[str, str] | None = None,
) -> QuestionProtocol:
    """Load a protocol that makes new questions; `name` is in `QUESTION_PROTOCOLS`, and else all is as `load_protocol`.

    Raises:
        OptionError, PromptError, ProtocolError, ValueError: as `load_protocol` does.
    """
    made = _made(_module(name, file), QuestionProtocol, prompt, options or {}, prompts or {})
    return made._replace(name=name.partition("@")[0])


def _module(name: str, file: Path | None) -> ModuleType:
    if name in MODULES:
        return importlib.import_module(MODULES[name])
    if file is None:
        raise ProtocolError(
            f"{name}: is somebody's own protocol, and code never comes with data. Write `protocol: ./"
            f"{name.partition('@')[0]}.py`, a file of your own beside the recipe; it continues this source where its "
            f"digest is {name.partition('@')[2]}, too"
        )
    return _run_file(file, name)


def reading_options(name: str) -> frozenset[str]:
    """Name the options of a shipped protocol that change nothing but what a student reads; none for a user's own."""
    if name not in MODULES:
        return frozenset()
    return frozenset(getattr(importlib.import_module(MODULES[name]), "READING", ()))


def prompts_digest(name: str) -> str | None:
    """Give the digest of the prompts that a shipped protocol has in files; None without any, or for a user's own."""
    if name not in MODULES:
        return None
    return digest_of_prompts(Path(__file__).with_name(f"{MODULES[name].rpartition('.')[2]}.py"))


def digest_of_prompts(module: Path) -> str | None:
    """Give the digest of the prompts beside a module's file; None without any."""
    texts = [f"{path.name}\0{path.read_text(encoding='utf-8')}" for path in prompts_of(module)]
    return hashlib.sha256("\0\0".join(texts).encode()).hexdigest() if texts else None


@functools.cache
def _run_file(file: Path, name: str) -> ModuleType:
    """Run a file of the user's own as a module; its code is what the name's digest is of."""
    if protocol_name(file) != name:
        raise ProtocolError(f"{file.name}: changed since the recipe was read; run again")
    module = ModuleType(f"fss_protocol_{name.replace('@', '_')}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except Exception as error:
        raise ProtocolError(f"{file.name}: {type(error).__name__}: {error}; correct the file") from error
    return module


def _prompts(make: Callable[..., Any], prompts: Mapping[str, str]) -> dict[str, Any]:
    """Give a recipe's prompts as a protocol takes them; one that takes none has none beside the recipe's `prompt`."""
    if "prompts" in inspect.signature(make).parameters:
        return {"prompts": prompts}
    refuse_unknown(prompts, ())
    return {}


def _made(
    module: ModuleType, kind: type[Kind], prompt: str, options: Mapping[str, Any], prompts: Mapping[str, str]
) -> Kind:
    make = getattr(module, "protocol", None)
    place, named = Path(str(module.__file__)).name, kind.__name__
    if not callable(make):
        raise ProtocolError(f"{place}: has no function `protocol(prompt, **options)`; write one that gives a {named}")
    checked = check_options(make, options)
    made: Any = make(prompt, **checked, **_prompts(make, prompts))
    if not isinstance(made, kind) and type(made) in MAKES:
        raise ProtocolError(f"{place}: makes {MAKES[type(made)]}, where {MAKES[kind]} are wanted; name another one")
    if not isinstance(made, kind) or not made.steps:
        raise ProtocolError(f"{place}: its function `protocol` gives {made!r:.80}; give a `{named}` with its steps")
    named_steps = [*made.steps, *made.most, *(_marked_steps(made) if isinstance(made, Protocol) else ())]
    wrong = [step for step in named_steps if step not in made.steps or not STEP.fullmatch(step)]
    if wrong:
        raise ProtocolError(f"{place}: {wrong[0]!r:.80} is no step; a step has a name of letters, digits, '_' and '-'")
    if isinstance(made, Protocol) and not made.most_steps:
        raise ProtocolError(f"{place}: every step is in `by_student`; leave one to the teacher at least")
    return made


def _marked_steps(made: Protocol) -> tuple[str, ...]:
    return (*made.by_student, *([made.swapped] if made.swapped else []))
