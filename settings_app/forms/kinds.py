"""The kinds of controls: which a setting gets, how it writes a value, and how it reads one.

Rule 1: what a control wrote, it reads as the very value that was written.
Rule 2: what it cannot read stays the text that somebody typed, for the validator to refuse.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from settings_app.documents import ABSENT
from settings_app.schema.tree import Node

LONG_TEXT: Final = 1_000  # so many letters need more than one line


class Kind(StrEnum):
    """A kind of control; ``static/livermore/js/settings/controls.js`` knows the same words."""

    SWITCH = "switch"
    NUMBER = "number"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"
    LINES = "lines"
    LIST = "list"
    NUMBERS = "numbers"


def kind_of(node: Node) -> Kind:
    """The control that a setting gets."""
    match node.get("type"):
        case "boolean":
            return Kind.SWITCH
        case "integer" | "number":
            return Kind.NUMBER
        case "array":
            return _kind_of_list(node["items"])
    if "enum" in node:
        return Kind.CHOICE
    return Kind.LINES if node.get("maxLength", 0) >= LONG_TEXT else Kind.TEXT


def _kind_of_list(items: Node) -> Kind:
    if "enum" in items:
        return Kind.CHOICES
    return Kind.NUMBERS if items.get("type") in {"integer", "number"} else Kind.LIST


def written(value: Any) -> str:
    """A value as the text of a control."""
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(written, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def read(kind: Kind, texts: Sequence[str], *, before: Any, is_optional: bool) -> Any:
    """The value that a control's texts stand for; ABSENT where nothing is set.

    Args:
        texts: What was posted under its name.
        before: What it showed: the same text is the same value.
        is_optional: Nothing may stand there.
    """
    if kind is Kind.SWITCH:
        return bool(texts)
    if kind is Kind.CHOICES:
        return _in_order(texts, before)
    text = texts[0].replace("\r\n", "\n")
    if text == written(before):
        return before
    if not text.strip() and is_optional:
        return ABSENT
    return _parsed(kind, text)


def _parsed(kind: Kind, text: str) -> Any:
    match kind:
        case Kind.NUMBER:
            return _number(text)
        case Kind.LIST:
            return _parts(text)
        case Kind.NUMBERS:
            return [_number(part) for part in _parts(text)]
    return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> Any:
    try:
        number = json.loads(text)
    except ValueError:
        return text
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return number if is_number else text


def _in_order(chosen: Sequence[str], before: Any) -> list[str]:
    """What was there keeps its order; what is new follows in the order of the boxes."""
    kept = [one for one in before if one in chosen] if isinstance(before, list) else []
    return kept + [one for one in chosen if one not in kept]
