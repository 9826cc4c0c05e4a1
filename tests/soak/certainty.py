"""Which markets the worker has called certain since a moment, as seen from outside.

Rule 1: what was in doubt at the moment can be settled when the minute after it is over. So a market
    that is not mending in a status from then on has been mended, whatever comes into doubt later.
"""

from __future__ import annotations

from collections.abc import Iterable

from control import client

MINUTE = 60


class Certainty:
    """A watch over some markets of a user.

    Args:
        user: Whose runtime tells.
        symbols: Of which markets.
        since: Everything before it is to be certain, simulated unix seconds.
    """

    def __init__(self, user: client.HasRuntime, symbols: Iterable[str], since: float) -> None:
        self._user = user
        self._left = set(symbols)
        # One minute more: what is told of the markets may be a look older than the last candle.
        self._after_ms = (since + 2 * MINUTE) * 1_000

    def left(self) -> list[str]:
        """The markets that have not been called certain yet, after another look."""
        status = client.status(self._user)
        if status is not None and (status.last_candle_at or 0) >= self._after_ms:
            self._left -= {
                market.symbol
                for market in status.symbols
                if market.live == "receiving" and not market.mending
            }
        return sorted(self._left)
