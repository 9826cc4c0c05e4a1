"""Figures of the user's own symbols as JSON.

Rule 1: these models make the answers and describe them.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field

from control.api.symbols.equivalent_answers import SourceAnswer
from control.symbols.figures import Figures
from settings_app.api.answers import Answer
from trading.core.market import Market, Ticker


class FigureAnswer(Answer):
    """What one market did in 24 hours; what the exchange does not say is left out."""

    exchange: str
    symbol: str
    price: float | None = Field(None, description="Of the last trade, in quote currency.")
    change_24h: float | None = Field(
        None, alias="change24h", description="Of the price, in percent."
    )
    quote_volume_24h: float | None = Field(
        None, alias="quoteVolume24h", description="In quote currency."
    )

    @classmethod
    def of(cls, market: Market, ticker: Ticker) -> Self:
        """A market's figures, told."""
        return cls(
            exchange=market.exchange,
            symbol=market.symbol,
            price=ticker.price,
            change_24h=ticker.change_24h,
            quote_volume_24h=ticker.quote_volume_24h,
        )


class FiguresAnswer(Answer):
    """What your symbols did in 24 hours: those of the watchlist, and those watched or held."""

    figures: list[FigureAnswer]
    exchanges: list[SourceAnswer]

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """All of it, told."""
        return cls(
            figures=[FigureAnswer.of(market, one) for market, one in figures.tickers.items()],
            exchanges=[SourceAnswer.of(source) for source in figures.sources],
        )
