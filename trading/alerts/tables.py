"""What alerts say as rows of figures, for whoever shows letters of one width.

Rule 1: plain text; what a channel has to do to show it is the channel's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trading.alerts.ports import Notice

MARKS = {"up": "▲", "down": "▼", "trouble": "!", "recovered": "✓"}
_WRITTEN_OUT = 1e6
_NO_VALUE = "–"


def momentum_rows(momentum: Mapping[str, float | None]) -> list[str]:
    """A row for each timeframe: its name, its MACD-V, and on which side of zero that is."""
    width = max((len(timeframe) for timeframe in momentum), default=0)
    return [
        f"{timeframe:<{width}}  {figure(value):>7}  {_side(value)}".rstrip()
        for timeframe, value in momentum.items()
    ]


def digest_rows(notices: Iterable[Notice]) -> list[str]:
    """A row for each notice: the minute (UTC), which way it went, and what it is."""
    rows = [
        f"{notice.at:%H:%M}  {MARKS.get(notice.tone, ' ')}  {notice.title}" for notice in notices
    ]
    return ["UTC", *rows]


def figure(value: float | None) -> str:
    """An indicator's value with its sign, however large it is."""
    if value is None:
        return _NO_VALUE
    return f"{value:+.1f}" if abs(value) < _WRITTEN_OUT else f"{value:+.2e}"


def _side(value: float | None) -> str:
    if not value:
        return ""
    return MARKS["up"] if value > 0 else MARKS["down"]
