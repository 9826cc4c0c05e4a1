"""Whether an exchange lists a symbol that is to be watched, as a worker finds it out.

Rule 1: what the data plane has seen comes first, for that costs nothing; then what Redis keeps;
    then the exchange is asked.
Rule 2: it ends in bounded time, and not to know is an answer of its own, with the reason in words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from control.plan import Situation
from control.protocol import Command, RuntimeCommand
from control.symbols.listings import ListingUnknown, alisting_with
from trading.core.market import Instrument, Market
from trading.listings import PATIENCE_SECONDS
from trading.plane import DataPlane

LONGEST_SECONDS: Final = PATIENCE_SECONDS + 2.0
"""Of a question, waiting for others who ask the same included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an exchange's listing.

    Args:
        instruments: By canonical symbol; None where nothing is known.
        trouble: Why nothing is known, as a sentence; empty where something is.
        note: That what is known is old, how old and why, in a sentence; empty where it is not.
    """

    exchange: str
    instruments: Mapping[str, Instrument] | None
    trouble: str = ""
    note: str = ""


def market_added(command: RuntimeCommand, situation: Situation | None) -> Market | None:
    """The market that a command wants watched; None where it is another command."""
    if command.command is not Command.ADD_SYMBOL:
        return None
    payload = command.payload or {}
    exchange = payload.get("exchange")
    if exchange is None and situation is not None and situation.document is not None:
        exchange = situation.document.perseus_profile.primary_exchange
    return None if exchange is None else Market(exchange, payload["symbol"])


class Verifying:
    """Looks symbols up for the runtimes of one worker.

    Args:
        plane: Has seen what it watches, and knows the addresses.
    """

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._ask = partial(alisting_with, reader=plane.listing_reader())

    def at_once(self, market: Market) -> Known | None:
        """What can be said of a market without asking anybody; None: somebody must be asked."""
        seen = self._plane.listed(market.exchange)
        one = None if seen is None else seen.get(market.symbol)
        if one is None or not one.streamable:  # it may be listed, or open to trade, since
            return None
        return Known(exchange=market.exchange, instruments=seen)

    async def look(self, market: Market) -> Known:
        """What is known once Redis and the exchange were asked."""
        exchange = market.exchange
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                listing = await self._ask(exchange, market.symbol)
        except ListingUnknown as exc:
            return self._seen_or(exchange, str(exc))
        except TimeoutError:
            reason = f"no answer within {LONGEST_SECONDS:g} s"
            return self._seen_or(exchange, str(ListingUnknown(exchange, exchange, reason)))
        return Known(exchange=exchange, instruments=listing.instruments, note=listing.note)

    def _seen_or(self, exchange: str, trouble: str) -> Known:
        seen = self._plane.listed(exchange)
        if seen is None:
            return Known(exchange=exchange, instruments=None, trouble=trouble)
        note = f"{exchange} does not answer now; this is what the worker read before."
        return Known(exchange=exchange, instruments=seen, note=note)
