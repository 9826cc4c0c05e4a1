"""What the owner of a simulated key holds: some of everything that a monitor must cope with.

Rule 1: a pure function of the seed and the listing; amounts are integers (steps) like all others.

Large and small coins, dust worth less than a cent, stablecoins, fiat, a part set aside for open
orders, a vault beside an account of the same currency, something that is no longer traded, and an
empty account for everything else that is listed, as the exchange opens one for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from trading.simulator.catalog import Product
from trading.simulator.chance import key
from trading.simulator.steps import Step

Kind = Literal["crypto", "fiat", "vault"]

# Base: what is held of it, in US dollars.
_WORTH_USD: Mapping[str, float] = {
    "BTC": 24_000.0,
    "ETH": 11_000.0,
    "SOL": 3_500.0,
    "LINK": 900.0,
    "DOGE": 250.0,
    "SHIB": 60.0,
    "USDT": 1_200.0,
    "XLM": 0.004,
    "RARI": 0.004,
}
_VAULT_OF, _VAULT_WORTH_USD = "BTC", 8_000.0
_ON_HOLD = {"ETH": 4, "USDC": 5}  # one in so many is set aside
_DELISTED_WORTH_USD = 40.0
_MONEY: tuple[tuple[str, Kind, str, float], ...] = (
    ("USD", "fiat", "0.01", 5_200.0),
    ("EUR", "fiat", "0.01", 310.0),
    ("USDC", "crypto", "0.000001", 2_400.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One account's balance, in steps of its currency."""

    currency: str
    kind: Kind
    step: Step
    available: int
    hold: int = 0


def holdings(seed: int, listed: Mapping[str, Product]) -> list[Holding]:
    """All accounts of the owner, at most one for each currency and kind."""
    dollar_markets = [
        product
        for product in listed.values()
        if product.kind == "spot" and product.quote == "USD" and product.alias_of is None
    ]
    return [*_money(seed), *(held for product in dollar_markets for held in _of(seed, product))]


def _money(seed: int) -> Iterator[Holding]:
    for currency, kind, step, worth in _MONEY:
        yield _holding(seed, currency, kind, Step(step), worth)


def _of(seed: int, product: Product) -> Iterator[Holding]:
    worth = _WORTH_USD.get(product.base, 0.0)
    if product.state == "delisted":
        worth = _DELISTED_WORTH_USD
    step, price = product.size_step, product.price
    yield _holding(seed, product.base, "crypto", step, worth / price)
    if product.base == _VAULT_OF:
        yield _holding(seed, product.base, "vault", step, _VAULT_WORTH_USD / price)


def _holding(seed: int, currency: str, kind: Kind, step: Step, amount: float) -> Holding:
    """About ``amount``: from half of it to one and a half, by the seed."""
    luck = 0.5 + key(seed, "holding", kind, currency) % 1_000 / 1_000
    total = max(step.count(amount * luck), 1) if amount else 0
    part = _ON_HOLD.get(currency)
    hold = total // part if part and kind != "vault" else 0
    return Holding(currency=currency, kind=kind, step=step, available=total - hold, hold=hold)
