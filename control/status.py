"""Composing what a runtime tells the world of itself.

Rule 1: pure: facts in, one :class:`RuntimeStatus` out. Nothing here asks or waits.
Rule 2: a market's part is composed once for all who watch it: a thousand users do not cost a
    thousand times as much.
Rule 3: whatever a status says was true at its ``at``; a guess is left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from control.backfills import status_of as backfill_status
from control.lifecycle import Life
from control.positions.held import Held, told
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
    PositionsStatus,
    RuntimeStatus,
    State,
    SymbolStatus,
    SymbolWarmUp,
    Undoable,
    WarmUpStatus,
)
from trading.core.indicators import INDICATORS, MACD_V, IndicatorPoint
from trading.core.liquidity import Liquidity
from trading.core.market import Market, Timeframe
from trading.core.series import WARM_UP_BARS
from trading.core.stages import Stage
from trading.ports import DeskFacts, FeedFacts, MarketFacts, Owner, WarmUp

HANGS_AFTER_MS = 1_000
ERROR_LINES = 50
MESSAGE_LENGTH = 500
KEPT_SYMBOLS = 4_096
WARM_UP_WANTED = WARM_UP_BARS * len(Timeframe)
"""Bars that seed the indicators of one symbol."""

# A market that is traded all the time is the rule, and goes without saying.
_TOLD: Mapping[Liquidity, Literal["medium", "low"] | None] = {
    Liquidity.HIGH: None,
    Liquidity.MEDIUM: "medium",
    Liquidity.LOW: "low",
}


# What a market shows that has its history, and nothing of the timeframe in it.
NOTHING_TRADED = Cell(stage=Stage.WARMING_UP, liquidity="low")


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
    indicators: tuple[str, ...]
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
    positions: tuple[PositionsStatus, ...] = ()
    held: tuple[Held, ...] = ()


def compose(known: Known, facts: DeskFacts | None, at_ms: int) -> RuntimeStatus:
    """The status of a runtime.

    Args:
        known: The control plane's side.
        facts: The data plane's side, as of its own last snapshot; None before the first.
        at_ms: Now.
    """
    since, is_paused = known.life.since_ms, known.life.state is State.PAUSED
    symbols = _symbols(known, facts)
    return RuntimeStatus(
        sub=known.owner.sub,
        state=known.life.state,
        epoch=known.owner.fence,
        state_version=known.life.version,
        mode=known.mode,
        started_at=known.started_at_ms,
        since=since,
        paused_at=since if is_paused else None,
        at=at_ms,
        heartbeat_ms=int(HEARTBEAT_SECONDS * 1_000),
        settings_revision=known.settings_revision,
        worker=known.worker,
        desired=known.desired,
        data_plane=_data_plane(known),
        fault=known.fault,
        last_candle_at=_ms(facts.last_candle_at) if facts else None,
        last_signal_at=known.last_signal_at_ms,
        counts=_counts(known, facts, symbols),
        timeframes=list(known.timeframes),
        indicators={name: INDICATORS[name] for name in known.indicators},
        exchanges=[_exchange(feed, known) for feed in facts.feeds] if facts else [],
        symbols=symbols,
        warm_up=_warm_up(symbols),
        errors=_errors(known, facts),
        queue_depth=known.queue_depth,
        malformed_commands=known.malformed,
        credentials_set=_list(known.credentials_set),
        credentials_missing=_list(known.credentials_missing),
        cache=known.cache,
        backfill=[backfill_status(one) for one in facts.backfills] if facts else [],
        positions=list(known.positions),
        held=told(known.held, facts),
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
            known.indicators,
            known.credentials_set,
            known.credentials_missing,
            known.undo,
            known.planned,
            known.malformed,
            tuple((one.exchange, one.state, one.read_at, one.error) for one in known.positions),
            known.held,
            len(known.errors),
            known.errors[0].count if known.errors else 0,
            tuple((f.exchange, f.state, f.subscriptions, f.reconnects) for f in feeds),
            tuple((market.market, market.live) for market in markets),
            len(facts.failures) if facts else 0,
            tuple((one.id, one.state, one.done) for one in facts.backfills) if facts else (),
        )
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a runtime at one moment, by both planes."""

    known: Known
    facts: DeskFacts | None

    def shape(self) -> int:
        """:func:`shape` of it."""
        return shape(self.known, self.facts)

    def status(self, at_ms: int) -> RuntimeStatus:
        """:func:`compose` of it."""
        return compose(self.known, self.facts, at_ms)


def cell(point: IndicatorPoint, indicators: Collection[str] = tuple(INDICATORS)) -> Cell:
    """One cell of the map, of these indicators, rounded to what a page shows."""
    gauges = {
        name: round(value, 2)
        for name, value in point.gauges.items()
        if value is not None and name in indicators
    }
    liquidity = _TOLD[point.liquidity]
    if MACD_V not in indicators:
        return Cell.model_construct(g=gauges or None, liquidity=liquidity)
    return Cell.model_construct(
        v=_rounded(point.macd_v),
        s=_rounded(point.signal),
        h=_rounded(point.histogram),
        stage=str(point.stage),
        g=gauges or None,
        liquidity=liquidity,
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
        warming=sum(symbol.live == "warming" for symbol in symbols),
        signals_today=known.signals_today,
        alerts_waiting=known.alerts_waiting,
        trades=facts.trades if facts else 0,
        candles_closed=facts.candles_closed if facts else 0,
    )


def _warm_up(symbols: list[SymbolStatus]) -> WarmUpStatus | None:
    """How far all of them are; None when none is on the way."""
    warming = [symbol for symbol in symbols if symbol.live == "warming"]
    if not warming:
        return None
    bars = sum(symbol.warm_up.bars for symbol in warming if symbol.warm_up is not None)
    warm = len(symbols) - len(warming)
    return WarmUpStatus(bars=warm * WARM_UP_WANTED + bars, wanted=len(symbols) * WARM_UP_WANTED)


def _data_plane(known: Known) -> DataPlane:
    age = known.beat_age_ms
    return DataPlane(state="hangs" if age > HANGS_AFTER_MS else "turning", beat_age_ms=age)


def _symbols(known: Known, facts: DeskFacts | None) -> list[SymbolStatus]:
    # What is watched is the control plane's to say: the data plane's snapshot may be of before.
    seen = {market.market: market for market in facts.markets} if facts else {}
    is_paused, shown = known.life.state is State.PAUSED, known.indicators
    return [
        _symbol(seen.get(market) or _unseen(market), is_paused, shown) for market in known.markets
    ]


_Shown = tuple[Market, bool, tuple[str, ...]]
_composed: OrderedDict[_Shown, tuple[MarketFacts, SymbolStatus]] = OrderedDict()


def _symbol(facts: MarketFacts, is_paused: bool, indicators: tuple[str, ...]) -> SymbolStatus:
    """What is said of a market, composed once for all who see the same of it, until it moves.

    Facts of a market are one object, the same for everybody until something happens.
    """
    key = facts.market, is_paused, indicators
    known = _composed.get(key)
    if known is not None and known[0] is facts:
        return known[1]
    made = SymbolStatus.model_construct(  # all of it is our own: there is nothing to check
        symbol=facts.market.symbol,
        exchange=facts.market.exchange,
        live="paused" if is_paused else facts.live,
        tf=_cells(facts, indicators),
        warm_up=None if is_paused else _symbol_warm_up(facts.warm_up),
        mending=True if facts.is_mending and not is_paused else None,
    )
    _composed[key] = facts, made
    while len(_composed) > KEPT_SYMBOLS:
        _composed.popitem(last=False)
    return made


def _cells(facts: MarketFacts, indicators: tuple[str, ...]) -> dict[str, Cell]:
    cells = {str(timeframe): cell(point, indicators) for timeframe, point in facts.points.items()}
    if facts.live == "receiving":
        for timeframe in Timeframe:
            cells.setdefault(str(timeframe), NOTHING_TRADED)
    return cells


def _symbol_warm_up(warm_up: WarmUp | None) -> SymbolWarmUp | None:
    # Of those that wait for their turn nothing is there: that is said by their number alone.
    if warm_up is None or not warm_up.bars:
        return None
    return SymbolWarmUp(
        bars=warm_up.bars, wanted=WARM_UP_WANTED, ready=[str(one) for one in warm_up.ready]
    )


@lru_cache(maxsize=KEPT_SYMBOLS)
def _unseen(market: Market) -> MarketFacts:
    return MarketFacts(market=market, live="warming")


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
