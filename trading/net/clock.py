"""This host's clock against an exchange's.

Rule 1: measured and shown, never applied: candles close by the exchange's own times, so the skew
    is corrected for by not using this host's clock at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading.exchanges.ports import Exchange, Request
from trading.net.http import ATTEMPTS, ExchangeHttp


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the exchange's clock is ahead of this host's.

    Args:
        ms: Milliseconds; negative when the exchange is behind.
        uncertainty_ms: Half the round trip of the question: the truth lies within.
    """

    ms: float
    uncertainty_ms: float


def measure(asked_at_us: int, answered_at_us: int, server_time_us: int) -> Skew:
    """The skew by one question and answer.

    Args:
        asked_at_us: This host's clock before the question, unix microseconds.
        answered_at_us: And after the answer.
        server_time_us: What the exchange said, taken to hold in the middle of the two.

    Source: Cristian, "Probabilistic clock synchronization" (1989).
    """
    middle = (asked_at_us + answered_at_us) / 2
    return Skew(
        ms=(server_time_us - middle) / 1_000,
        uncertainty_ms=(answered_at_us - asked_at_us) / 2_000,
    )


async def ask_skew(
    exchange: Exchange, http: ExchangeHttp, clock: Callable[[], int], *, attempts: int = ATTEMPTS
) -> Skew:
    """Ask an exchange for its time.

    Args:
        http: Its REST interface. What a request waits there for its turn is no part of the way.
        clock: This host's, unix microseconds.
        attempts: How often in all.

    Raises:
        ExchangeError: If it did not tell.
    """
    asked_at: list[int] = []

    def note(request: Request) -> Request:
        asked_at.append(clock())
        return request

    server_time_us = await http.ask(
        exchange.server_time_request(), exchange.server_time, attempts=attempts, sign=note
    )
    return measure(asked_at[-1], clock(), server_time_us)
