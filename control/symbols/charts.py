"""What a chart and a heat map are drawn from: kept candles, and the indicators over them.

Rule 1: candles are shared market data: nothing here but the map knows a user.
Rule 2: an indicator is what the runtime would say of the same bar, rounded as it says it; it is
    computed over everything that is kept, whatever is asked for, and anew behind a hole.
Rule 3: an exchange is asked only whether it lists a market of which nothing is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from control.candles import forming_minute, shown_candles
from control.incidents import in_words
from control.protocol import Cell
from control.status import cell
from control.symbols.listings import NAMES_SECONDS, kept, listing
from trading.core.candles import fold
from trading.core.indicators import IndicatorSeries
from trading.core.market import Candle, Market, Timeframe
from trading.core.search import nearest
from trading.exchanges.registry import EXCHANGES

NOT_KEPT: Final = "No candles of this market are kept: nobody watches it now, or since a moment."

LATE_SECONDS: Final = 300.0
"""How late the next candle may be before its absence is told."""


class MarketUnlisted(Exception):
    """There is no such market; the text names what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A piece of what is kept of one market and timeframe.

    Args:
        candles: Closed ones, oldest first.
        cells: What the indicators say at the close of each, where that was asked for.
        note: What is to be known of it; empty where that is nothing.
        forming: The candle that has not closed yet, as far as it is known.
    """

    market: Market
    timeframe: Timeframe
    candles: Sequence[Candle]
    cells: Sequence[Cell] = ()
    note: str = ""
    forming: Candle | None = None


def candles(
    market: Market, timeframe: Timeframe, *, limit: int, before: int | None = None
) -> Chart:
    """The newest kept candles of a market.

    Args:
        limit: How many at most.
        before: Only those that opened before this unix second.

    Raises:
        MarketUnlisted: If there is no such market.
        ListingUnknown: If nothing is kept of it, and its exchange does not say whether it has it.
        redis.RedisError: If Redis is away.
    """
    found = _kept_of(market, timeframe)
    note, growing = _note(market, found), None
    if before is None:
        growing = forming(market, timeframe, found)
    else:
        found = [candle for candle in found if candle.opened_at < before]
    shown = found[-limit:]
    return Chart(market=market, timeframe=timeframe, candles=shown, note=note, forming=growing)


def indicators(
    market: Market, timeframe: Timeframe, *, limit: int, before: int | None = None
) -> Chart:
    """The newest kept candles of a market, with what the indicators say at the close of each.

    Args:
        limit: How many at most.
        before: Only those that opened before this unix second.

    Raises:
        MarketUnlisted: If there is no such market.
        ListingUnknown: If nothing is kept of it, and its exchange does not say whether it has it.
        redis.RedisError: If Redis is away.
    """
    found = _kept_of(market, timeframe)
    count = len(found) if before is None else sum(one.opened_at < before for one in found)
    wanted = slice(max(0, count - limit), count)
    return Chart(
        market=market,
        timeframe=timeframe,
        candles=found[wanted],
        cells=cells_of(found)[wanted],
        note=_note(market, found),
        forming=forming(market, timeframe, found) if before is None else None,
    )


def forming(market: Market, timeframe: Timeframe, closed: Sequence[Candle]) -> Candle | None:
    """The candle that has not closed yet: out of its minutes that have, and of the one that forms.

    Args:
        closed: The closed candles of that timeframe, oldest first.

    Raises:
        redis.RedisError: If Redis is away.
    """
    minutes = shown_candles(market, Timeframe.M1)
    growing = forming_minute(market)
    if growing is not None and (not minutes or growing.opened_at > minutes[-1].opened_at):
        minutes.append(growing)
    if not minutes:
        return None
    opened_at = timeframe.bucket(minutes[-1].opened_at)
    if closed and closed[-1].opened_at >= opened_at:
        return None
    parts: list[Candle] = []
    if timeframe is Timeframe.D1:  # of which the minutes are not all kept
        hours = shown_candles(market, Timeframe.H1)
        parts = [hour for hour in hours if hour.opened_at >= opened_at]
    since = parts[-1].closes_at if parts else opened_at
    parts += [minute for minute in minutes if minute.opened_at >= since]
    return fold(parts, timeframe) if parts else None


def cells_of(found: Sequence[Candle]) -> list[Cell]:
    """What all indicators say at the close of each candle; they begin anew behind a hole.

    Args:
        found: Closed candles of one market and timeframe, oldest first.
    """
    series, cells = IndicatorSeries(), []
    previous = None
    for candle in found:
        if previous is not None and candle.opened_at != previous.closes_at:
            series = IndicatorSeries()
        cells.append(cell(series.append(candle)))
        previous = candle
    return cells


def _kept_of(market: Market, timeframe: Timeframe) -> list[Candle]:
    if market.exchange not in EXCHANGES:
        raise MarketUnlisted(f"The exchange must be one of {', '.join(EXCHANGES)}.")
    return shown_candles(market, timeframe)


def _note(market: Market, found: Sequence[Candle]) -> str:
    if not found:
        return _why_empty(market)
    notes = []
    newest = found[-1]
    age = time.time() - newest.closes_at
    if age > newest.timeframe.seconds + LATE_SECONDS:
        past = in_words(timedelta(seconds=age))
        notes.append(f"The newest candle closed {past} ago; nothing newer is kept.")
    if holes := sum(one.closes_at != after.opened_at for one, after in pairwise(found)):
        places = "1 place" if holes == 1 else f"{holes} places"
        notes.append(f"Candles are missing in {places}; indicators begin anew behind each.")
    return " ".join(notes)


def _why_empty(market: Market) -> str:
    """What to say of a market of which nothing is kept.

    Raises:
        MarketUnlisted: If there is no such market.
        ListingUnknown: If its exchange does not say, and was never read.
    """
    known = kept(market.exchange)
    if known is None or market.symbol not in known.instruments:
        known = listing(market.exchange, fresh=NAMES_SECONDS)
    if market.symbol not in known.instruments:
        near = nearest(market.symbol, known.instruments)
        way_out = f" The nearest are {', '.join(near)}." if near else ""
        raise MarketUnlisted(f"{known.label} lists no such symbol.{way_out}{_aside(known.note)}")
    return f"{NOT_KEPT}{_aside(known.note)}"


def _aside(note: str) -> str:
    return f" {note}" if note else ""
