"""Whole numbers, as forms and links bring them: a text that anybody may have written."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,18}")  # no more digits than PostgreSQL's bigint takes


def is_number(text: str) -> bool:
    """Whether it is an id, a revision or a moment: a whole number that a row can have."""
    return _NUMBER.fullmatch(text) is not None
