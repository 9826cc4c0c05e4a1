"""One user's desk: which closed bars matter to this user, and which signals leave.

Rule 1: a desk computes nothing that another user needs too: bars and indicators come ready.
Rule 2: every moment here is the exchange's. A cooldown measured by it is the same live, after a
    repair and in a replay.
Rule 3: nothing passes a closed gate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from trading.core.indicators import IndicatorPoint
from trading.core.market import MICROSECONDS, Market, Timeframe
from trading.core.modes import SignalKind
from trading.core.series import Closed
from trading.core.signals import Direction, Signal, price_move, signals
from trading.ports import DeskPlan, FiredSignal, Gate, IndicatorUpdate, Owner, Sinks

REMEMBERED_ABSENCES = 16
REMEMBERED_SIGNALS = 64
REMEMBERED_SECONDS = 86_400  # of a market that is not listed any more; as long as a cooldown may be

Points = Callable[[], Mapping[Timeframe, IndicatorPoint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What was decided for one user: who, what, behind which gate, and whether at all."""

    owner: Owner
    plan: DeskPlan
    gate: Gate
    paused: bool = False

    @property
    def wanted(self) -> tuple[Market, ...]:
        """The markets to be subscribed to now."""
        return () if self.paused else self.plan.markets


@dataclass(slots=True)
class Attendance:
    """When a desk looked at one market, in unix microseconds of the exchange's clock.

    A bar that closed while nobody was to look (before the first arrival, or in a pause) is no
    signal and no miss. It begins away, since ever.
    """

    _away_since_us: int | None = 0
    _absences: deque[tuple[int, int]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED_ABSENCES)
    )

    def copy(self) -> Attendance:
        """The same, and its own from now on."""
        return Attendance(self._away_since_us, self._absences.copy())

    @property
    def is_present(self) -> bool:
        """Whether the desk looks at the market now."""
        return self._away_since_us is None

    @property
    def is_new(self) -> bool:
        """Whether the desk has never looked at the market."""
        return not self._absences

    def arrive(self, at_us: int) -> None:
        """Look from now on."""
        if self._away_since_us is not None:
            self._absences.append((self._away_since_us, at_us))
            self._away_since_us = None

    def leave(self, at_us: int) -> None:
        """Look away from now on."""
        if self._away_since_us is None:
            self._away_since_us = at_us

    def was_away(self, closed_at: int) -> bool:
        """Whether the desk looked away when a bar closed (unix seconds)."""
        at_us = closed_at * MICROSECONDS
        if self._away_since_us is not None and at_us > self._away_since_us:
            return True
        absences = self._absences
        if not absences or at_us > absences[-1][1]:  # at every close, and there are thousands
            return False
        return any(since < at_us <= until for since, until in absences)


class _Told(NamedTuple):
    closed_at: int
    direction: Direction
    once_since: int | None = None  # None also of what another process told

    def silences(self, signal: Signal, cooldown_seconds: int) -> bool:
        """Whether a signal of the same kind is too close to it, or is it once more, amended."""
        if abs(signal.closed_at - self.closed_at) < cooldown_seconds:
            return True
        since = signal.once_since
        if since is None or self.closed_at <= since or self.direction is not signal.direction:
            return False
        # What was told may be of another, later excursion: an amendment reveals the one before it.
        return self.once_since is None or self.once_since < signal.closed_at


class Desk:
    """The rules of one user, applied to bars that are shared by all."""

    def __init__(self, seat: Seat, sinks: Sinks) -> None:
        self._seat = seat
        self._sinks = sinks
        self.symbols = _by_exchange(seat.plan)
        """The canonical symbols of its plan, by exchange."""
        self._attendances: dict[Market, Attendance] = {}
        self._told: dict[tuple[Market, Timeframe, SignalKind], deque[_Told]] = {}
        for one in seat.plan.told:
            self._remember(one.market, one.timeframe, one.kind, _Told(one.closed_at, one.direction))
        self.candles_closed = 0
        """1m candles closed for this desk since it opened."""
        self.trades = 0
        """Trades of its markets while its gate was open, counted with each snapshot of facts."""
        self.last_candle_at: int | None = None
        """Opening time of the newest 1m candle closed for it, unix seconds."""
        self.last_signal_at: int | None = None
        """Closing time of the candle that fired last, unix seconds."""

    def twin(self) -> Desk:
        """Another desk that has told, and looked at, what this one has."""
        twin = Desk(self._seat, self._sinks)
        twin._attendances = {m: attendance.copy() for m, attendance in self._attendances.items()}
        twin._told = {key: told.copy() for key, told in self._told.items()}
        twin.candles_closed, twin.trades = self.candles_closed, self.trades
        twin.last_candle_at, twin.last_signal_at = self.last_candle_at, self.last_signal_at
        return twin

    @property
    def seat(self) -> Seat:
        """What was decided last."""
        return self._seat

    @property
    def is_open(self) -> bool:
        """Whether anything may pass now."""
        return self._seat.gate.is_open

    def take_seat(self, seat: Seat, sinks: Sinks) -> None:
        """Work by a new decision from now on; what was told before stays told."""
        self._seat = seat
        self._sinks = sinks
        self.symbols = _by_exchange(seat.plan)
        listed = set(seat.plan.markets)
        self._attendances = {m: a for m, a in self._attendances.items() if m in listed}
        # What is taken off may be back within a cooldown: another mode, and this one again.
        oldest = (self.last_signal_at or 0) - REMEMBERED_SECONDS
        self._told = {
            key: told
            for key, told in self._told.items()
            if key[0] in listed or told[-1].closed_at >= oldest
        }

    def attendance(self, market: Market) -> Attendance:
        """When this desk looked at a market of its plan."""
        known = self._attendances.get(market)
        if known is None:
            known = self._attendances[market] = Attendance()
        return known

    def closed(self, closed: Closed, points: Points = dict) -> None:
        """Take one closed bar; what it fires leaves through the sinks.

        Args:
            points: Says where the indicators of its market stand now; asked where a signal fires.
        """
        seat, candle = self._seat, closed.candle
        if not seat.gate.is_open:
            return
        if candle.timeframe is Timeframe.M1:
            self.candles_closed += 1
            self.last_candle_at = max(candle.opened_at, self.last_candle_at or 0)
        if self.attendance(candle.market).was_away(candle.closes_at):
            return
        for signal in self._signals(closed):
            self._fire(signal, points, missed=closed.late)

    def _signals(self, closed: Closed) -> Iterator[Signal]:
        plan, market, timeframe = self._seat.plan, closed.candle.market, closed.candle.timeframe
        if timeframe in plan.timeframes:
            self._sinks.indicator_moved(
                IndicatorUpdate(
                    owner=self._seat.owner,
                    candle=closed.candle,
                    point=closed.point,
                    indicators=plan.indicators,
                )
            )
            yield from signals(
                closed.previous, closed.point, market=market, timeframe=timeframe, rules=plan.rules
            )
        holding = plan.holdings.get(market) if timeframe is Timeframe.M1 else None
        if holding is not None and SignalKind.PRICE_MOVE in plan.rules.kinds:
            moved = price_move(closed.previous, closed.point, market=market, holding=holding)
            if moved is not None:
                yield moved

    def _fire(self, signal: Signal, points: Points, *, missed: bool) -> None:
        told = self._told.get((signal.market, signal.timeframe, signal.kind), ())
        # At least one second, so that an amended bar never tells its own signal twice.
        cooldown = max(self._seat.plan.rules.cooldown_seconds, 1)
        if any(one.silences(signal, cooldown) for one in told):
            return
        now_told = _Told(signal.closed_at, signal.direction, signal.once_since)
        self._remember(signal.market, signal.timeframe, signal.kind, now_told)
        self.last_signal_at = max(signal.closed_at, self.last_signal_at or 0)
        self._sinks.signal_fired(
            FiredSignal(
                owner=self._seat.owner,
                signal=signal,
                missed=missed,
                momentum=_momentum(signal, points()),
            )
        )

    def _remember(
        self, market: Market, timeframe: Timeframe, kind: SignalKind, told: _Told
    ) -> None:
        key = (market, timeframe, kind)
        self._told.setdefault(key, deque(maxlen=REMEMBERED_SIGNALS)).append(told)


def _momentum(
    signal: Signal, points: Mapping[Timeframe, IndicatorPoint]
) -> dict[Timeframe, float | None]:
    """MACD-V of every timeframe when a bar closed, as far as none of them has moved on since."""
    if not points:
        return {}
    momentum: dict[Timeframe, float | None] = dict.fromkeys(Timeframe)
    for timeframe, point in points.items():
        if point.closes_at <= signal.closed_at:
            momentum[timeframe] = point.macd_v
    momentum[signal.timeframe] = signal.point.macd_v
    return momentum


def _by_exchange(plan: DeskPlan) -> dict[str, tuple[str, ...]]:
    symbols: dict[str, list[str]] = {}
    for market in plan.markets:
        symbols.setdefault(market.exchange, []).append(market.symbol)
    return {exchange: tuple(listed) for exchange, listed in symbols.items()}
