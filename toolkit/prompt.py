"""Fills the Jinja templates of prompts: the recipe's, with one question, and a protocol's, with several texts.

Anybody may have written the recipe, and Jinja's own sandbox lets a template compute for ever. So a template may use
only what fills in a text, and nothing that can grow or repeat without bound: its time and output are linear in its
length.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, str]  # `role` (system, user or assistant) and `content`
Messages = Sequence[Message]  # what a teacher reads, up to where its own turn begins

PLAIN = "{{ question }}"  # the question and nothing else
LONGEST = 20_000  # characters of a template
MOST = 10_000  # parts that its loops may repeat
FILTERS = {
    *("trim", "upper", "lower", "capitalize", "title", "string", "int", "float", "length", "count", "wordcount"),
    *("default", "d", "first", "last", "escape", "e", "striptags", "replace"),
}
METHODS = {
    *("strip", "lstrip", "rstrip", "upper", "lower", "capitalize", "title", "split", "splitlines", "removeprefix"),
    *("removesuffix", "startswith", "endswith", "isdigit", "count", "find", "replace"),
}
ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict),
    *(nodes.Pair, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Add, nodes.Sub, nodes.Neg, nodes.Concat, nodes.Keyword),
    *(nodes.For, nodes.Filter, nodes.Call),
)
FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def user_turn(text: str) -> Messages:
    """Give the messages of a user who says `text`."""
    return [{"role": "user", "content": text}]


def contents(messages: Messages) -> str:
    """Join the texts of some messages, a line each."""
    return "\n".join(message["content"] for message in messages)


def prompt_writer(template: str) -> Callable[[str], str]:
    """Make a function from a question to the text that the teacher reads.

    Args:
        template: Jinja, in a sandbox; it knows one name, `question`, and must use it; see `template_writer`.

    Raises:
        ValueError: for a template that is not allowed, naming the recipe key `prompt`; and, when the function is
            called, for a question that the template cannot be filled with.
    """
    write = template_writer(template, ("question",), "prompt")
    return lambda question: write(question=question)


def template_writer(template: str, names: Iterable[str], named: str) -> Callable[..., str]:
    """Give a function that fills a template with texts, one keyword argument per name.

    Args:
        template: Jinja, in a sandbox. Loops go over what is written out in it, filters and methods are those that cut
            or change a text. What it is filled with is data and never read as a template.
        names: of the variables; the template must use each of them and no other.
        named: what errors call the template, such as a recipe key or a file.

    Raises:
        ValueError: naming the template and what is wrong with it; from what is returned, for other variables than
            these, one that is no text, or a text that the template cannot be filled with.
    """
    known = sorted(names)
    expected = set(known)
    quoted = repr(template if len(template) < 200 else f"{template[:197]}...")
    if len(template) > LONGEST:
        raise ValueError(f"{named}: has {len(template):,} characters; write it with {LONGEST:,} at most: {quoted}")
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        _refuse_costly(environment.parse(template))
        used = sorted(meta.find_undeclared_variables(environment.parse(template)))
        compiled = environment.from_string(template)
        if used == known:  # a filter or attribute that is missing shows here, not in the middle
            compiled.render(dict.fromkeys(known, "1 + 1"))
    except (*FAULTS, SyntaxError, MemoryError) as error:  # the last two: blocks that nest deeper than Python's
        raise ValueError(f"{named}: not a Jinja template: {str(error)[:200]}: {quoted}") from error
    if used != known:
        raise ValueError(f"{named}: must use {_listed(known)} and no other, not {_plain(used)}: {quoted}")

    def write(**texts: object) -> str:
        if texts.keys() != expected or not all(isinstance(text, str) for text in texts.values()):
            raise ValueError(f"{named}: {_other(texts, known)}")
        try:  # as `compiled.render` does it, without Jinja's globals: no template can use them, and they take its time
            return "".join(compiled.root_render_func(Context(environment, texts, None, {})))
        except FAULTS as error:
            values = ", ".join(f"{str(texts[name])[:80]!r}" for name in known)
            raise ValueError(f"{named}: cannot be filled with {values}: {str(error)[:200]}: {quoted}") from error

    return write


def _listed(names: Sequence[str]) -> str:
    quoted = ", ".join(f"`{name}`" for name in names)
    return f"the name{'s' * (len(names) > 1)} {quoted}" if names else "no name"


def _plain(names: Sequence[str]) -> str:
    return ", ".join(names) or "no name at all"


def _other(texts: Mapping[str, object], known: Sequence[str]) -> str:
    """Say which variables are not a template's, or which value is no text."""
    if sorted(texts) != known:
        return f"is filled with {_listed(known)}, not with {_plain(sorted(texts))}"
    name, value = next((name, value) for name, value in texts.items() if not isinstance(value, str))
    return f"{name}: must be a text, not {value!r:.80}"


def _refuse_costly(template: nodes.Template) -> None:
    """Refuse a template that costs too much, before it is compiled: the compiler already works out constants."""
    for node in _all(template):
        _refuse_part(node)
    if _size(template) > MOST:
        raise ValueError(f"its loops repeat more than {MOST:,} parts; write it without some of them")


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        yield (following := waiting.pop())
        waiting += following.iter_child_nodes()


def _refuse_part(node: nodes.Node) -> None:
    """Refuse a node that a prompt does not need and that can run or grow for ever."""
    named = type(node).__name__.lower()
    if not isinstance(node, ALLOWED):
        raise ValueError(f"{named} is not for prompts; use text, {{{{ question }}}}, conditions and written-out lists")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise ValueError(f"filter {node.name!r} is not for prompts; there are {', '.join(sorted(FILTERS))}")
    method = node.node.attr if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) else None
    if isinstance(node, nodes.Call) and method not in METHODS:
        raise ValueError(f"only methods of a text can be called: {', '.join(sorted(METHODS))}")
    if isinstance(node, nodes.Filter | nodes.Call) and "replace" in (method, getattr(node, "name", "")):
        _refuse_growth(node)
    if isinstance(node, nodes.For) and (node.recursive or not isinstance(node.iter, nodes.List | nodes.Tuple)):
        raise ValueError("a loop goes over a list that is written out in it, such as [1, 2]")


def _refuse_growth(node: nodes.Filter | nodes.Call) -> None:
    """Refuse a replacement that lengthens a text: in a row they could double it again and again."""
    texts = [arg.value for arg in node.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)]
    if len(texts) != len(node.args) or len(texts) != 2 or not texts[0] or len(texts[1]) > len(texts[0]):
        raise ValueError("replace takes two texts that are written out, the second no longer than the first")


def _size(node: nodes.Node) -> int:
    """Count the parts that are worked out at most; a loop is bounded by its written-out list."""
    inner = sum(_size(child) for child in node.iter_child_nodes())
    looped = node.iter if isinstance(node, nodes.For) else None
    return 1 + inner * (len(looped.items) if isinstance(looped, nodes.List | nodes.Tuple) else 1)
