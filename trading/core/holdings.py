"""What is held of a market, and at which prices its owner wants to be told.

Rule 1: the two prices are reckoned in decimals, once; a bar is compared with floats.
Rule 2: a close on one of the prices has passed it: a loss of exactly the stop loss is one.
Rule 3: no cost basis, no prices: what cost nothing or nobody knows what has no holding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Passed(NamedTuple):
    """A close went through one of the two prices, away from the cost basis.

    Args:
        is_gain: Whether it was the take profit; else the stop loss.
        detail: Which one, and how far the close is from the cost basis.
    """

    is_gain: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one position cost, and where its price is told.

    Args:
        cost_basis: Average price paid, quote currency, above zero.
        stop_loss_percentage: Loss to be told of, in percent of the cost basis.
        take_profit_percentage: Gain to be told of, in percent of the cost basis.
        stop_price: The close at which so much is lost, quote currency.
        target_price: The close at which so much is gained, quote currency.
    """

    cost_basis: float
    stop_loss_percentage: float
    take_profit_percentage: float
    stop_price: float
    target_price: float

    @classmethod
    def of(
        cls, cost_basis: Decimal, *, stop_loss_percentage: float, take_profit_percentage: float
    ) -> Holding:
        """A holding with its prices.

        Raises:
            ValueError: If the cost basis is not above zero.
        """
        if cost_basis <= 0:
            raise ValueError(f"cost basis must be above zero, was {cost_basis}")
        loss, gain = Decimal(repr(stop_loss_percentage)), Decimal(repr(take_profit_percentage))
        return cls(
            cost_basis=float(cost_basis),
            stop_loss_percentage=stop_loss_percentage,
            take_profit_percentage=take_profit_percentage,
            stop_price=float(cost_basis * (100 - loss) / 100),
            target_price=float(cost_basis * (100 + gain) / 100),
        )

    def passed(self, before: float, now: float) -> Passed | None:
        """Which of its prices the close went through from one bar to the next, if either."""
        if before > self.stop_price >= now:
            words = f"stop loss of {self.stop_loss_percentage:g} %"
        elif before < self.target_price <= now:
            words = f"take profit of {self.take_profit_percentage:g} %"
        else:
            return None
        change = (now / self.cost_basis - 1.0) * 100.0
        return Passed(now > self.cost_basis, f"through {words}: {change:+.2f} % from cost basis")
