"""Read the metadata at the head of a card: a stranger's YAML, within limits of size, depth and expansion."""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from toolkit.licences import LICENCES, closest

LONGEST = 256 << 10  # characters of YAML
DEEPEST = 32  # levels
MOST = 100_000  # values, aliases written out
END = re.compile(
    r"[\r\n]---(?:\r?\n|\Z)"
)  # one line end only: a regular expression for several would take quadratic time
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def front_matter(content: str) -> dict[str, Any]:
    """Parse the YAML block at the head of a card as JSON values; dates and the like become text.

    Raises:
        ValueError: for a block that is not YAML, not a mapping, or beyond the limits.
    """
    block = _block(content)
    if len(block) > LONGEST:
        raise ValueError(f"its metadata is longer than {LONGEST >> 10} KiB")
    try:
        small = _is_small(yaml.parse(block, Loader=Loader))
        value = _plain(yaml.load(block, Loader=Loader)) if small else {}
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:  # `!!bool x` and its like
        raise ValueError(f"its metadata is not valid YAML: {error}") from error
    if not small:
        raise ValueError(f"its metadata has more than {MOST:,} values, or more than {DEEPEST} levels")
    if not isinstance(value or {}, dict):
        raise ValueError("its metadata must be a mapping of names to values")
    return value or {}


def _block(content: str) -> str:
    """Return the text between `---` in the first line and the next line `---`; empty where there is no such block."""
    head = content.lstrip()
    if not head.startswith(("---\n", "---\r")):
        return ""
    end = END.search(head, 3)
    return head[3 : end.start()] if end else ""


def _is_small(events: Iterator[yaml.Event]) -> bool:
    sizes: dict[str | None, int] = {}  # anchor -> size of its node, once that is complete
    above: list[tuple[str | None, int]] = []
    anchor, size = None, 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            size += sizes.get(event.anchor, MOST + 1)  # a node that contains itself is endless
        elif isinstance(event, yaml.CollectionStartEvent):
            above.append((anchor, size))
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.CollectionEndEvent):
            sizes[anchor] = size
            anchor, size = above[-1][0], above.pop()[1] + size
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1
            size += 1
        if size > MOST or len(above) > DEEPEST:
            return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | set | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else hex(value)
    return str(value)


def faults(data: dict[str, Any]) -> list[str]:
    """List what the Hub refuses in a card's metadata: fields of other types, and licences that it lacks."""
    messages = [
        f'"{field}" must be a text or a list of texts'
        for field in ("license", "language", "base_model", "datasets", "tags", "size_categories", "task_categories")
        if field in data and not _texts(data[field])
    ]
    licence = data.get("license", [])
    unknown = [name for name in ([licence] if isinstance(licence, str) else licence or []) if name not in LICENCES]
    if not messages and unknown:
        hint = f"did you mean {closest(unknown[0])}?"
        messages.append(f'"license" must be an identifier of the Hub, not {unknown[0]!r}; {hint}')
    configs = data.get("configs", [])
    if not isinstance(configs, list) or not all(isinstance(item, dict) and "config_name" in item for item in configs):
        messages.append('"configs" must be a list of mappings with a "config_name"')
    return messages


def _texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
