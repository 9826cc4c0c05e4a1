"""Changes and values as text for people: in the terminal and on the admin's pages.

Rule 1: only documents that were validated are shown. Of any other, its errors are, and those
    never repeat a text value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from settings_app.differences import ABSENT, Difference

NOTHING = "–"


def value_text(value: Any) -> str:
    """A value on one line, as JSON; a dash where there is none."""
    return NOTHING if value is ABSENT else json.dumps(value, ensure_ascii=False)


def change_lines(changes: Iterable[Difference]) -> list[str]:
    """One line for each change: ``/scanner/top_n: 50 → 20``."""
    return [
        f"{change.path}: {value_text(change.old)} → {value_text(change.new)}" for change in changes
    ]


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 setting``, ``2,000 settings``; the plural where it is another than with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
