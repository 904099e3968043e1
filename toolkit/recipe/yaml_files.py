"""Read a recipe's YAML: the core of YAML 1.2, small and flat, each key once, without anchors and tags.

PyYAML reads YAML 1.1, in which `010` is 8, `1:30` is 90 and `on` is true. Here such values stay texts, so that the
setting that they fill can report its type. Deep nesting and self-reference are refused while the text is scanned,
before anything is built.
"""

import re
from collections import Counter
from typing import Any

import yaml

LARGEST = 100_000  # characters; a recipe has some thousand
DEEPEST = 16  # lists and mappings in one another; a recipe has four
OPENING = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken,
           yaml.FlowSequenceStartToken)  # fmt: skip
CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
REFERRING = (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)
UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # control signs, halves of characters
_DIGITS, _WHOLE = r"[0-9](?:_?[0-9])*", r"(?:0|[1-9](?:_?[0-9]){0,39})"
_SCALARS = (  # name, form, first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", rf"[-+]?{_WHOLE}", list("-+0123456789")),
    (
        "float",
        rf"[-+]?(?:{_WHOLE}\.(?:{_DIGITS})?|\.{_DIGITS}|{_WHOLE}(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)


# Unquoted values that are not text, as PyYAML takes them: tag, form, first characters.
RESOLVERS = [(f"tag:yaml.org,2002:{name}", re.compile(rf"(?:{form})\Z"), first) for name, form, first in _SCALARS]


class YamlError(ValueError):
    """A text that is not YAML of a recipe; the message says what is wrong and where, without the file's name."""


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(str(key.value) for key, _ in node.value)
        for name, count in names.most_common(1):
            if count > 1:
                raise YamlError(f"{name[:80]}: written twice; keep one")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}  # not those of YAML 1.1
for _resolver in RESOLVERS:
    _Loader.add_implicit_resolver(*_resolver)


def read_yaml(text: str) -> Any:
    """Return the value that a text holds.

    Raises:
        YamlError: for text that is not YAML, is longer or deeper than a recipe, or has anchors, aliases, tags, a key
            twice, or characters that are not allowed.
    """
    if len(text) > LARGEST:
        raise YamlError(f"longer than {LARGEST:,} characters, the most that a recipe may have ({len(text):,})")
    try:
        _look_through(text)
        data = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {' '.join(str(error).split())[:300]}") from error
    _refuse_unwritable(data, "")
    return data


def read_plain(text: str) -> Any:
    """Return the value of YAML that a library wrote, which is longer than a recipe and as flat.

    Raises:
        YamlError: for text that is not YAML, is deeply nested, or has anchors, aliases or tags.
    """
    try:
        _look_through(text, yaml.CSafeLoader)
        return yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(f"not YAML: {' '.join(str(error).split())[:300]}") from error


def _look_through(text: str, loader: type = _Loader) -> None:
    depth = 0
    for token in yaml.scan(text, loader):
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        line = token.start_mark.line + 1
        if depth > DEEPEST:
            raise YamlError(f"line {line}: more than {DEEPEST} nested lists and mappings; write it flat")
        if isinstance(token, REFERRING):
            raise YamlError(f"not YAML of a recipe: line {line}: YAML aliases, anchors and tags; write the values out")


def _refuse_unwritable(value: Any, key: str) -> None:
    if isinstance(value, str) and (match := UNWRITABLE.search(value)):
        raise YamlError(f"{key}{': ' if key else ''}has the character {match[0]!r}, which is not allowed; remove it")
    if isinstance(value, dict):
        for name, element in value.items():
            _refuse_unwritable(str(name), key)
            _refuse_unwritable(element, key or str(name))
    for element in value if isinstance(value, list) else ():
        _refuse_unwritable(element, key)
