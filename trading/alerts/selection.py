"""Which of a user's alerts are meant: what lists, exports and actions have in common.

Rule 1: a selection never leaves its user: whose alerts they are is an argument of its own.
Rule 2: newest first, by id; a page goes on below the id that the last one ended with, so that what
    is told meanwhile shifts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q

from trading.core.modes import SignalKind
from trading.core.severity import URGENT_LEVEL, Severity, kinds_of
from trading.models import SYSTEM, Alert, Alerts, Delivery

SIGNALS = "signals"
ABOUTS = (SIGNALS, SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked of an alert; None asks nothing.

    Args:
        about: ``signals``, or ``system`` for what Livermore says of itself.
        part: A part of its symbol, in any case.
        severity: How much the signal matters; what Livermore says of itself has none.
        channel: It has a delivery by this channel.
        since: Told at this moment or later; aware.
        until: Told before this moment; aware.
        is_acknowledged: Whether its owner has said to have seen it.
    """

    about: str | None = None
    exchange: str | None = None
    symbol: str | None = None
    part: str | None = None
    timeframe: str | None = None
    kind: str | None = None
    direction: str | None = None
    severity: Severity | None = None
    state: str | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_acknowledged: bool | None = None


def alerts_of(user_id: int, wanted: Selection, *, before: int | None = None) -> Alerts:
    """A user's alerts of a selection with their deliveries, newest first.

    Args:
        before: Only those below this id.
    """
    asked: dict[str, Any] = {
        "exchange": wanted.exchange,
        "symbol": wanted.symbol,
        "symbol__icontains": wanted.part,
        "timeframe": wanted.timeframe,
        "kind": wanted.kind,
        "direction": wanted.direction,
        "state": wanted.state,
        "deliveries__channel": wanted.channel,  # one row at most: a constraint says so
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
        "id__lt": before,
    }
    if wanted.is_acknowledged is not None:
        asked["acknowledged_at__isnull"] = not wanted.is_acknowledged
    rows: Alerts = Alert.objects.filter(user_id=user_id)
    if wanted.about == SIGNALS:
        rows = rows.signals()
    elif wanted.about == SYSTEM:
        rows = rows.filter(kind=SYSTEM)
    if wanted.severity is not None:
        rows = rows.filter(_matters(wanted.severity))
    known = {name: value for name, value in asked.items() if value is not None}
    return rows.filter(**known).order_by("-id").prefetch_related(_deliveries_of(user_id))


def pages_of(user_id: int, wanted: Selection, *, size: int) -> Iterator[list[Alert]]:
    """All alerts of a selection, page by page: no query is long, and none stays open."""
    before = None
    while page := list(alerts_of(user_id, wanted, before=before)[:size]):
        yield page
        if len(page) < size:
            return
        before = page[-1].pk


def _matters(wanted: Severity) -> Q:
    """What :func:`trading.core.severity.severity` says of a row, as a condition."""
    reaches = Q(level__gte=URGENT_LEVEL) | Q(level__lte=-URGENT_LEVEL)
    urgent_level = Q(kind=SignalKind.LEVEL) & Q(level__isnull=False) & reaches
    of_kind = Q(kind__in=kinds_of(wanted))
    return of_kind | urgent_level if wanted is Severity.URGENT else of_kind & ~urgent_level


def _deliveries_of(user_id: int) -> Prefetch[str, Any, str]:
    mine = Delivery.objects.filter(user_id=user_id).order_by("channel")
    return Prefetch("deliveries", queryset=mine)
