"""The prompts of a protocol: Jinja files beside its module, named `<module>.<step>.jinja`."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.prompt import LONGEST, Messages, prompt_writer, template_writer, user_turn
from toolkit.protocols.contract import Writer
from toolkit.text_files import TextError, read_text

CACHED = 16_384  # filled prompts that stay in memory, since a question is asked several times


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


def load_prompts(module: str, steps: Mapping[str, Mapping[str, int]]) -> dict[str, Prompt]:
    """Load the prompt of each step from `<module>.<step>.jinja` beside a protocol's module.

    Args:
        module: the module's own `__file__`.
        steps: step -> its variables, each with the number of completions that its value holds at most: 0 for the
            question, 1 for the text of a step, more where several are joined. The dry run's estimate counts on it.

    Raises:
        ValueError: naming the file, for one that is missing, no template, or of other variables than these.
    """
    return {step: Prompt(load_template(module, step, variables), variables) for step, variables in steps.items()}


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
