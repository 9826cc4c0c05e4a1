"""The names most like one that is wrong, asked a thousand times of a thousand names.

Rule 1: where :func:`trading.core.search.nearest` compares with every name, this compares with those
    that share pairs of letters of the base, so that a file of wrong names takes no minute.
"""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable

from trading.core.search import NEAREST

COMPARED = 40
"""Of those that share most; a name of five letters with one wrong shares four pairs of six."""


class NearNames:
    """Canonical symbols, by the pairs of letters that their bases have.

    Args:
        symbols: Those that may be proposed; the earlier goes first where two are alike.
    """

    def __init__(self, symbols: Iterable[str]) -> None:
        self._by_pair: defaultdict[str, list[str]] = defaultdict(list)
        for symbol in symbols:
            for pair in _pairs(symbol):
                self._by_pair[pair].append(symbol)

    def of(self, symbol: str) -> list[str]:
        """The names most like this one, the nearest first; few or none."""
        shared = Counter(name for pair in _pairs(symbol) for name in self._by_pair.get(pair, ()))
        likeliest = [name for name, _ in shared.most_common(COMPARED)]
        return difflib.get_close_matches(symbol, likeliest, n=NEAREST)


def _pairs(symbol: str) -> set[str]:
    """Neighbouring letters of the base; its beginning and its end count as letters."""
    base = f"^{symbol.partition('-')[0]}$"
    return {base[at : at + 2] for at in range(len(base) - 1)}
