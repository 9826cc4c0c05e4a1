"""Markets in the terminal: what exchanges list, and the figures of a day.

Rule 1: JSON is what HTTP answers, a market a line; a table is for people.
Rule 2: a figure that the exchange does not give is a dash, never a nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from control.api.symbols.answers import MarketAnswer, MeasuredAnswer
from control.management.columns import in_columns
from control.symbols.equivalents import Equivalent
from control.symbols.metrics import Measured, SeenMarket
from trading.core.market import InstrumentKind

COLUMNS: Final = ("symbol", "name", "price", "24 h", "volume in 24 h", "what it is", "")
RELATED_COLUMNS: Final = ("symbol", "exchange", "its name there", "price", "", "status", "")
NOTHING: Final = "–"
UNITS: Final = ((1e9, " bn"), (1e6, " m"), (1e3, " k"))


def market_line(market: SeenMarket) -> str:
    """A market as a line of JSON."""
    return MarketAnswer.of(market).model_dump_json(by_alias=True, exclude_none=True)


def measured_line(measured: Measured) -> str:
    """A market with its figures of now, likewise."""
    return MeasuredAnswer.of_now(measured).model_dump_json(by_alias=True, exclude_none=True)


def markets_table(markets: Sequence[SeenMarket]) -> str:
    """Markets, the best first, in columns."""
    return in_columns([COLUMNS, *map(_cells, markets)])


def market_lines(measured: Measured) -> list[str]:
    """One market, a line for each thing that is known of it."""
    market = measured.market
    one, ticker = market.instrument, market.ticker
    lines = [
        f"{one.market.symbol} of {one.market.exchange}: {one.name or one.base} in {one.quote}",
        f"price       {figure(None if ticker is None else ticker.price)} {one.quote}",
        f"24 h        {percent(None if ticker is None else ticker.change_24h)}",
        f"volume      {volume(None if ticker is None else ticker.quote_volume_24h)} {one.quote}",
        f"steps       {one.price_increment} {one.quote}, {one.base_increment} {one.base}",
        f"what it is  {what_it_is(market)}",
    ]
    if market.is_on_watchlist:
        lines.append("It is on the watchlist.")
    lines += [measured.note] if measured.note else []
    return [*lines, *_related_lines(measured)]


def _related_lines(measured: Measured) -> list[str]:
    """The related markets in columns under a heading, and what that does not rest on."""
    related = measured.related
    rows = list(map(_related_cells, related.of[measured.market.instrument.market]))
    table = in_columns([RELATED_COLUMNS, *rows]).splitlines() if rows else []
    heading = ["", "Related, not equal:"] if rows else []
    return [*heading, *table, *related.notes]


def what_it_is(market: SeenMarket) -> str:
    """Whether it can be watched, and why not."""
    one = market.instrument
    if one.kind is InstrumentKind.FUTURE:
        return "a future; only spot markets are watched"
    if not one.streamable:
        return f"not traded: {one.status}"
    return f"spot, the book of {one.alias_of}" if one.alias_of else "spot"


def figure(value: float | None) -> str:
    """A price with the digits that it has."""
    return NOTHING if value is None else f"{value:,.10f}".rstrip("0").rstrip(".")


def percent(value: float | None) -> str:
    """A change, with its sign."""
    return NOTHING if value is None else f"{value:+.2f} %"


def volume(value: float | None) -> str:
    """A volume, as short as one can compare it."""
    if value is None:
        return NOTHING
    for size, unit in UNITS:
        if value >= size:
            return f"{value / size:,.1f}{unit}"
    return f"{value:,.0f}"


def _related_cells(one: Equivalent) -> tuple[str, ...]:
    listed = one.instrument
    return (
        listed.market.symbol,
        listed.market.exchange,
        listed.native_id,
        figure(listed.price if one.ticker is None else one.ticker.price),
        one.note,
        f"the book of {listed.alias_of}" if listed.alias_of else listed.status or one.status,
        "on the watchlist" if one.is_on_watchlist else "",
    )


def _cells(market: SeenMarket) -> tuple[str, ...]:
    one, ticker = market.instrument, market.ticker
    return (
        one.market.symbol,
        one.name or one.base,
        figure(None if ticker is None else ticker.price),
        percent(None if ticker is None else ticker.change_24h),
        volume(None if ticker is None else ticker.quote_volume_24h),
        what_it_is(market),
        "on the watchlist" if market.is_on_watchlist else "",
    )
