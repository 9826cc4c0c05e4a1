"""Related markets as JSON.

Rule 1: these models make the answers and describe them.
Rule 2: a list of symbols names them; the figures of a day stand with one market alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import Field

from control.symbols.equivalents import Equivalent, Related, Source
from settings_app.api.answers import Answer
from trading.core.equivalents import Quoted
from trading.core.market import Market

RELATED = (
    "The same coin on any exchange, in the same money or in one that is pegged to it: related, not "
    "equal."
)
SOURCES = "What that rests on: each exchange, and when its list was read."


class EquivalentAnswer(Answer):
    """A market that is related to this one."""

    exchange: str
    symbol: str = Field(description="Its canonical name.")
    native: str = Field(description="What its exchange calls it: `BTCUSDT`.")
    quote: str = Field(description="What it is priced in.")
    quoted: Quoted = Field(
        description="How that compares: `same`, or `pegged`: another money that is worth the same "
        "as long as a peg holds."
    )
    note: str = Field(description="That, in words to show beside it.")
    status: Literal["trading", "disabled"]
    detail: str | None = Field(None, description="Why it is disabled.")
    alias_of: str | None = Field(None, description="The market whose order book this one shares.")
    on_watchlist: bool = Field(description="Whether it has a row on yours, switched on or off.")
    exchange_enabled: bool = Field(description="Whether its exchange is on in your settings.")

    @classmethod
    def of(cls, one: Equivalent) -> Self:
        """A related market, told."""
        return cls(**_members(one))


class EquivalentFiguresAnswer(EquivalentAnswer):
    """A market that is related to this one, with what it did in 24 hours when it was read."""

    price: float | None = Field(None, description="Of the last trade, in its quote currency.")
    change_24h: float | None = Field(None, alias="change24h", description="In percent.")
    quote_volume_24h: float | None = Field(
        None, alias="quoteVolume24h", description="In its quote currency."
    )

    @classmethod
    def of(cls, one: Equivalent) -> Self:
        """A related market with its figures, told."""
        ticker = one.ticker
        if ticker is None:
            return cls(**_members(one), price=one.instrument.price)
        return cls(
            **_members(one),
            price=ticker.price,
            change_24h=ticker.change_24h,
            quote_volume_24h=ticker.quote_volume_24h,
        )


class SourceAnswer(Answer):
    """What is known of an exchange's list, on which the related markets rest."""

    exchange: str
    label: str = Field(description="What people call it.")
    read_at: datetime | None = Field(
        None, description="When it was read; left out where nothing is known of it."
    )
    note: str | None = Field(None, description="That it is old, or not known.")

    @classmethod
    def of(cls, source: Source) -> Self:
        """A source, told."""
        read_at = source.read_at
        return cls(
            exchange=source.exchange,
            label=source.label,
            read_at=None if read_at is None else datetime.fromtimestamp(read_at, UTC),
            note=source.note or None,
        )


def figures_of(related: Related, market: Market) -> list[EquivalentFiguresAnswer]:
    """The related markets of one, with their figures."""
    return [EquivalentFiguresAnswer.of(one) for one in related.of.get(market, ())]


def sources_of(related: Related) -> list[SourceAnswer]:
    """What that rests on."""
    return [SourceAnswer.of(source) for source in related.sources]


def _members(one: Equivalent) -> dict[str, Any]:
    listed = one.instrument
    return {
        "exchange": listed.market.exchange,
        "symbol": listed.market.symbol,
        "native": listed.native_id,
        "quote": listed.quote,
        "quoted": one.quoted,
        "note": one.note,
        "status": one.status,
        "detail": listed.status or None,
        "alias_of": listed.alias_of,
        "on_watchlist": one.is_on_watchlist,
        "exchange_enabled": one.is_exchange_enabled,
    }
