"""Finding an instrument by what a person types of it, and the nearest names to one that is wrong.

Rule 1: what fits better comes first; of what fits alike, what can be watched before what cannot,
    and then that in which more is traded.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from trading.core.market import Instrument, Ticker

_SEPARATORS = str.maketrans("", "", "-/_ ")
NEAREST = 3


def search(
    instruments: Iterable[Instrument],
    query: str,
    *,
    tickers: Mapping[str, Ticker] | None = None,
    limit: int = 20,
) -> list[Instrument]:
    """Those that fit, the best first.

    Args:
        instruments: Of one exchange or several.
        query: Part of a symbol, a base, a quote or a name, in any case: ``btc``, ``BTC/EUR``,
            ``bitcoin``. An empty one fits everything.
        tickers: What each did in a day, by canonical symbol.
        limit: How many at most.
    """
    wanted = query.strip().casefold()
    known = tickers or {}
    ranked = [
        (fit, not one.streamable, -_volume(known.get(one.market.symbol)), place, one)
        for place, one in enumerate(instruments)
        if (fit := _fit(one, wanted)) is not None
    ]
    ranked.sort(key=lambda entry: entry[:4])
    return [one for *_, one in ranked[:limit]]


def nearest(symbol: str, symbols: Collection[str]) -> list[str]:
    """The canonical names most like one that is not among them, in any case; few or none."""
    return difflib.get_close_matches(symbol.upper(), symbols, n=NEAREST)


def _fit(one: Instrument, wanted: str) -> int | None:
    """How well it fits, 0 the best; None if not at all."""
    symbol, base, name = one.market.symbol.casefold(), one.base.casefold(), one.name.casefold()
    joined = wanted.translate(_SEPARATORS)
    tests = (
        wanted in {symbol, base} or joined == symbol.translate(_SEPARATORS),
        bool(wanted) and name == wanted,  # some have no name
        base.startswith(wanted),
        bool(joined) and symbol.translate(_SEPARATORS).startswith(joined),
        any(word.startswith(wanted) for word in name.split()),
        one.quote.casefold() == wanted,
        wanted in symbol or wanted in name,
    )
    return next((rank for rank, fits in enumerate(tests) if fits), None)


def _volume(ticker: Ticker | None) -> float:
    return 0.0 if ticker is None else ticker.quote_volume_24h or 0.0
