"""Which markets are about the same coin, in money that is worth the same: related, never equal.

Rule 1: the coin and the money are read off what exchanges list. No name is cut apart.
Rule 2: a token that is pegged to a money stands beside it; it may lose its peg. Whoever shows a
    related market says what it is priced in.
Rule 3: a coin is the same only by its name: ``1000SATS`` is another unit than ``SATS``, and other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from trading.core.market import Instrument, InstrumentKind, Market
from trading.core.money import PEGS

COINS: Final[Mapping[str, str]] = MappingProxyType({"XBT": "BTC", "BCHSV": "BSV"})
"""Other names of coins that are in use everywhere, to the usual one. What only one exchange calls
otherwise is a matter of its own folder."""

_MONEY: Final = {token: money for money, tokens in PEGS.items() for token in tokens}


class Quoted(StrEnum):
    """In what a related market is priced, beside the one that it is related to."""

    SAME = "same"  # in the very same money
    PEGGED = "pegged"  # in another that is worth the same while a peg holds


def coin(name: str) -> str:
    """The usual name of a coin."""
    return COINS.get(name, name)


def money(quote: str) -> str:
    """The money that a quote is or is pegged to; itself where that is none: ``ETH-BTC``."""
    return _MONEY.get(quote, coin(quote))


def quoted(one: Instrument, other: Instrument) -> Quoted:
    """How the prices of two related markets compare."""
    return Quoted.SAME if coin(one.quote) == coin(other.quote) else Quoted.PEGGED


class Equivalents:
    """The related markets of everything that some exchanges list.

    Args:
        instruments: What they list; only spot markets are compared.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._listed: dict[Market, Instrument] = {}
        self._alike: defaultdict[tuple[str, str], list[Instrument]] = defaultdict(list)
        for one in instruments:
            if one.kind is InstrumentKind.SPOT:
                self._listed[one.market] = one
                self._alike[_what(one)].append(one)

    def of(self, market: Market) -> list[tuple[Instrument, Quoted]]:
        """Its related markets: those priced in the same first, then as exchanges list them.

        There are none of what is not listed: nobody knows what that is made of.
        """
        one = self._listed.get(market)
        if one is None:
            return []
        others = (other for other in self._alike[_what(one)] if other.market != market)
        related = [(other, quoted(one, other)) for other in others]
        return sorted(related, key=lambda pair: pair[1] is not Quoted.SAME)


def _what(one: Instrument) -> tuple[str, str]:
    return coin(one.base), money(one.quote)
