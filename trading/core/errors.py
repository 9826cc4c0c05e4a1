"""Everything that can go wrong with a market, grouped by what the caller does about it.

TradingError
    ConfigError         a human must act
    ExchangeError       carries the exchange
        Unreachable     retry with backoff
        RateLimited     retry after ``retry_after`` seconds
        Rejected        give up this request
            KeyRefused      ask nothing more with this key; a human must act
                KeyDoubted      ask once more, then believe it
        Malformed       drop this connection
"""

from __future__ import annotations


class TradingError(Exception):
    """Any failure of this package."""


class ConfigError(TradingError):
    """A human must act; the text says how."""


class ExchangeError(TradingError):
    """An exchange did not do what was asked."""

    def __init__(self, exchange: str, message: str) -> None:
        super().__init__(f"{exchange}: {message}")
        self.exchange = exchange


class Unreachable(ExchangeError):
    """No answer, a broken one, or a 5xx: retry with backoff."""


class RateLimited(ExchangeError):
    """Too many requests: retry after ``retry_after`` seconds (None: the exchange did not say)."""

    def __init__(self, exchange: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(exchange, message)
        self.retry_after = retry_after


class Rejected(ExchangeError):
    """The exchange understood and said no: give up this request."""


class KeyRefused(Rejected):
    """A key is wrong, or may do too little or too much: a human must act on it."""


class KeyDoubted(KeyRefused):
    """A key was refused without a reason, and throttling looks the same: ask once more."""


class Malformed(ExchangeError):
    """Bytes that are not what the protocol promises: drop this connection."""
