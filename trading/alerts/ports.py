"""What a channel promises to whoever has alerts to deliver.

Rule 1: a channel sends one message and says what became of it; it neither retries nor waits for
    its turn, and it never raises for what the other side does. Whoever calls it has the queue.
Rule 2: it says "not delivered" only where it knows. An answer that never came, or broke off, leaves
    the message uncertain: it is not sent again by itself.
Rule 3: no address and no secret stands in a reason, in a log line or in an error.
Rule 4: no Django here, and nothing of a row: a notice is all that can be said of an alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is said of one alert, as its reader wants it: everything is text but what is computed.

    Args:
        alert_id: Of the row; for logs and for telling one from another.
        title: One line: ``BTC-USD 1h on coinbase: level through +150``, or what of Livermore fails.
        summary: Why it fired, in a sentence or two.
        tone: What colours it.
        facts: Name and value, in the order in which they are shown.
        momentum: MACD-V of each timeframe, finest first; None where it has none yet.
        bias: Which side the timeframes favour; empty: neither, or nothing is known.
        at: When the candle closed, or the trouble began or ended; aware, UTC.
        at_local: The same in the reader's timezone and formats, with the timezone's name.
        chart: A PNG, where one was asked for and could be made.
    """

    alert_id: int
    title: str
    summary: str
    tone: str  # "up", "down", "trouble", "recovered"
    facts: Sequence[tuple[str, str]] = ()
    momentum: Mapping[str, float | None] = field(default_factory=dict)
    bias: str = ""
    at: datetime
    at_local: str
    chart: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Many alerts as one message with a table: a market-wide move.

    Args:
        title: How many of what, since when.
        notices: All of them, oldest first.
    """

    title: str
    notices: Sequence[Notice]


Message = Sequence[Notice] | Digest
"""Notices that one message holds, at most :attr:`Channel.most` of them; or a digest."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has it.

    Args:
        next_after_seconds: How long the other side wants nothing more of this address; None: it
            takes the next at once.
    """

    next_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """It was not taken, and may be sent again.

    Args:
        reason: A clause for a person: ``Discord asks to wait 3 s``.
        after_seconds: How long the other side asks to wait; None: it asks for nothing.
        is_global: It asks that of this machine, whatever the address; else of this address alone.
    """

    reason: str
    after_seconds: float | None = None
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not taken and never will be.

    Args:
        reason: A clause for a person.
        is_dead: Nothing will be taken by this channel until somebody mends it: the webhook was
            deleted, the variable is not set. Else it is this message alone.
    """

    reason: str
    is_dead: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It was sent, and whether it arrived is not known."""

    reason: str


Outcome = Delivered | Later | Refused | Uncertain


class Channel(Protocol):
    """One way to one reader. Made for each message from what the settings say at that moment."""

    most: int
    """Notices that one message may hold."""

    async def send(self, message: Message) -> Outcome:
        """Send one message; what became of it. Within its own time limit, always."""
