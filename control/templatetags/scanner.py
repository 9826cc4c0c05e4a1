"""The scanner's section brings what it shows along, so that any page may hold it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django import template

from control.pages.proposals import Scanner, scanner_of
from control.reader import reader_for

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

register = template.Library()

MOST_DIGITS = 18  # of a row's id
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


@register.simple_tag
def scanner_for(request: UserRequest) -> dict[str, Any]:
    """The scanner of the signed-in user, and whether the address asks for it."""
    asked = request.GET.get("scan")
    is_id = asked is not None and asked.isascii() and asked.isdigit() and len(asked) <= MOST_DIGITS
    reader = getattr(request, "reader", None) or reader_for(request.user)
    shown: Scanner = scanner_of(
        request.user, reader, run_id=int(asked) if asked and is_id else None
    )
    return {"shown": shown, "is_asked_for": asked is not None}


@register.filter
def volume(value: float | None) -> str:
    """What was traded, in three figures: ``1.70 B``."""
    if value is None or not math.isfinite(value):
        return "–"
    for size, unit in UNITS:
        if value >= size:
            figures = value / size
            digits = 2 if figures < 10 else 1 if figures < 100 else 0
            return f"{figures:.{digits}f} {unit}"
    return f"{value:.0f}"
