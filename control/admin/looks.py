"""How the lists of this package write a moment and a state."""

from __future__ import annotations

from datetime import datetime

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from control.marks import Mark
from trading.admin import NOTHING
from trading.alerts.reader import current_reader
from trading.models import Delivery


def moment(at: datetime | None) -> str:
    """A moment as its reader writes it, to the second; a dash where there is none."""
    reader = current_reader()
    return NOTHING if at is None else f"{reader.day(at)} {reader.time(at)}"


def next_step(delivery: Delivery) -> str:
    """When a delivery's state became one that lasts, or when it is sent next."""
    if delivery.state == Delivery.State.WAITING:
        return f"next at {current_reader().time(delivery.due_at)}"
    return moment(delivery.settled_at)


def shown(mark: Mark) -> SafeString:
    """A state as the pages show it."""
    return render_to_string("livermore/_mark.html", {"mark": mark})
