"""Whether what stands in PostgreSQL and Redis is what the true candles say.

Rule 1: a row for each signal that must have fired, with its values, and no other row. None twice.
Rule 2: what closed in an outage is marked missed, and what closed while nothing was wrong is not.
    What closed while something was being mended may be either.
Rule 3: a minute that is told otherwise later (trades that came late, an amended candle) may have
    fired on what was known of it. Such a row stands: it was told. It counts as *provisional* where
    a bar of its market was mended later.
Rule 4: a signal without a row must have been silenced by a row of its market, timeframe and kind
    within the cooldown, and one that the desk would have silenced must be a true transition: both
    only where a provisional row, or a bar that was mended, had shifted the cooldowns.
Rule 5: the candles that Redis keeps equal the exchange's, all of them, to the last digit.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.soak.kept import KeptCandles
from tests.soak.oracle import Fired, Oracle
from tests.soak.timeline import Timeline
from trading.alerts.compose import decimal_of
from trading.core.market import Candle, Market, Timeframe
from trading.core.modes import SignalRules
from trading.core.signals import Signal
from trading.models import Alert

COOLDOWN_SECONDS = SignalRules().cooldown_seconds
TOLERANCE = 0.01
"""Of MACD-V: a restarted worker stands on other bars than one that went on, by less than this."""
SHIFTED_SECONDS = 86_400.0
"""How long after an amendment the cooldowns of its market may still run otherwise."""


class Key(NamedTuple):
    """One signal of one market; at most one row has it."""

    timeframe: str
    kind: str
    closed_at: int


@dataclass(slots=True)
class Findings:
    """What was compared, what was explained (by exchange), what is wrong."""

    of: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    violations: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """What was compared and explained, of all exchanges together."""
        return sum(self.of.values(), Counter())


class Verdict:
    """One market after another, against one oracle and one timeline."""

    def __init__(self, oracle: Oracle, timeline: Timeline) -> None:
        self._oracle = oracle
        self._timeline = timeline
        self.findings = Findings()

    def judge_alerts(self, market: Market, rows: list[Alert], fired: Fired) -> None:
        """Hold the rows of a market against what its candles fire."""
        true, raw = _by_key(fired.signals), _by_key(fired.raw)
        found = {_key(row): row for row in rows}
        self._count(market, "alerts", len(rows))
        if len(found) != len(rows):
            self._violated(market, f"{len(rows) - len(found)} alerts are there twice")
        for key, row in found.items():
            signals = [*true.get(key, ()), *raw.get(key, ())]
            if all(_differences(row, signal) for signal in signals):
                self._explain_row(market, key, row, signals)
                continue
            if key not in true and not self._is_shifted(market, key):
                self._violated(market, f"{_words(key)}: told, though silenced: {_of_row(row)}")
                continue
            self._count(market, "as the true candles say")
            self._judge_state(market, key, row)
        for key in true.keys() - found.keys():
            self._explain_absence(market, key, true[key][-1], found)

    def judge_candles(self, market: Market, kept: KeptCandles) -> None:
        """Hold the candles that are kept of a market against the exchange's."""
        for timeframe in Timeframe:
            truth = self._oracle.kept(market, timeframe)
            end = truth[-1].closes_at if truth else 0
            ours = [c for c in kept.candles(market, timeframe) if c.closes_at <= end]
            self._count(market, "candles", len(ours))
            for wrong in _unequal(ours, truth):
                self._violated(market, f"{timeframe} {wrong}")

    # -- rows

    def _judge_state(self, market: Market, key: Key, row: Alert) -> None:
        is_missed = row.state == Alert.State.MISSED
        # Before the end of the outage by a minute and the grace, so that nothing can tell it late.
        outage = self._timeline.outage_at(market, key.closed_at, within=5.0)
        if outage is not None and not is_missed:
            self._violated(market, f"{_words(key)}: not marked missed: {outage.what}")
        elif is_missed and not self._may_be_late(market, key.closed_at):
            self._violated(market, f"{_words(key)}: marked missed, though nothing was wrong")
        self._count(market, "missed" if is_missed else "in time")

    def _may_be_late(self, market: Market, closed_at: int) -> bool:
        """Whether a bar was told late, or again when it was mended."""
        trouble = self._timeline.trouble(market, closed_at, closed_at)
        return (trouble or self._timeline.amendment(market, closed_at, closed_at)) is not None

    def _explain_row(self, market: Market, key: Key, row: Alert, signals: list[Signal]) -> None:
        if self._is_provisional(market, key):
            self._count(market, "provisional: told before a bar was mended")
            return
        truth = " or ".join(dict.fromkeys(map(_of_signal, signals))) or "nothing"
        self._violated(market, f"{_words(key)}: told {_of_row(row)}, true is {truth}")

    def _explain_absence(
        self, market: Market, key: Key, signal: Signal, found: Mapping[Key, Alert]
    ) -> None:
        silent = _silenced_by(key, signal, found.values())
        if silent is not None and self._is_shifted(market, key):
            self._count(market, "silenced by what was told before a bar was mended")
            return
        self._violated(market, f"{_words(key)}: told nothing, true is {_of_signal(signal)}")

    def _is_provisional(self, market: Market, key: Key) -> bool:
        """Whether a bar that this one stands on was mended after it may have been told."""
        return self._timeline.amendment(market, key.closed_at, key.closed_at) is not None

    def _is_shifted(self, market: Market, key: Key) -> bool:
        start = key.closed_at - SHIFTED_SECONDS
        return self._timeline.amendment(market, start, key.closed_at) is not None

    def _count(self, market: Market, what: str, more: int = 1) -> None:
        self.findings.of[market.exchange][what] += more

    def _violated(self, market: Market, sentence: str) -> None:
        self.findings.violations.append(f"{market.exchange} {market.symbol} {sentence}")


def _by_key(signals: Iterable[Signal]) -> Mapping[Key, list[Signal]]:
    """One for each worker that may have told it: the last bar of one is the first of the next,
    which stands on other bars. Which of them wrote the row does not show."""
    found: dict[Key, list[Signal]] = {}
    for one in signals:
        found.setdefault(Key(str(one.timeframe), str(one.kind), one.closed_at), []).append(one)
    return found


def _key(row: Alert) -> Key:
    assert row.candle_closed_at is not None
    return Key(row.timeframe, row.kind, int(row.candle_closed_at.timestamp()))


def _silenced_by(key: Key, signal: Signal, rows: Iterable[Alert]) -> Alert | None:
    for row in rows:
        other = _key(row)
        if (other.timeframe, other.kind) != (key.timeframe, key.kind):
            continue
        if abs(other.closed_at - key.closed_at) < COOLDOWN_SECONDS:
            return row
        since = signal.once_since
        if since is not None and other.closed_at > since and row.direction == signal.direction:
            return row
    return None


def _differences(row: Alert, signal: Signal) -> list[str]:
    assert row.value is not None
    pairs = (
        ("direction", row.direction, str(signal.direction)),
        ("detail", row.detail, signal.detail),
        ("level", row.level, signal.level),
        ("price", row.price, decimal_of(signal.price)),
        ("opened", _seconds(row), signal.opened_at),
    )
    found = [name for name, ours, truth in pairs if ours != truth]
    if not math.isclose(row.value, signal.value, rel_tol=0.0, abs_tol=TOLERANCE):
        found.append("value")
    return found


def _unequal(ours: list[Candle], truth: list[Candle]) -> Iterator[str]:
    known = {candle.opened_at: candle for candle in truth}
    kept = {candle.opened_at: candle for candle in ours}
    begin = max(min(known, default=0), min(kept, default=0))
    for at in sorted(known.keys() | kept.keys()):
        if at >= begin and known.get(at) != kept.get(at):
            yield f"candle {at}: kept {_of_candle(kept.get(at))}, true {_of_candle(known.get(at))}"


def _seconds(row: Alert) -> int:
    assert row.candle_opened_at is not None
    return int(row.candle_opened_at.timestamp())


def _words(key: Key) -> str:
    return f"{key.timeframe} {key.kind} of {key.closed_at}"


def _of_row(row: Alert) -> str:
    return f"{row.direction} {row.detail} at {row.value} and {row.price} ({row.state})"


def _of_signal(signal: Signal) -> str:
    return f"{signal.direction} {signal.detail} at {signal.value} and {signal.price}"


def _of_candle(candle: Candle | None) -> str:
    if candle is None:
        return "none"
    synthetic = " synthetic" if candle.synthetic else ""
    return f"{candle.open} {candle.high} {candle.low} {candle.close} {candle.volume}{synthetic}"
