"""What a teacher is told: the recipe's Jinja template, filled with one question."""

from collections.abc import Callable

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

PLAIN = "{{ question }}"  # the question and nothing else


def prompt_writer(template: str) -> Callable[[str], str]:
    """A function from a question to the text that the teacher is told.

    Args:
        template: Jinja, in a sandbox; it knows one name, `question`, and must use it.

    Raises:
        ValueError: naming the recipe key `prompt` and what is wrong with it.
    """
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        names = meta.find_undeclared_variables(environment.parse(template))
        compiled = environment.from_string(template)
        if names == {"question"}:
            compiled.render(question="1 + 1")  # a filter or attribute that is missing shows here, not in the middle
    except (TemplateError, TypeError) as error:
        raise ValueError(f"prompt: no Jinja template: {error}: {template!r}") from error
    if names != {"question"}:
        used = ", ".join(sorted(names)) or "no name at all"
        raise ValueError(f"prompt: must use the name `question` and no other, not {used}: {template!r}")
    return lambda question: compiled.render(question=question)
