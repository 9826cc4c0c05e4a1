"""Who listens to a replay: a desk as every trader has one, and what it was told.

Rule 1: the desk decides what is an indicator's move and what is a signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trading.core.market import Candle, Timeframe
from trading.core.modes import SignalRules
from trading.core.series import Closed
from trading.desk import Desk, Seat
from trading.ports import (
    DeskPlan,
    FiredSignal,
    Gate,
    IndicatorUpdate,
    Owner,
    Replacement,
    ToldSignal,
)

Fact = Candle | IndicatorUpdate | FiredSignal


class Audience:
    """Keeps what closed, moved and fired, in that order for each bar; implements ``Sinks``.

    Args:
        timeframes: What is listened to.
        rules: Which signals count; the default ones if not given.
        told: What counts as told before it begins.
    """

    def __init__(
        self,
        timeframes: Sequence[Timeframe] = tuple(Timeframe),
        *,
        rules: SignalRules | None = None,
        told: Sequence[ToldSignal] = (),
    ) -> None:
        self._timeframes = frozenset(timeframes)
        self._facts: list[Fact] = []
        plan = DeskPlan(
            mode="replay",
            markets=(),
            timeframes=tuple(timeframes),
            rules=rules or SignalRules(),
            told=tuple(told),
        )
        nobody = Owner(user_id=0, sub="", fence=0)
        self._desk = Desk(Seat(owner=nobody, plan=plan, gate=Gate(is_open=True)), self)

    def hear(self, told: Iterable[Closed]) -> None:
        """Take closed bars, as a market tells them."""
        for closed in told:
            if closed.candle.timeframe in self._timeframes:
                self._desk.attendance(closed.candle.market).arrive(0)
                self.candles_closed([closed.candle])
                self._desk.closed(closed)

    def facts(self) -> list[Fact]:
        """What was found since the last call, oldest first; emptied by it."""
        facts, self._facts = self._facts, []
        return facts

    def candles_closed(self, candles: Sequence[Candle]) -> None:
        """Keep closed candles."""
        self._facts += candles

    def indicator_moved(self, update: IndicatorUpdate) -> None:
        """Keep a move."""
        self._facts.append(update)

    def signal_fired(self, fired: FiredSignal) -> None:
        """Keep a signal."""
        self._facts.append(fired)

    def history_read(self, candles: Sequence[Candle]) -> None:
        """Nothing: a recording has no history before it."""

    def history_replaced(self, replacement: Replacement) -> None:
        """Nothing: nobody orders a backfill of a recording."""
