"""Finds the reasoning before an answer, wherever a server puts it: in a field of its own, or inside the text."""

from typing import Any

FIELDS = ("reasoning_content", "reasoning", "thinking")  # fields of a message; the first that holds a text counts
TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)


def reasoning_of(message: dict[str, Any]) -> str:
    """Give the reasoning that a message holds apart from its content, else an empty text."""
    for field in FIELDS:
        if isinstance(value := message.get(field), str) and value:
            return value
    details = message.get("reasoning_details")
    parts = [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
    texts = [part.get("text") or part.get("summary") for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def split_parts(parts: list[Any]) -> tuple[str, str]:
    """Give (reasoning, answer) of a content that is a list of parts, as several servers write it.

    Raises:
        ValueError: for a part that is neither text nor reasoning.
    """
    reasoning, answer = "", ""
    for part in parts:
        match part:
            case str(text) | {"type": "text" | "output_text", "text": str(text)}:
                answer += text
            case {"type": "thinking", "thinking": [*inner]}:
                reasoning += split_parts(inner)[1]
            case {"type": "thinking" | "reasoning", "thinking": str(text)} | {
                "type": "thinking" | "reasoning",
                "text": str(text),
            }:
                reasoning += text
            case _:
                raise ValueError("a part of the content is not text")
    return reasoning, answer


def split_tags(text: str) -> tuple[str, str]:
    """Give (reasoning, answer) of a text that begins with tagged reasoning; the template may have opened the tag.

    Reasoning that is never closed leaves no answer.
    """
    start = text.lstrip()
    for opening, closing in TAGS:
        inside = start.removeprefix(opening)
        before, closed, after = inside.partition(closing)
        if closed and (inside is not start or opening not in before):
            return before.strip(), after.lstrip()
        if inside is not start:
            return inside.strip(), ""
    return "", text


def with_reasoning(reasoning: str, answer: str, closed: bool) -> str:
    """Write the reasoning before the answer in one form for all servers; it stays open where it was cut off."""
    return f"<think>\n{reasoning}\n</think>\n\n{answer}" if closed else f"<think>\n{reasoning}"
