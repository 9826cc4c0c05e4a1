"""How each symbol of a user is doing: what they want of it, joined with what is known of it.

Rule 1: one word for each symbol, and a sentence where the word alone would leave a question.
Rule 2: what the runtime says of a market that it hears goes before what a listing says, which may
    be old; and a listing is only looked up, never asked for.
Rule 3: a runtime that has said nothing for two heartbeats says nothing: the word is ``offline``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from control import client
from control.candles import last_closes
from control.incidents import in_words
from control.plan import Situation, situation
from control.protocol import Cell, RuntimeStatus, State, SymbolStatus, now_ms
from control.status import WARM_UP_WANTED
from control.symbols.listings import Listing
from control.symbols.remembered import remembered
from settings_app import services
from settings_app.models import User
from settings_app.schema.markets import WatchlistEntry
from trading.core.market import InstrumentKind, Market
from trading.core.modes import Mode

SILENT_HEARTBEATS: Final = 2


class SymbolState(StrEnum):
    """How a symbol is doing, in one word."""

    RECEIVING = "receiving"
    WARMING_UP = "warming-up"
    LOW_ACTIVITY = "low-trading-activity"
    STALE = "stale"
    PAUSED = "paused"
    DISABLED = "disabled"
    NOT_WATCHED = "not-watched"
    OFFLINE = "offline"
    UNKNOWN_THERE = "unknown-on-exchange"
    DISABLED_THERE = "disabled-on-exchange"


class Why(StrEnum):
    """Why a symbol is watched: the source of symbols of the mode that watches it."""

    WATCHLIST = "watchlist"
    POSITION = "position"
    SCANNER = "scanner"


_WHY: Final[Mapping[str, Why]] = {
    "watchlist": Why.WATCHLIST,
    "positions": Why.POSITION,
    "scanner": Why.SCANNER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bars of history that are there, of those that seed the indicators."""

    bars: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolReport:
    """One symbol of a user.

    Args:
        detail: What the state leaves open, in a sentence; empty if that is nothing.
        row: Its place in the watchlist, from 0; None: it is not on it.
        enabled: Whether its row is; None without a row.
        held: Whether there is a position.
        why: Why it is watched, or would be if a runtime were there; None: it is not wanted.
        progress: While it is warming up.
        cells: By timeframe, what the indicators say; empty where no runtime tells.
        last_candle_at: When the last kept minute closed.
    """

    market: Market
    state: SymbolState
    detail: str = ""
    row: int | None = None
    enabled: bool | None = None
    categories: tuple[str, ...] = ()
    held: bool = False
    why: Why | None = None
    progress: Progress | None = None
    is_mending: bool = False
    cells: Mapping[str, Cell] = field(default_factory=dict)
    last_candle_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolReports:
    """Every symbol of a user, and the status that this is made of; None: no runtime speaks."""

    symbols: list[SymbolReport]
    runtime: RuntimeStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the words are made of: of all symbols, for one user."""

    now: Situation
    runtime: RuntimeStatus | None
    rows: Mapping[Market, tuple[int, WatchlistEntry]]
    wanted: frozenset[Market]
    told: Mapping[Market, SymbolStatus]
    listings: Mapping[str, Listing | None]


def symbols_of(user: User) -> list[SymbolReport]:
    """Every symbol of a user: the watchlist in its order, then what is watched or held beside it.

    Raises:
        As ``reports_of``.
    """
    return reports_of(user).symbols


def reports_of(user: User) -> SymbolReports:
    """Every symbol of a user, in the order of ``symbols_of``, and what tells how old that is.

    Raises:
        redis.RedisError: If Redis is away: then nothing is known, which is not "offline".
        pydantic.ValidationError: If a worker of another version wrote the status.
        SettingsInvalid: If the stored settings cannot be used.
        SettingsTooNew: If a newer program stored them.
    """
    known = _known(user)
    held = {one.market for one in known.now.held}
    markets = list(dict.fromkeys((*known.rows, *known.told, *_planned(known.now), *sorted(held))))
    closes = last_closes(markets)
    symbols = [_report(market, known, held, closes.get(market)) for market in markets]
    return SymbolReports(symbols=symbols, runtime=known.runtime)


def heard(user: User) -> RuntimeStatus | None:
    """What the runtime says of itself; None where it has said nothing for two heartbeats.

    Raises:
        redis.RedisError: If Redis is away.
        pydantic.ValidationError: If a worker of another version wrote it.
    """
    status = client.status(user)
    if status is None or now_ms() - status.at > SILENT_HEARTBEATS * status.heartbeat_ms:
        return None
    return status


def _known(user: User) -> _Known:
    now = situation(user.pk)
    if now.document is None:
        services.read(user.pk)  # and says what is wrong with it
        now = situation(user.pk)
    runtime = heard(user)
    document = now.document
    watchlist = document.watchlist if document else ()
    told = {Market(one.exchange, one.symbol): one for one in runtime.symbols} if runtime else {}
    rows = {Market(row.exchange, row.symbol): (at, row) for at, row in enumerate(watchlist)}
    planned = _planned(now)
    exchanges = {market.exchange for market in (*rows, *told, *planned)}
    return _Known(
        now=now,
        runtime=runtime,
        rows=rows,
        wanted=frozenset((*planned, *told)),
        told=told,
        listings=remembered(exchanges),
    )


def _planned(now: Situation) -> Iterable[Market]:
    return now.plan.markets if now.plan else ()


def _report(
    market: Market, known: _Known, held: set[Market], closed_at: int | None
) -> SymbolReport:
    told = known.told.get(market)
    row, entry = known.rows.get(market, (None, None))
    state, detail = _state(market, known, told, entry)
    bars = told.warm_up.bars if told is not None and told.warm_up is not None else 0
    is_warming = state is SymbolState.WARMING_UP
    return SymbolReport(
        market=market,
        state=state,
        detail=detail,
        row=row,
        enabled=None if entry is None else entry.enabled,
        categories=() if entry is None else tuple(entry.categories),
        held=market in held,
        why=_why(known) if market in known.wanted else None,
        progress=Progress(bars=bars, total=WARM_UP_WANTED) if is_warming else None,
        is_mending=told is not None and bool(told.mending),
        cells={} if told is None else told.tf,
        last_candle_at=None if closed_at is None else datetime.fromtimestamp(closed_at, UTC),
    )


def _why(known: _Known) -> Why | None:
    """By the mode that the runtime is in; by the one it is to be in, where it says nothing."""
    mode = known.runtime.mode if known.runtime else known.now.desired.mode
    document = known.now.document
    if document is None or mode not in set(Mode):  # of a newer worker
        return None
    return _WHY.get(document.modes.of(mode).symbol_source)


# ---------------------------------------------------------------------- the word
_Said = tuple[SymbolState, str]


def _state(
    market: Market, known: _Known, told: SymbolStatus | None, entry: WatchlistEntry | None
) -> _Said:
    runtime = known.runtime
    if told is not None and runtime is not None and _does_run(runtime):
        if told.live == "receiving":
            return _receiving(told, runtime)
        if told.live == "warming":
            return SymbolState.WARMING_UP, ""
    elif told is None and entry is not None and not entry.enabled:
        return SymbolState.DISABLED, "Its row of the watchlist is off."
    if (refused := _refused(market, known.listings.get(market.exchange))) is not None:
        return refused
    if runtime is None:
        return SymbolState.OFFLINE, "No runtime has spoken for two heartbeats."
    if told is None:
        return SymbolState.NOT_WATCHED, _why_not(market, known, runtime)
    if runtime.state is State.PAUSED:
        return SymbolState.PAUSED, "The runtime is paused."
    return SymbolState.STALE, _why_stale(market, runtime)


def _does_run(runtime: RuntimeStatus) -> bool:
    is_on = runtime.state in {State.RUNNING, State.STARTING}
    return is_on and runtime.data_plane.state == "turning"


def _receiving(told: SymbolStatus, runtime: RuntimeStatus) -> _Said:
    """Whether the shortest timeframe that the mode looks at rests on trades."""
    shortest = next(iter(runtime.timeframes), "")  # they come in this order
    cell = told.tf.get(shortest)
    if cell is None or cell.liquidity != "low":
        return SymbolState.RECEIVING, ""
    detail = f"In half of its last {shortest} candles or more nothing was traded."
    return SymbolState.LOW_ACTIVITY, detail


def _refused(market: Market, listing: Listing | None) -> _Said | None:
    """What the exchange has against it, as far as anybody knows."""
    if listing is None:
        return None
    age = f"as it said {in_words(timedelta(seconds=listing.age_seconds))} ago"
    instrument = listing.instruments.get(market.symbol)
    if instrument is None:
        return SymbolState.UNKNOWN_THERE, f"{listing.label} lists no such symbol, {age}."
    if instrument.kind is not InstrumentKind.SPOT:
        return SymbolState.DISABLED_THERE, f"It is no spot market, and cannot be watched, {age}."
    if not instrument.streamable:
        reason = instrument.status or "not open to trade"
        return SymbolState.DISABLED_THERE, f"{listing.label} says: {reason}, {age}."
    return None


def _why_not(market: Market, known: _Known, runtime: RuntimeStatus) -> str:
    if market in _planned(known.now):
        return "The runtime has not taken the settings over yet."
    document = known.now.document
    named = document.exchanges.items() if document else ()
    if market.exchange not in {name for name, exchange in named if exchange.enabled}:
        return "Its exchange is off in the settings."
    watched = {Why.WATCHLIST: "the watchlist", Why.POSITION: "what is held"}
    source = _why(known)
    words = watched.get(source, "what the scanner found") if source else "something else"
    return f"The mode {runtime.mode} watches {words}."


def _why_stale(market: Market, runtime: RuntimeStatus) -> str:
    if runtime.fault is not None:
        return f"The runtime does not run: {runtime.fault.error}"
    if runtime.data_plane.state == "hangs":
        return "The data plane of the worker hangs."
    details = (one.detail for one in runtime.exchanges if one.name == market.exchange)
    return next(filter(None, details), "Nothing is heard of it now.")
