"""Composing what a runtime tells the world of itself.

Rule 1: pure: facts in, one :class:`RuntimeStatus` out. Nothing here asks or waits.
Rule 2: whatever a status says was true at its ``at``; a guess is left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from control.backfills import status_of as backfill_status
from control.lifecycle import Life
from control.protocol import (
    HEARTBEAT_SECONDS,
    CacheStatus,
    Cell,
    Counts,
    DataPlane,
    Desired,
    ErrorLine,
    ExchangeStatus,
    Fault,
    Planned,
    RuntimeStatus,
    State,
    SymbolStatus,
    Undoable,
)
from trading.core.indicators import IndicatorPoint
from trading.core.market import Market
from trading.ports import DeskFacts, FeedFacts, MarketFacts, Owner

HANGS_AFTER_MS = 1_000
ERROR_LINES = 50
MESSAGE_LENGTH = 500


@dataclass(slots=True)
class ErrorTail:
    """The last errors, equal ones counted instead of repeated."""

    _lines: OrderedDict[tuple[str, str], ErrorLine] = field(default_factory=OrderedDict)

    def add(self, *, at_ms: int, where: str, level: str, message: str) -> ErrorLine:
        """Note an error, newest last; its line."""
        text = message[:MESSAGE_LENGTH]
        before = self._lines.pop((where, text), None)
        line = self._lines[where, text] = ErrorLine(
            at=at_ms,
            where=where,
            level="error" if level == "error" else "warning",
            message=text,
            count=1 if before is None else before.count + 1,
        )
        while len(self._lines) > ERROR_LINES:
            self._lines.popitem(last=False)
        return line

    def lines(self) -> list[ErrorLine]:
        """Newest first."""
        return list(reversed(self._lines.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the control plane itself knows of a runtime at one moment."""

    owner: Owner
    life: Life
    desired: Desired
    mode: str
    timeframes: tuple[str, ...]
    markets: tuple[Market, ...]
    started_at_ms: int
    settings_revision: int
    worker: str
    beat_age_ms: int
    fault: Fault | None
    signals_today: int
    alerts_waiting: int
    last_signal_at_ms: int | None
    queue_depth: int
    malformed: int
    errors: list[ErrorLine]
    latency: Mapping[str, tuple[float, ...]]
    credentials_set: tuple[str, ...] | None = None  # not known before the first situation
    credentials_missing: tuple[str, ...] | None = None
    undo: Undoable | None = None
    planned: Planned | None = None
    cache: CacheStatus | None = None


def compose(known: Known, facts: DeskFacts | None, at_ms: int) -> RuntimeStatus:
    """The status of a runtime.

    Args:
        known: The control plane's side.
        facts: The data plane's side, as of its own last snapshot; None before the first.
        at_ms: Now.
    """
    paused = known.life.state is State.PAUSED
    # What is watched is the control plane's to say: the data plane's snapshot may be of before.
    seen = {market.market: market for market in facts.markets} if facts else {}
    symbols = [
        _symbol(seen.get(market) or MarketFacts(market=market, live="warming"), paused=paused)
        for market in known.markets
    ]
    return RuntimeStatus(
        sub=known.owner.sub,
        state=known.life.state,
        epoch=known.owner.fence,
        state_version=known.life.version,
        mode=known.mode,
        started_at=known.started_at_ms,
        since=known.life.since_ms,
        paused_at=known.life.since_ms if paused else None,
        at=at_ms,
        heartbeat_ms=int(HEARTBEAT_SECONDS * 1_000),
        settings_revision=known.settings_revision,
        worker=known.worker,
        desired=known.desired,
        data_plane=DataPlane(
            state="hangs" if known.beat_age_ms > HANGS_AFTER_MS else "turning",
            beat_age_ms=known.beat_age_ms,
        ),
        fault=known.fault,
        last_candle_at=_ms(facts.last_candle_at) if facts else None,
        last_signal_at=known.last_signal_at_ms,
        counts=_counts(known, facts, symbols),
        timeframes=list(known.timeframes),
        exchanges=[_exchange(feed, known) for feed in facts.feeds] if facts else [],
        symbols=symbols,
        errors=_errors(known, facts),
        queue_depth=known.queue_depth,
        malformed_commands=known.malformed,
        credentials_set=_list(known.credentials_set),
        credentials_missing=_list(known.credentials_missing),
        cache=known.cache,
        backfill=[backfill_status(one) for one in facts.backfills] if facts else [],
        undo=known.undo,
        planned=known.planned,
    )


def shape(known: Known, facts: DeskFacts | None) -> int:
    """A fingerprint of what deserves to be told at once, whatever the figures do meanwhile.

    Made of the facts, not of a status: this is asked five times a second for every user.
    """
    feeds = facts.feeds if facts else ()
    markets = facts.markets if facts else ()
    return hash(
        (
            known.life.version,
            known.beat_age_ms > HANGS_AFTER_MS,
            known.mode,
            known.desired.revision,
            known.settings_revision,
            known.last_signal_at_ms,
            known.markets,
            known.credentials_set,
            known.credentials_missing,
            known.undo,
            known.planned,
            known.malformed,
            len(known.errors),
            known.errors[0].count if known.errors else 0,
            tuple((f.exchange, f.state, f.subscriptions, f.reconnects) for f in feeds),
            tuple((market.market, market.live) for market in markets),
            len(facts.failures) if facts else 0,
            tuple((one.id, one.state, one.done) for one in facts.backfills) if facts else (),
        )
    )


def cell(point: IndicatorPoint) -> Cell:
    """One cell of the map, rounded to what a page shows."""
    return Cell(
        v=_rounded(point.macd_v),
        s=_rounded(point.signal),
        h=_rounded(point.histogram),
        stage=str(point.stage),
    )


def _errors(known: Known, facts: DeskFacts | None) -> list[ErrorLine]:
    """The control plane's errors and the data plane's in one tail, newest first."""
    tail = ErrorTail()
    for failure in facts.failures if facts else ():
        tail.add(
            at_ms=failure.at_ms,
            where=failure.where,
            level=failure.level,
            message=failure.message,
        )
    lines = [*known.errors, *tail.lines()]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:ERROR_LINES]


def _counts(known: Known, facts: DeskFacts | None, symbols: list[SymbolStatus]) -> Counts:
    return Counts(
        watched=len(symbols),
        stale=sum(symbol.live == "stale" for symbol in symbols),
        signals_today=known.signals_today,
        alerts_waiting=known.alerts_waiting,
        trades=facts.trades if facts else 0,
        candles_closed=facts.candles_closed if facts else 0,
    )


def _symbol(market: MarketFacts, *, paused: bool) -> SymbolStatus:
    return SymbolStatus.model_validate(
        {
            "symbol": market.market.symbol,
            "exchange": market.market.exchange,
            "live": "paused" if paused else market.live,
            "tf": {str(timeframe): cell(point) for timeframe, point in market.points.items()},
        }
    )


def _exchange(feed: FeedFacts, known: Known) -> ExchangeStatus:
    return ExchangeStatus.model_validate(
        {
            "name": feed.exchange,
            "label": feed.label,
            "state": feed.state,
            "latency_ms": feed.latency_ms,
            "latency": list(known.latency.get(feed.exchange, ())),
            "last_message_at": feed.last_message_at_ms,
            "reconnects": feed.reconnects,
            "subscriptions": feed.subscriptions,
            "stale_symbols": list(feed.stale_symbols),
            "detail": feed.detail,
        }
    )


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1_000
