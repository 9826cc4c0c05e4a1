"""Changes of the watchlist as JSON: what became of each market, and what it leads to.

Rule 1: these models make the answers and describe them.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field

from control.symbols.changed import Changed
from control.symbols.watchlist import Outcome
from settings_app.api.answers import Answer
from trading.core.market import Market


class MarketAnswer(Answer):
    """One market, and a word of it."""

    symbol: str
    exchange: str
    outcome: str | None = Field(None, description=f"One of {', '.join(Outcome)}.")
    why: str | None = Field(None, description="Why it is so, in words.")

    @classmethod
    def of(cls, market: Market, *, outcome: str | None = None, why: str | None = None) -> Self:
        """A market, told."""
        return cls(symbol=market.symbol, exchange=market.exchange, outcome=outcome, why=why)


class ChangedAnswer(Answer):
    """What became of a change of the watchlist."""

    symbols: list[MarketAnswer] = Field(description="Each that was named, with its `outcome`.")
    revision: int = Field(description="Of the settings now.")
    applied: bool = Field(description="Whether the runtime says that it is in effect.")
    message: str = Field(description="What became of it, in words.")
    stopped: list[MarketAnswer] = Field(description="Watched no more.")
    still_watched: list[MarketAnswer] = Field(description="Watched all the same, and why.")
    not_watched: list[MarketAnswer] = Field(description="On the list, not watched, and why.")
    note: str | None = Field(None, description="That a listing is old, or an order book shared.")
    command_id: str | None = Field(None, description="Of the reload, by which its answer is read.")

    @classmethod
    def of(cls, done: Changed) -> Self:
        """A change, told."""
        then = done.consequences
        answer = done.edited.answer
        return cls(
            symbols=[MarketAnswer.of(one, outcome=done.outcomes[one]) for one in done.outcomes],
            revision=done.edited.revision,
            applied=done.applied,
            message=done.message,
            stopped=[MarketAnswer.of(one) for one in then.stopped],
            still_watched=[MarketAnswer.of(one, why=then.reasons[one]) for one in then.staying],
            not_watched=[MarketAnswer.of(one, why=then.reasons[one]) for one in then.idle],
            note=" ".join(done.notes) or None,
            command_id=None if answer is None else answer.command_id,
        )
