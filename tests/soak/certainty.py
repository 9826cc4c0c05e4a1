"""Which markets the worker has called certain since a moment, as seen from outside.

Rule 1: what was in doubt at the moment can be settled when the minute after it is over. So a market
    that is not mending in a status from then on has been mended, whatever comes into doubt later.
Rule 2: a status may be of a look before that minute was told. One that knows of a later message of
    the market's exchange is not; both are told by the clock of this host.
"""

from __future__ import annotations

import time

from control import client
from tests.soak.kept import KeptCandles
from trading.core.market import Market

MINUTE = 60


class Certainty:
    """A watch over some markets of a user.

    Args:
        user: Whose runtime tells.
        kept: What is told of the markets.
        since: Everything before it is to be certain, simulated unix seconds.
    """

    def __init__(self, user: client.HasRuntime, kept: KeptCandles, since: float) -> None:
        self._user = user
        self._kept = kept
        self._left = dict.fromkeys(kept.markets)
        self._told_at_ms: dict[Market, int] = {}
        self._after = since + 2 * MINUTE

    def left(self) -> list[Market]:
        """The markets that have not been called certain yet, after another look."""
        behind = set(self._kept.behind(self._after))
        now_ms = time.time_ns() // 1_000_000
        for market in self._left.keys() - behind:
            self._told_at_ms.setdefault(market, now_ms)
        status = client.status(self._user)
        if status is None:
            return list(self._left)
        heard_at_ms = {each.name: each.last_message_at or 0 for each in status.exchanges}
        for each in status.symbols:
            market = Market(each.exchange, each.symbol)
            told_at_ms = self._told_at_ms.get(market)
            is_later = told_at_ms is not None and heard_at_ms[each.exchange] > told_at_ms
            if is_later and each.live == "receiving" and not each.mending:
                self._left.pop(market, None)
        return list(self._left)
