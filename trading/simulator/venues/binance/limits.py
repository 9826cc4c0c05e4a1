"""How much the simulated Binance lets itself be asked, and how it says that it was too much.

Rule 1: requests are weighed by the minute and by address (here: all of this machine).
Rule 2: who asks on while told to wait is banned, each time for twice as long.
"""

from __future__ import annotations

import threading

import msgspec

from trading.simulator.venues.ports import Answer, Ask, Moment

WEIGHT_A_MINUTE = 6_000
MINUTE_SECONDS = 60.0
PATIENCE = 5
"""So many requests after a 429 are only refused; the next one is a ban."""

FIRST_BAN_SECONDS = 120.0
LONGEST_BAN_SECONDS = 259_200.0

_TOO_MUCH = (
    "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. Please "
    "use WebSocket Streams for live updates to avoid polling the API."
)
_BANNED = (
    "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for "
    "live updates to avoid bans."
)
_WEIGHTS = {"/api/v3/exchangeInfo": 20, "/api/v3/account": 20, "/api/v3/klines": 2}


def weight_of(ask: Ask) -> int:
    """What a request weighs."""
    if ask.path == "/api/v3/ticker/24hr":
        return 2 if ask.first("symbol") else 80
    return _WEIGHTS.get(ask.path, 1)


class Weights:
    """What was asked in this minute. Several threads may share one.

    Args:
        leniency: Factor on the limit; 0 is no limit.
    """

    def __init__(self, leniency: float = 1.0) -> None:
        self._limit = WEIGHT_A_MINUTE * leniency
        self._lock = threading.Lock()
        self._minute = -1
        self._used = 0
        self._refused = 0
        self._banned_until = 0.0
        self._bans = 0

    def headers(self) -> dict[str, str]:
        """What every answer says of it."""
        return {
            "x-mbx-used-weight": str(self._used),
            "x-mbx-used-weight-1m": str(self._used),
        }

    def refusal(self, ask: Ask, at: Moment) -> Answer | None:
        """Weigh a request; the answer to one that is too much."""
        with self._lock:
            if at.steady < self._banned_until:
                return self._ban(at)
            minute = int(at.steady // MINUTE_SECONDS)
            if minute != self._minute:
                self._minute, self._used, self._refused = minute, 0, 0
            self._used += weight_of(ask)
            if not self._limit or self._used <= self._limit:
                return None
            self._refused += 1
            if self._refused > PATIENCE:
                length = FIRST_BAN_SECONDS * 2**self._bans
                self._bans += 1
                self._banned_until = at.steady + min(length, LONGEST_BAN_SECONDS)
                return self._ban(at)
            left = MINUTE_SECONDS - at.steady % MINUTE_SECONDS
            return refused(429, _TOO_MUCH.format(limit=int(self._limit)), left)

    def _ban(self, at: Moment) -> Answer:
        left = self._banned_until - at.steady
        until = at.told_ns // 1_000_000 + int(left * 1_000)
        return refused(418, _BANNED.format(until=until), left)


def refused(status: int, text: str, seconds: float) -> Answer:
    """The answer to what is too much."""
    body = msgspec.json.encode({"code": -1003, "msg": text})
    return Answer(status=status, body=body, headers={"retry-after": str(int(seconds) + 1)})
