"""Sums of decimals that arrive as floats, without an error in the last digit.

Rule 1: a float parsed from a decimal of at most 15 significant digits still knows that decimal:
    it is the shortest one that reads back as the same float. So a size can be counted in whole
    units of its last digit, added as an integer, and divided once.
Rule 2: no ``Decimal`` where a trade passes; only where a size shows more digits than any before.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

USUAL_DECIMALS = 8

_CERTAIN = 10**15
"""Below it no two decimals share a float, so the units that divide back are the right ones."""


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
