"""What the symbols page shows, as far as the server can say it.

Rule 1: reads only; what the page changes goes through :mod:`control.pages.symbols`.
Rule 2: no exchange is asked unless somebody asks for the figures: what was told last serves, and
    says from when it is.
Rule 3: with Redis away the watchlist is shown as it is stored, and nothing is said of how it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from pydantic import ValidationError
from redis.exceptions import RedisError

from control.api.symbols.chart_answers import SymbolAnswer
from control.api.symbols.figure_answers import FiguresAnswer
from control.heard import Heard
from control.protocol import Cell
from control.symbols.equivalents import Equivalent, Related, related
from control.symbols.figures import Figures, asked_figures, kept_figures, own_markets
from control.symbols.previews import Outcome
from control.symbols.statuses import SymbolReport, SymbolState, symbols_of
from settings_app import services
from settings_app.api.answers import Answer
from settings_app.errors import SettingsError
from settings_app.models import User
from settings_app.schema import Settings
from trading.core.market import Market, Ticker, Timeframe

log = structlog.get_logger(__name__)

ALL_TIMEFRAMES: Final = tuple(map(str, Timeframe))
UNKNOWN: Final = "unknown"
COMMON: Final = 5


class Look(NamedTuple):
    """How a state is shown: never by its colour alone."""

    tone: str
    glyph: str
    word: str


LOOKS: Final[Mapping[str, Look]] = {
    SymbolState.RECEIVING: Look("ok", "running", "receiving"),
    SymbolState.WARMING_UP: Look("warn", "reload", "warming up"),
    SymbolState.LOW_ACTIVITY: Look("warn", "low", "low trading activity"),
    SymbolState.STALE: Look("warn", "stale", "stale"),
    SymbolState.PAUSED: Look("off", "paused", "paused"),
    SymbolState.DISABLED: Look("off", "offline", "disabled"),
    SymbolState.NOT_WATCHED: Look("off", "unwatched", "not watched"),
    SymbolState.OFFLINE: Look("off", "offline", "no runtime"),
    SymbolState.UNKNOWN_THERE: Look("bad", "x", "not on exchange"),
    SymbolState.DISABLED_THERE: Look("bad", "x", "closed on exchange"),
    UNKNOWN: Look("off", "unknown", "unknown"),
}
IMPORT_LOOKS: Final[Mapping[Outcome, Look]] = {
    Outcome.ADDED: Look("ok", "plus", "will be added"),
    Outcome.RE_ENABLED: Look("ok", "play", "will be enabled again"),
    Outcome.CHANGED: Look("ok", "reload", "will be changed"),
    Outcome.ALREADY_THERE: Look("off", "ok", "already on the list"),
    Outcome.TWICE: Look("warn", "stale", "twice in this list"),
    Outcome.UNKNOWN: Look("bad", "x", "not on the exchange"),
    Outcome.DISABLED: Look("bad", "x", "cannot be watched"),
    Outcome.EXCHANGE_NOT_ENABLED: Look("bad", "x", "exchange is off"),
    Outcome.NO_ROOM: Look("bad", "x", "no room"),
    Outcome.MALFORMED: Look("bad", "x", "cannot be read"),
}
# Two letters of each stage, for a cell as wide as a thumb.
STAGES: Final[Mapping[str, str]] = {
    "risk-overbought": "OB",
    "risk-oversold": "OS",
    "rallying": "Ra",
    "rebounding": "Rb",
    "retracing": "Rt",
    "reversing": "Rv",
    "ranging": "Rg",
}
LIQUIDITY: Final = ("unknown", "low", "medium", "high")
HIGH: Final = "high"  # as the status leaves it out


class StageCell(NamedTuple):
    """One timeframe of a symbol."""

    timeframe: str
    cell: Cell
    letters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table.

    Args:
        also: Its related markets, in words.
        note: What stands under the state's word; not what is said above the table for many.
    """

    report: SymbolReport
    state: str
    look: Look
    cells: tuple[StageCell, ...]
    ticker: Ticker | None
    also: tuple[str, ...] = ()
    note: str = ""

    @property
    def key(self) -> str:
        """What names the row in forms and in the page's modules."""
        return key_of(self.report.market)

    @property
    def liquidity_word(self) -> str:
        """How much of its time it is traded at all, by the shortest timeframe that tells."""
        known = [one.cell for one in self.cells if one.cell.stage or one.cell.liquidity]
        return (known[0].liquidity or HIGH) if known else LIQUIDITY[0]

    @property
    def liquidity(self) -> int:
        """The same as bars, 0 to 3."""
        return LIQUIDITY.index(self.liquidity_word)


def key_of(market: Market) -> str:
    """What names a market in a form."""
    return f"{market.exchange}:{market.symbol}"


def market_of(key: str) -> Market | None:
    """The market that a form names; None if that is no such name."""
    exchange, separator, symbol = key.partition(":")
    return Market(exchange, symbol) if separator and exchange and symbol else None


def context(user: User, heard: Heard, *, is_asked: bool) -> dict[str, Any]:
    """Everything that the page's template asks for.

    Args:
        heard: What is known of the runtime.
        is_asked: Whether the exchanges are asked for their figures.
    """
    try:
        document = services.read(user.pk).document
    except SettingsError as exc:
        return {"trouble": str(exc), "lines": [], "beside": [], "boot": None}
    reports = _reports(user)
    markets = own_markets(user)
    figures = asked_figures(markets) if is_asked else kept_figures(markets)
    timeframes = heard.status.timeframes if heard.status else list(ALL_TIMEFRAMES)
    linked = related(document, markets)
    lines = _lines(_known(document, reports), figures, linked, timeframes)
    return {
        "is_known": reports is not None,
        "lines": [line for line in lines if line.report.row is not None],
        "beside": [line for line in lines if line.report.row is None],
        "figures_at": _oldest(figures),
        "notes": [*_said_once(lines), *(one.note for one in figures.sources if one.note)],
        "timeframes": timeframes,
        "looks": [(state, look) for state, look in LOOKS.items() if state != UNKNOWN],
        "stages": STAGES,
        "categories": categories_of(document),
        "exchanges": exchanges_of(document),
        "boot": _boot(heard, lines, figures, linked, timeframes),
    }


def categories_of(document: Settings) -> list[str]:
    """Every category of the watchlist, in the order of the alphabet."""
    return sorted({one for row in document.watchlist for one in row.categories})


def exchanges_of(document: Settings) -> list[str]:
    """The exchanges on which something can be watched, the primary one first."""
    enabled = [
        str(name)
        for name, exchange in document.exchanges.items()
        if exchange.enabled and name in settings.EXCHANGES
    ]
    primary = document.perseus_profile.primary_exchange
    return sorted(enabled, key=lambda name: name != primary)


def _reports(user: User) -> list[SymbolReport] | None:
    """How each symbol is doing; None where that cannot be known."""
    try:
        return symbols_of(user)
    except (RedisError, ValidationError) as exc:  # away, or a worker speaks another version
        log.warning("symbols.status_unknown", sub=user.sub, reason=str(exc))
        return None


def _known(
    document: Settings, reports: list[SymbolReport] | None
) -> list[tuple[str, SymbolReport]]:
    """Each symbol with its state; the stored watchlist where that cannot be known."""
    if reports is not None:
        return [(str(one.state), one) for one in reports]
    stored = (
        SymbolReport(
            market=Market(row.exchange, row.symbol),
            state=SymbolState.OFFLINE,
            row=at,
            enabled=row.enabled,
            categories=tuple(row.categories),
        )
        for at, row in enumerate(document.watchlist)
    )
    return [(UNKNOWN, one) for one in stored]


def _lines(
    known: Iterable[tuple[str, SymbolReport]],
    figures: Figures,
    linked: Related,
    timeframes: Sequence[str],
) -> list[Line]:
    known = list(known)
    labels = {source.exchange: source.label for source in linked.sources}
    common = _common((state, report.detail) for state, report in known)
    return [
        Line(
            report=report,
            state=state,
            look=LOOKS[state],
            cells=tuple(_cell(report, timeframe) for timeframe in timeframes),
            ticker=figures.tickers.get(report.market),
            also=tuple(_also(one, labels) for one in linked.of.get(report.market, ())),
            note="" if (state, report.detail) in common else _note(report),
        )
        for state, report in known
    ]


def _common(told: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """The sentences that so many rows share that they are said once; of how many rows each is."""
    counts = Counter(told)
    return {
        (state, detail): count
        for (state, detail), count in counts.items()
        if detail and count > COMMON and state != SymbolState.DISABLED
    }


def _said_once(lines: Iterable[Line]) -> list[str]:
    common = _common((line.state, line.report.detail) for line in lines)
    return [f"{count} {LOOKS[state].word}: {detail}" for (state, detail), count in common.items()]


def _note(report: SymbolReport) -> str:
    if report.state is SymbolState.DISABLED:
        return ""  # the switch beside it says why
    progress = report.progress
    return report.detail if progress is None else f"{progress.bars:,} of {progress.total:,} bars"


def _cell(report: SymbolReport, timeframe: str) -> StageCell:
    cell = report.cells.get(timeframe) or Cell()
    return StageCell(timeframe, cell, STAGES.get(cell.stage or "", ""))


def _also(one: Equivalent, labels: Mapping[str, str]) -> str:
    """A related market in words; the same as in ``js/symbols/words.js``."""
    market, listed = one.instrument.market, one.instrument
    text = f"{listed.native_id} on {labels.get(market.exchange, market.exchange)}, {one.note}"
    return f"{text}, on your list" if one.is_on_watchlist else text


def _oldest(figures: Figures) -> int | None:
    """When the oldest of the figures were told, unix milliseconds; None where there are none."""
    told = [source.read_at for source in figures.sources if source.read_at is not None]
    return round(min(told) * 1_000) if told else None


def _boot(
    heard: Heard,
    lines: Sequence[Line],
    figures: Figures,
    linked: Related,
    timeframes: Sequence[str],
) -> dict[str, Any]:
    """What the page's modules begin with. The runtime's status comes by the socket."""
    return {
        "reachable": heard.is_reachable,
        "symbols": [
            {**_told(SymbolAnswer.of(line.report, linked), "equivalents"), "state": line.state}
            for line in lines
        ],
        "figures": _told(FiguresAnswer.of(figures)),
        "timeframes": list(timeframes),
        "looks": {state: list(look) for state, look in LOOKS.items()},
        "stages": dict(STAGES),
        "labels": {source.exchange: source.label for source in linked.sources},
        "imports": {str(outcome): list(look) for outcome, look in IMPORT_LOOKS.items()},
    }


def _told(answer: Answer, *without: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=set(without)
    )
    return told
