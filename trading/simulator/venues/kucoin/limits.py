"""How much the simulated KuCoin lets itself be asked, and how it says that it was too much.

Rule 1: requests are weighed in windows of thirty seconds, those that prove a key and those that
    do not apart.

Source: www.kucoin.com/docs, rate limit, read 2026-11-20; weights after the venue's own client.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from trading.simulator.venues.kucoin.asked import LIMIT, refusal
from trading.simulator.venues.ports import Answer, Ask, Moment

WINDOW_SECONDS = 30.0
WEIGHT_A_WINDOW = 2_000

_TOO_MUCH = "Too many requests in a short period of time, please retry later--kucoin"
_WEIGHTS: Mapping[str, int] = {
    "/api/v1/timestamp": 3,
    "/api/v1/status": 3,
    "/api/v2/symbols": 4,
    "/api/v1/market/allTickers": 15,
    "/api/v1/market/stats": 15,
    "/api/v1/market/candles": 3,
    "/api/v1/bullet-public": 10,
    "/api/v1/accounts": 5,
    "/api/v1/user/api-key": 20,
}
_USUAL_WEIGHT = 3

OVERLOADED = refusal(LIMIT, _TOO_MUCH, status=429)
"""How a venue that has too much to do says so: without the headers."""


class Pool:
    """What was asked in this window. Several threads may share one.

    Args:
        leniency: Factor on the limit; 0 is no limit.
    """

    def __init__(self, leniency: float = 1.0) -> None:
        self._limit = int(WEIGHT_A_WINDOW * leniency)
        self._lock = threading.Lock()
        self._window = -1
        self._used = 0

    def weighed(self, ask: Ask, at: Moment) -> tuple[Answer | None, dict[str, str]]:
        """Weigh a request; the answer to one that is too much, and the headers of any answer."""
        with self._lock:
            window, into = divmod(at.steady, WINDOW_SECONDS)
            if int(window) != self._window:
                self._window, self._used = int(window), 0
            self._used += _WEIGHTS.get(ask.path, _USUAL_WEIGHT)
            is_much = bool(self._limit) and self._used > self._limit
            headers = {
                "gw-ratelimit-limit": str(self._limit or WEIGHT_A_WINDOW),
                "gw-ratelimit-remaining": str(max(0, self._limit - self._used)),
                "gw-ratelimit-reset": str(int((WINDOW_SECONDS - into) * 1_000)),
            }
        return (OVERLOADED if is_much else None), headers
