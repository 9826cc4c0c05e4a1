"""Asking for the history of several symbols again: one command for each, sent together.

Rule 1: it is only asked for here; how far each has come, the status tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control import client
from control.client import Answer
from control.correspondence import Until
from control.protocol import Command, Origin
from control.sending import NewCommand
from settings_app.models import User
from trading.core.market import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What became of the asking.

    Args:
        taken: How many the runtime has.
        failed: How many could not be sent, and why, each reason once.
    """

    taken: int
    sent: int
    failed: int
    reasons: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """For people."""
        parts = []
        if self.taken:
            parts.append(f"History asked for: {self.taken}")
        if waiting := self.sent - self.taken:
            parts.append(f"sent, and taken by no runtime yet: {waiting}")
        if self.failed:
            parts.append(f"not sent: {self.failed} ({'; '.join(self.reasons)})")
        text = "; ".join(parts)
        return f"{text[:1].upper()}{text[1:]}."


def order(user: User, markets: Sequence[Market], *, origin: Origin, wait: float) -> Ordered:
    """Ask the runtime to read the history of markets anew, on every timeframe.

    Args:
        origin: By what it is asked for, for the history of commands.
        wait: Seconds at most until the runtime says that it has them.
    """
    commands = [
        NewCommand(
            command=Command.FORCE_BACKFILL,
            payload={"symbol": one.symbol, "exchange": one.exchange},
        )
        for one in markets
    ]
    outcomes = client.send_batch(user, commands, origin=origin, wait=wait, until=Until.ACK)
    answers = [one for one in outcomes if isinstance(one, Answer)]
    failures = [str(one) for one in outcomes if not isinstance(one, Answer)]
    return Ordered(
        taken=sum(one.ack is not None or one.result is not None for one in answers),
        sent=len(answers),
        failed=len(failures),
        reasons=tuple(dict.fromkeys(failures)),
    )
