"""Which markets of an exchange are worth watching by what is traded in them, and why the others
are not.

Rule 1: pure: a listing, its figures and the wishes in, a proposal out. Nothing is changed by it.
Rule 2: markets are ranked by what was traded in 24 hours in quote currency; of two alike the one
    whose name comes first is before.
Rule 3: what is proposed can be watched: a spot market, open, with an order book of its own, whose
    base is no money. What is on the watchlist already and is none of the best is proposed to go,
    with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading.core.market import Instrument, InstrumentKind, Market, Ticker
from trading.core.money import FIAT, STABLECOINS

MOST_LEFT_OUT: Final = 50
"""Of how many markets that are left out it is told why: those in which most is traded."""


class Verdict(StrEnum):
    """What is proposed for a market."""

    ADD = "add"
    STAYS = "stays"
    REMOVE = "remove"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What somebody wants to be proposed.

    Args:
        exchange: Whose markets.
        quote: The currency that they are priced in.
        top_n: How many at most.
        min_volume_24h_quote: Of which at least so much was traded, quote currency.
        exclude: Canonical symbols that are never proposed.
    """

    exchange: str
    quote: str
    top_n: int
    min_volume_24h_quote: float
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is proposed for one market.

    Args:
        rank: Its place by volume, 1 the best; None where it has none.
        figures: Of the last 24 hours; None where the exchange tells none.
        reason: Why it goes or is left out; empty for one that is among the best.
    """

    market: Market
    verdict: Verdict
    rank: int | None
    figures: Ticker | None
    reason: str = ""

    @property
    def volume(self) -> float | None:
        """What was traded in 24 hours, quote currency."""
        return None if self.figures is None else self.figures.quote_volume_24h


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What is proposed.

    Args:
        rows: The best in their order, then what would go, by rank and name.
        left_out: The others of the quote currency, those with most volume first, bounded.
        left_out_count: How many those are in truth.
        seen: How many markets the exchange lists.
    """

    rows: tuple[Row, ...]
    left_out: tuple[Row, ...]
    left_out_count: int
    seen: int

    def symbols(self, verdict: Verdict) -> tuple[str, ...]:
        """Those with a verdict, in the order of the rows."""
        return tuple(row.market.symbol for row in self.rows if row.verdict is verdict)


def scan(
    instruments: Iterable[Instrument],
    tickers: Iterable[Ticker],
    criteria: Criteria,
    *,
    watched: Collection[str],
) -> Scan:
    """Propose what to watch of an exchange.

    Args:
        instruments: Everything that it lists.
        tickers: Their figures of the last 24 hours.
        watched: Canonical symbols on the watchlist, of this exchange.
    """
    listed = {one.market.symbol: one for one in instruments}
    figures = {one.symbol: one for one in tickers}
    of_quote = [one for one in listed.values() if one.quote == criteria.quote]
    ours = {symbol for symbol in watched if _quote_of(symbol, listed) == criteria.quote}
    ranked = sorted(_comparable(of_quote, figures, criteria), key=_by_volume)
    judged = [
        *_judged(ranked, criteria, ours),
        *_unranked(of_quote, figures, criteria, ours),
        *_delisted(ours - listed.keys(), criteria),
    ]
    kept = [row for row in judged if row.verdict in {Verdict.ADD, Verdict.STAYS}]
    gone = sorted((row for row in judged if row.verdict is Verdict.REMOVE), key=_by_rank)
    left_out = sorted((row for row in judged if row.verdict is Verdict.LEFT_OUT), key=_by_volume)
    return Scan(
        rows=(*kept, *gone),
        left_out=tuple(left_out[:MOST_LEFT_OUT]),
        left_out_count=len(left_out),
        seen=len(listed),
    )


def _comparable(
    of_quote: Iterable[Instrument], figures: Mapping[str, Ticker], criteria: Criteria
) -> Iterator[Row]:
    """Those that have a rank, which they do not know yet."""
    for one in of_quote:
        if not _hindrance(one, figures, criteria):
            symbol = one.market.symbol
            yield Row(market=one.market, verdict=Verdict.ADD, rank=None, figures=figures[symbol])


def _judged(ranked: Iterable[Row], criteria: Criteria, ours: Collection[str]) -> Iterator[Row]:
    for rank, row in enumerate(ranked, start=1):
        reason = ""
        if (row.volume or 0.0) < criteria.min_volume_24h_quote:
            reason = f"its volume is below {criteria.min_volume_24h_quote:,.0f} {criteria.quote}"
        elif rank > criteria.top_n:
            reason = f"rank {rank}, and {criteria.top_n} are wanted"
        yield Row(
            market=row.market,
            verdict=_verdict(is_good=not reason, is_ours=row.market.symbol in ours),
            rank=rank,
            figures=row.figures,
            reason=reason,
        )


def _unranked(
    of_quote: Iterable[Instrument],
    figures: Mapping[str, Ticker],
    criteria: Criteria,
    ours: Collection[str],
) -> Iterator[Row]:
    for one in of_quote:
        if reason := _hindrance(one, figures, criteria):
            symbol = one.market.symbol
            yield Row(
                market=one.market,
                verdict=_verdict(is_good=False, is_ours=symbol in ours),
                rank=None,
                figures=figures.get(symbol),
                reason=reason,
            )


def _delisted(symbols: Iterable[str], criteria: Criteria) -> Iterator[Row]:
    for symbol in symbols:
        yield Row(
            market=Market(criteria.exchange, symbol),
            verdict=Verdict.REMOVE,
            rank=None,
            figures=None,
            reason="the exchange does not list it any more",
        )


def _hindrance(one: Instrument, figures: Mapping[str, Ticker], criteria: Criteria) -> str:
    """Why a market has no rank; empty where it has one."""
    symbol = one.market.symbol
    known = figures.get(symbol)
    if symbol in criteria.exclude:
        return "it is among those that you never want to see"
    if one.kind is not InstrumentKind.SPOT:
        return f"it is a {one.kind}, no spot market"
    if one.alias_of is not None:
        return f"it shares the order book of {one.alias_of}"
    if one.base in STABLECOINS or one.base in FIAT:
        return f"{one.base} is money"
    if not one.streamable:
        return f"it cannot be watched: {one.status}" if one.status else "it cannot be watched now"
    if known is None or known.quote_volume_24h is None:
        return "the exchange does not tell what is traded in it"
    return ""


def _verdict(*, is_good: bool, is_ours: bool) -> Verdict:
    if is_good:
        return Verdict.STAYS if is_ours else Verdict.ADD
    return Verdict.REMOVE if is_ours else Verdict.LEFT_OUT


def _quote_of(symbol: str, listed: Mapping[str, Instrument]) -> str:
    one = listed.get(symbol)
    return symbol.rpartition("-")[2] if one is None else one.quote


def _by_volume(row: Row) -> tuple[float, str]:
    volume = row.volume
    return (1.0 if volume is None else -volume, row.market.symbol)


def _by_rank(row: Row) -> tuple[bool, int, str]:
    return (row.rank is None, row.rank or 0, row.market.symbol)
