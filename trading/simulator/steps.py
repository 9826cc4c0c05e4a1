"""Integers inside, decimal text outside: a count of steps and how an exchange writes it.

Rule 1: no float and no ``Decimal`` on the way; the text is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Step:
    """The smallest step of a price or a size, as its decimal text (``"0.01"``, ``"5"``)."""

    text: str

    @cached_property
    def decimals(self) -> int:
        """Digits behind the point."""
        return len(self.text.partition(".")[2])

    @cached_property
    def units(self) -> int:
        """The step in units of its last digit: 1 for ``"0.01"``, 5 for ``"0.05"``."""
        return int(self.text.replace(".", ""))

    @cached_property
    def value(self) -> float:
        """The step as a number."""
        return float(self.text)

    def write(self, count: int) -> str:
        """``count`` steps as decimal text, zeros at the end trimmed as Coinbase trims them."""
        units = count * self.units
        if not self.decimals:
            return str(units)
        digits = str(units).rjust(self.decimals + 1, "0")
        fraction = digits[-self.decimals :].rstrip("0")
        whole = digits[: -self.decimals]
        return f"{whole}.{fraction}" if fraction else whole

    def count(self, value: float) -> int:
        """The nearest number of steps in ``value``."""
        return round(value / self.value)

    @classmethod
    def of_exponent(cls, exponent: int) -> Step:
        """The step of ten to the ``exponent``."""
        return cls(str(10**exponent) if exponent >= 0 else f"0.{'0' * (-exponent - 1)}1")
