"""Markets as JSON.

Rule 1: these models make the answers and describe them.
Rule 2: a step is a text with every digit that the exchange wrote; a figure is a number.
Rule 3: what the exchange does not say is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import Field

from control.api.symbols.equivalent_answers import (
    RELATED,
    SOURCES,
    EquivalentFiguresAnswer,
    SourceAnswer,
    figures_of,
    sources_of,
)
from control.symbols.metrics import Found, Measured, SeenMarket
from settings_app.api.answers import Answer
from trading.core.market import InstrumentKind

_READ_AT = "When the exchange told it, by the host's clock."
_NOTE = "That it is older than it should be, how old, and why; left out where it is not."


class MarketAnswer(Answer):
    """One market of an exchange, with what it did in 24 hours."""

    symbol: str = Field(description="Its canonical name.")
    exchange: str
    base: str
    quote: str
    name: str | None = Field(None, description="What people call the base.")
    kind: str = Field(description=f"One of {', '.join(InstrumentKind)}; only spot is watched.")
    status: str | None = Field(None, description="Why it cannot be watched; left out where it can.")
    streamable: bool = Field(description="Whether it can be watched now.")
    alias_of: str | None = Field(None, description="The market whose order book this one shares.")
    price: float | None = Field(None, description="Of the last trade, in quote currency.")
    change_24h: float | None = Field(
        None, alias="change24h", description="Of the price, in percent."
    )
    quote_volume_24h: float | None = Field(
        None, alias="quoteVolume24h", description="In quote currency."
    )
    price_increment: str = Field(description="The smallest step of the price.")
    base_increment: str = Field(description="The smallest step of an amount.")
    on_watchlist: bool = Field(description="Whether it has a row on yours, switched on or off.")

    @classmethod
    def of(cls, market: SeenMarket) -> Self:
        """A market, told."""
        return cls(**_members(market))


class FoundAnswer(Answer):
    """What a search has found."""

    exchange: str
    markets: list[MarketAnswer] = Field(description="The best first.")
    read_at: datetime = Field(description=_READ_AT)
    note: str | None = Field(None, description=_NOTE)

    @classmethod
    def of(cls, found: Found) -> Self:
        """What was found, told."""
        return cls(
            exchange=found.exchange,
            markets=[MarketAnswer.of(market) for market in found.markets],
            read_at=datetime.fromtimestamp(found.read_at, UTC),
            note=found.note or None,
        )


class MeasuredAnswer(MarketAnswer):
    """One market, with its figures of now, and the markets that are related to it."""

    read_at: datetime = Field(description=_READ_AT)
    note: str | None = Field(None, description=_NOTE)
    equivalents: list[EquivalentFiguresAnswer] = Field(description=RELATED)
    sources: list[SourceAnswer] = Field(description=SOURCES)

    @classmethod
    def of_now(cls, measured: Measured) -> Self:
        """A market with its figures, told."""
        return cls(
            **_members(measured.market),
            read_at=datetime.fromtimestamp(measured.read_at, UTC),
            note=measured.note or None,
            equivalents=figures_of(measured.related, measured.market.instrument.market),
            sources=sources_of(measured.related),
        )


def _members(market: SeenMarket) -> dict[str, Any]:
    one, ticker = market.instrument, market.ticker
    return {
        "symbol": one.market.symbol,
        "exchange": one.market.exchange,
        "base": one.base,
        "quote": one.quote,
        "name": one.name or None,
        "kind": str(one.kind),
        "status": one.status or None,
        "streamable": one.streamable,
        "alias_of": one.alias_of,
        "price": one.price if ticker is None else ticker.price,
        "change_24h": None if ticker is None else ticker.change_24h,
        "quote_volume_24h": None if ticker is None else ticker.quote_volume_24h,
        "price_increment": one.price_increment,
        "base_increment": one.base_increment,
        "on_watchlist": market.is_on_watchlist,
    }
