"""Which mutes can be: one rule for the page, the API and the command line.

Rule 1: a mute names a market and a kind, or leaves them open; it always ends.
Rule 2: what is wrong is told field by field, with the way out; what was written is not repeated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trading.core.modes import SignalKind
from trading.exchanges.registry import EXCHANGES
from trading.models import Mute

LONGEST: Final = timedelta(days=366)

_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{2,10}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMute:
    """A mute as somebody wants it; empty: every one of them."""

    exchange: str = ""
    symbol: str = ""
    kind: str = ""
    until: datetime

    @classmethod
    def written(cls, *, exchange: str, symbol: str, kind: str, until: datetime) -> WantedMute:
        """As people write it: in any case, with blanks around."""
        return cls(
            exchange=exchange.strip().lower(),
            symbol=symbol.strip().upper(),
            kind=kind.strip().lower(),
            until=until,
        )

    def faults(self, now: datetime) -> dict[str, str]:
        """What is wrong with it, by field; nothing, where it can be."""
        told = {
            "exchange": _fault_of_exchange(self.exchange),
            "symbol": _fault_of_symbol(self.symbol),
            "kind": _fault_of_kind(self.kind),
            "until": _fault_of_until(self.until, now),
        }
        return {field: fault for field, fault in told.items() if fault is not None}


def in_words(mute: Mute) -> str:
    """What a mute holds back: ``level of BTC-USD on coinbase``."""
    kind = mute.kind.replace("-", " ") or "every signal"
    where = f" on {mute.exchange}" if mute.exchange else ""
    return f"{kind} of {mute.symbol or 'every symbol'}{where}"


def _fault_of_exchange(exchange: str) -> str | None:
    if not exchange or exchange in EXCHANGES:
        return None
    return f"must be {' or '.join(sorted(EXCHANGES))}; leave it empty for every exchange"


def _fault_of_symbol(symbol: str) -> str | None:
    if not symbol or _SYMBOL.fullmatch(symbol):
        return None
    return "must be base and quote with a dash, such as BTC-USD; leave it empty for every symbol"


def _fault_of_kind(kind: str) -> str | None:
    if not kind or kind in set(SignalKind):
        return None
    return f"must be {' or '.join(SignalKind)}; leave it empty for every kind"


def _fault_of_until(until: datetime, now: datetime) -> str | None:
    if until <= now:
        return "must be later than now"
    if until > now + LONGEST:
        return f"must be within {LONGEST.days} days; a channel's settings turn a kind off for good"
    return None
