"""The prompts of a protocol: Jinja files beside its module, named `<module>.<step>.jinja`."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from toolkit.prompt import LONGEST, Messages, prompt_writer, template_writer, user_turn
from toolkit.protocols.contract import Writer
from toolkit.text_files import TextError, read_text

CACHED = 16_384  # filled prompts that stay in memory, since a question is asked several times


class PromptError(ValueError):
    """A prompt of a recipe for a step that a protocol does not have, or of other variables than it has there."""


class Prompt:
    """A step's prompt: writes one message of a user from texts, one keyword argument per variable.

    Args:
        write: from `template_writer`.
        variables: name -> completions that its value holds at most; a question holds none.
    """

    def __init__(self, write: Callable[..., str], variables: Mapping[str, int]) -> None:
        self._write, self.variables = write, variables

    def __call__(self, **texts: object) -> Messages:
        """Give the messages that the teacher reads."""
        return user_turn(self._write(**texts))


def load_prompts(
    module: str, steps: Mapping[str, Mapping[str, int]], given: Mapping[str, str] | None = None
) -> dict[str, Prompt]:
    """Load the prompt of each step: a recipe's, or from `<module>.<step>.jinja` beside a protocol's module.

    Args:
        module: the module's own `__file__`.
        steps: step -> its variables, each with the number of completions that its value holds at most: 0 for the
            question, 1 for the text of a step, more where several are joined. The dry run's estimate counts on it.
        given: templates of the recipe by step, instead of the files.

    Raises:
        PromptError: for a template of the recipe that is none, has other variables, or is of another step.
        ValueError: naming the file, for one that is missing, no template, or of other variables than these.
    """
    given = given or {}
    refuse_unknown(given, steps)
    return {
        step: Prompt(_given(step, given[step], variables), variables)
        if step in given
        else Prompt(load_template(module, step, variables), variables)
        for step, variables in steps.items()
    }


def refuse_unknown(given: Mapping[str, str], steps: Iterable[str]) -> None:
    """Refuse prompts of a recipe for other steps than these; raises PromptError."""
    unknown = sorted(set(given) - set(steps))
    if unknown:
        known = ", ".join(steps) or "none"
        raise PromptError(f"{unknown[0]}: there is no such step with a prompt of its own; the protocol has {known}")


def _given(step: str, template: str, variables: Mapping[str, int]) -> Callable[..., str]:
    try:
        return template_writer(template, variables, step)
    except ValueError as error:
        raise PromptError(str(error)) from error


def load_template(module: str, name: str, variables: Mapping[str, int]) -> Callable[..., str]:
    """Load `<module>.<name>.jinja` as a function from its variables to a text; see `load_prompts`."""
    path = Path(module).with_suffix(f".{name}.jinja")
    try:
        text = read_text(path, named=str(path.name), largest=8 * LONGEST)
    except TextError as error:
        raise ValueError(f"{error}; a protocol's prompts lie beside its module") from error
    return template_writer(text.removesuffix("\n"), variables, path.name)


def question_prompt(prompt: str) -> Writer:
    """Give the step that asks the question in the recipe's words, as one message of a user.

    Raises:
        ValueError: for a prompt that is no template.
    """
    write = prompt_writer(prompt)

    @functools.lru_cache(CACHED)
    def ask_question(*, question: str) -> Messages:
        return user_turn(write(question))

    return ask_question
