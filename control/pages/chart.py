"""The chart of one market and timeframe, at a moment or now.

Rule 1: what is drawn is what :mod:`control.symbols.charts` says, and the signed-in user's signals.
Rule 2: a page without JavaScript has the values as a table; the modules draw from the same boot.
Rule 3: what cannot be shown is a page too, with the reason and the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import structlog
from django.contrib.admin import AdminSite
from django.http import HttpResponse, QueryDict
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from control.pages.shared import heard_by, render
from control.pages.signal_rows import Row, row_of
from control.protocol import Cell
from control.symbols.charts import Chart, MarketUnlisted, indicators
from control.symbols.listings import ListingUnknown
from settings_app.numbers import is_number
from trading.alerts.selection import SIGNALS, Selection, alerts_of
from trading.core.market import Candle, Market, Timeframe
from trading.core.rsi import MovingRsi
from trading.exchanges.registry import EXCHANGES
from trading.models import Alert

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

log = structlog.get_logger(__name__)

CANDLES: Final = 500
SIGNALS_DRAWN: Final = 200
LINES: Final = 60
OFFERED: Final = 60
USUAL: Final = Timeframe.H1
LATEST_MS: Final = 9_999_999_999_999
"""Moments of our days, in unix milliseconds, have no more digits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for.

    Args:
        at: When the candle closed that is meant, unix milliseconds; None: the newest.
    """

    market: Market
    timeframe: Timeframe
    at: int | None

    @property
    def opened_at(self) -> int | None:
        """When the candle that is meant opened, unix seconds."""
        return None if self.at is None else self.timeframe.bucket((self.at - 1) // 1_000)

    def query(self, timeframe: Timeframe | None = None) -> str:
        """The address of the same moment on a timeframe, behind the question mark."""
        asked = {**self.market._asdict(), "timeframe": str(timeframe or self.timeframe)}
        return urlencode(asked if self.at is None else {**asked, "at": self.at})


@dataclass(frozen=True, slots=True)
class Line:
    """One closed candle of the table."""

    candle: Candle
    cell: Cell
    rsi: float | None

    @property
    def closed_at(self) -> int:
        """When it closed, unix milliseconds."""
        return self.candle.closes_at * 1_000


class NoChart(Exception):
    """There is nothing to draw; the text says why, ``status`` what HTTP calls that."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@require_safe
@never_cache
def chart(request: UserRequest) -> HttpResponse:
    """The page: drawn by its modules, which keep the last candle current."""
    asked = _asked(request.GET)
    if asked is None:
        return _without_chart(request, asked, NoChart("Choose a market and a timeframe.", 200))
    try:
        drawn = _read(asked)
    except NoChart as exc:
        return _without_chart(request, asked, exc)
    told = _signals_of(request.user.pk, asked)
    meant = [row_of(one) for one in told if _opened(one) == asked.opened_at]
    return render(
        request,
        "livermore/signals/chart.html",
        page="signals",
        title=f"{asked.market.symbol} {asked.timeframe}",
        **_frame(request, asked),
        drawn=drawn,
        lines=_lines(drawn),
        newest=next(iter(_lines(drawn, 1)), None),
        meant=meant,
        gone=_is_gone(drawn, asked),
        boot=_boot(asked, drawn, told),
    )


def _asked(query: QueryDict) -> Asked | None:
    """What is asked, as far as it can be a chart at all."""
    exchange = query.get("exchange", "").strip().lower()
    symbol = query.get("symbol", "").strip().upper().replace("/", "-")
    timeframe, at = query.get("timeframe", str(USUAL)), query.get("at", "")
    if not exchange or not symbol or "\0" in exchange + symbol or timeframe not in set(Timeframe):
        return None
    is_moment = is_number(at) and 0 < int(at) <= LATEST_MS
    return Asked(Market(exchange, symbol), Timeframe(timeframe), int(at) if is_moment else None)


def _read(asked: Asked) -> Chart:
    """What is kept of the market.

    Raises:
        NoChart: If that cannot be known, or there is no such market.
    """
    try:
        return indicators(asked.market, asked.timeframe, limit=CANDLES)
    except MarketUnlisted as exc:
        raise NoChart(str(exc), 404) from exc
    except ListingUnknown as exc:
        raise NoChart(str(exc), 503) from exc
    except (RedisError, OSError) as exc:
        log.warning("chart.not_read", market=asked.market, reason=str(exc))
        text = "Redis is not reachable, and with it the candles. Try again in a moment."
        raise NoChart(text, 503) from exc


def _without_chart(request: UserRequest, asked: Asked | None, why: NoChart) -> HttpResponse:
    title = "Chart" if asked is None else f"{asked.market.symbol} {asked.timeframe}"
    return render(
        request,
        "livermore/signals/chart.html",
        page="signals",
        title=title,
        code=why.status,
        **_frame(request, asked),
        why=str(why),
    )


def _frame(request: UserRequest, asked: Asked | None) -> dict[str, Any]:
    """What stands around the chart, whether there is one or not."""
    status = heard_by(request, request.user).status
    return {
        "asked": asked,
        "timeframes": [
            (str(one), asked.query(one), one is asked.timeframe) for one in Timeframe if asked
        ],
        "exchanges": [(name, one.label) for name, one in EXCHANGES.items()],
        "symbols": sorted({one.symbol for one in status.symbols}) if status else [],
        "watched": [
            (one.symbol, one.exchange, Asked(Market(one.exchange, one.symbol), USUAL, None))
            for one in (status.symbols[:OFFERED] if status and not asked else ())
        ],
    }


def _signals_of(user_id: int, asked: Asked) -> list[Alert]:
    """The user's signals of the market and timeframe, newest first."""
    wanted = Selection(
        about=SIGNALS,
        exchange=asked.market.exchange,
        symbol=asked.market.symbol,
        timeframe=str(asked.timeframe),
    )
    return list(alerts_of(user_id, wanted)[:SIGNALS_DRAWN])


def _opened(alert: Alert) -> int | None:
    return None if alert.candle_opened_at is None else int(alert.candle_opened_at.timestamp())


def _lines(drawn: Chart, limit: int = LINES) -> list[Line]:
    """The newest candles with their values, newest first."""
    pairs = list(zip(drawn.candles, drawn.cells, strict=True))[-limit:]
    return [Line(candle, cell, _rsi(cell)) for candle, cell in reversed(pairs)]


def _rsi(cell: Cell) -> float | None:
    return (cell.g or {}).get(MovingRsi.name)


def _is_gone(drawn: Chart, asked: Asked) -> bool:
    """Whether the candle that is meant is older than all that is kept."""
    if asked.opened_at is None or not drawn.candles:
        return False
    return asked.opened_at < drawn.candles[0].opened_at


def _boot(asked: Asked, drawn: Chart, told: Sequence[Alert]) -> dict[str, Any]:
    """What the modules draw from, each candle and its values as short as can be."""
    return {
        **asked.market._asdict(),
        "timeframe": str(asked.timeframe),
        "seconds": asked.timeframe.seconds,
        "at": asked.opened_at,
        "bars": [
            _bar(candle, cell) for candle, cell in zip(drawn.candles, drawn.cells, strict=True)
        ],
        "forming": None if drawn.forming is None else _bar(drawn.forming, Cell()),
        "signals": [_mark(row_of(one)) for one in told if one.candle_opened_at is not None],
    }


def _bar(candle: Candle, cell: Cell) -> list[Any]:
    """In the order of ``BAR`` of ``bars.js``."""
    return [
        *(candle.opened_at, candle.open, candle.high, candle.low, candle.close, candle.volume),
        int(candle.synthetic),
        *(cell.v, cell.s, cell.h, _rsi(cell), cell.stage),
    ]


def _mark(row: Row) -> dict[str, Any]:
    return {
        "id": row.alert.pk,
        "openedAt": _opened(row.alert),
        "kind": row.alert.kind,
        "direction": row.alert.direction,
        "level": row.alert.level,
        "detail": row.alert.detail,
        "state": row.alert.state,
    }


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The chart's address behind ``site``'s own guard."""
    return [path("signals/chart/", site.admin_view(chart), name="chart")]
