"""Alerts as a file for a spreadsheet, made while it is sent.

Rule 1: never more than a page of rows in memory, and no query open between two of them.
Rule 2: a text that a spreadsheet would take for a formula is given an apostrophe in front, as it
    does itself for text; a number stays a number.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from control.api.alerts.answers import plain
from trading.alerts.selection import Selection, pages_of
from trading.models import Alert

PAGE: Final = 500
CSV: Final = "text/csv"
COLUMNS: Final = (
    "id",
    "told at (UTC)",
    "candle closed at (UTC)",
    "exchange",
    "symbol",
    "timeframe",
    "kind",
    "direction",
    "level",
    "MACD-V",
    "price",
    "stage",
    "detail",
    "state",
    "deliveries",
    "acknowledged at (UTC)",
)
# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"); the full-width
# forms of the signs are taken for the signs.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """What csv writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def exported(request: HttpRequest, user_id: int, wanted: Selection) -> StreamingHttpResponse:
    """A selection of alerts as an attachment, newest first."""
    lines = _lines_of(user_id, wanted)
    # A server of either kind would gather the whole file where it is given the other's iterator.
    content = _in_turn(lines) if isinstance(request, ASGIRequest) else lines
    name = f"livermore-alerts-{timezone.now().date().isoformat()}.csv"
    return StreamingHttpResponse(
        content,
        content_type=f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def cells_of(alert: Alert) -> tuple[str, ...]:
    """One alert as the cells of a line."""
    deliveries = "; ".join(f"{one.channel} {one.state}" for one in alert.deliveries.all())
    return (
        str(alert.pk),
        _moment(alert.created_at),
        _moment(alert.candle_closed_at),
        as_text(alert.exchange),
        as_text(alert.symbol),
        alert.timeframe,
        alert.kind,
        alert.direction,
        _number(alert.level),
        _number(alert.value),
        plain(alert.price) or "",
        as_text(alert.stage),
        as_text(alert.detail),
        alert.state,
        deliveries,
        _moment(alert.acknowledged_at),
    )


def as_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_SIGNS) else text


def _lines_of(user_id: int, wanted: Selection) -> Iterator[str]:
    """The file, a page of rows at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for page in pages_of(user_id, wanted, size=PAGE):
        yield "".join(writer.writerow(cells_of(alert)) for alert in page)


async def _in_turn(lines: Iterator[str]) -> AsyncIterator[str]:
    """The same for an event loop, which no query may hold up."""
    take = sync_to_async(lambda: next(lines, None))
    while (line := await take()) is not None:
        yield line


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
