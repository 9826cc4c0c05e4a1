"""Sums of decimals without an error in the last digit: of floats on the tick path, and of balances.

Rule 1: a float parsed from a decimal of at most 15 significant digits still knows that decimal:
    it is the shortest one that reads back as the same float. So a size can be counted in whole
    units of its last digit, added as an integer, and divided once.
Rule 2: no ``Decimal`` where a trade passes; only where a size shows more digits than any before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, Inexact
from math import isfinite

USUAL_DECIMALS = 8
_USUAL_SCALE: int = 10**USUAL_DECIMALS

_CERTAIN = 10**15
"""Below it no two decimals share a float, so the units that divide back are the right ones."""


MOST_EXPONENT = 64
"""Digits that a balance may have before the point, and behind it: far above any currency's."""

# Room for a sum of any number of such balances. The default context would round to 28 digits,
# which a token of 18 decimals exceeds; in this one a rounding is an error.
_EXACT = Context(prec=4 * MOST_EXPONENT, traps=[Inexact])


def exact_total(values: Iterable[Decimal]) -> Decimal:
    """The sum of balances, to the last digit."""
    total = Decimal()
    for value in values:
        total = _EXACT.add(total, value)
    return total


def exact_sum(values: Sequence[float]) -> float:
    """The float nearest to the exact sum of decimals, in one go; see :class:`ExactSum`.

    Raises:
        ValueError: If one is not finite.
    """
    units: int = 0
    for value in values:
        own = round(value * _USUAL_SCALE) if isfinite(value) else _CERTAIN
        if own >= _CERTAIN or own / _USUAL_SCALE != value:
            break
        units += own
    else:
        return units / _USUAL_SCALE
    total = ExactSum()
    for value in values:
        total.add(value)
    return total.total


class ExactSum:
    """A running sum of decimals; :attr:`total` is the float nearest to their exact sum."""

    __slots__ = ("_decimals", "_scale", "_units")

    def __init__(self, decimals: int = USUAL_DECIMALS) -> None:
        self._decimals = decimals
        self._scale: int = 10**decimals
        self._units = 0

    def add(self, value: float) -> None:
        """Add one value.

        Raises:
            ValueError: If it is not finite.
        """
        if not isfinite(value):
            raise ValueError(f"value must be finite, was {value}")
        units = round(value * self._scale)
        if units < _CERTAIN and units / self._scale == value:
            self._units += units
        else:
            self._add_digits(Decimal(repr(value)))

    @property
    def total(self) -> float:
        """The sum. The quotient of two integers is the one rounding there is."""
        return self._units / self._scale

    def _add_digits(self, value: Decimal) -> None:
        more = max(0, -int(value.as_tuple().exponent) - self._decimals)
        self._decimals += more
        self._scale *= 10**more
        self._units = self._units * 10**more + int(value.scaleb(self._decimals))
