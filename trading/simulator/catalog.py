"""What the simulated exchange lists: names, steps, sizes and the first day of each product.

Rule 1: facts only. How a price moves is ``days`` and ``minutes``; how a product is written on
    the wire is the venue's.
Rule 2: the order is the order of the listing: dollar markets first, each with its alias, the
    most traded assets before the others.

``assets.csv`` holds real names with invented but plausible prices, turnovers and dates.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources

from trading.simulator.steps import Step

SECONDS_A_DAY = 86_400
# One minute's typical step as a fraction of the price; a day then moves some three percent.
VOLATILITY = 0.0005
_VOLATILITY_OF_STABLE = 0.000_006
_STABLE = frozenset({"DAI", "EURC", "PAX", "PYUSD", "USDS", "USDT"})
_FULL_PRECISION = frozenset({"BTC", "ETH", "SOL"})  # 8 decimals of size, as Coinbase has them

_QUOTES = {
    "USD": "US Dollar",
    "USDC": "USDC",
    "USDT": "Tether",
    "EUR": "Euro",
    "GBP": "British Pound",
    "BTC": "Bitcoin",
}
_MONEY = frozenset({"USD", "USDC", "USDT", "EUR", "GBP"})  # at constant rates
_IN_USD = {"USD": 1.0, "USDC": 1.0, "USDT": 1.0, "EUR": 1.16, "GBP": 1.31, "BTC": 83_000.0}
# Which share of the dollar book's turnover a second quote has, and how many assets have it.
_MORE_QUOTES = {"EUR": (0.06, 32), "GBP": (0.03, 18), "USDT": (0.05, 24), "BTC": (0.04, 16)}
_ALIASED = 250
_FUTURES = (
    ("BIP-20DEC30-CDE", "BTC", "BTC PERP", "5"),
    ("ETP-20DEC30-CDE", "ETH", "ETH PERP", "0.5"),
    ("BIT-25DEC26-CDE", "BTC", "BTC 25 DEC 26", "5"),
    ("ET-25DEC26-CDE", "ETH", "ETH 25 DEC 26", "0.5"),
    ("BTC-PERP-INTX", "BTC", "BTC PERP", "0.1"),
    ("ETH-PERP-INTX", "ETH", "ETH PERP", "0.01"),
    ("SOL-PERP-INTX", "SOL", "SOL PERP", "0.01"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One listed product. Prices are quote currency for one base unit."""

    product_id: str
    base: str
    quote: str
    base_name: str
    quote_name: str
    display_name: str
    kind: str  # "spot" or "future"
    price: float  # the level its price hovers about
    volatility: float  # a typical minute's step, as a fraction of the price
    turnover: float  # quote currency in a typical day, one whole unit a contract
    trades_a_day: int
    price_step: Step
    size_step: Step
    first_day: int  # days since 1970 (UTC)
    course: str  # the dollar market whose course this one follows; its own id if it is that market
    quote_course: str | None = None  # the same of its quote, None where that is money
    last_day: int | None = None  # the first day on which it no longer trades
    state: str = "online"  # online, delisted, disabled or view_only
    contract: float = 1.0  # units of the base in one size unit: below 1 for small futures
    alias_of: str | None = None  # the product whose book and trades this one shows

    @property
    def book(self) -> str:
        """The product whose trades these are."""
        return self.alias_of or self.product_id


@dataclass(frozen=True, slots=True)
class _Asset:
    base: str
    name: str
    price_usd: float
    volume_usd: float
    first_day: int
    last_day: int | None
    state: str


def products(limit: int | None = None) -> Mapping[str, Product]:
    """Everything listed, by id and in order; at most ``limit`` spot products.

    A product stands before its aliases, so a short listing has no alias without its product.

    Raises:
        ValueError: If ``limit`` is less than 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"the number of products must be at least 1, was {limit}")
    assets = list(enumerate(_assets()))
    markets = [
        *(product for rank, asset in assets for product in _dollar_markets(asset, rank)),
        *(product for rank, asset in assets for product in _other_markets(asset, rank)),
    ]
    listed = {product.product_id: product for product in markets[:limit]}
    for product_id, base, display_name, step in _FUTURES:
        spot = listed.get(f"{base}-USD")
        if spot is not None:
            listed[product_id] = _future(spot, product_id, display_name, step)
    return listed


def _assets() -> Iterator[_Asset]:
    source = resources.files("trading.simulator").joinpath("assets.csv")
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        yield _Asset(
            base=row["base"],
            name=row["name"],
            price_usd=float(row["price_usd"]),
            volume_usd=float(row["volume_usd"]),
            first_day=_day(row["first_day"]),
            last_day=_day(row["last_day"]) if row["last_day"] else None,
            state=row["state"] or ("delisted" if row["last_day"] else "online"),
        )


def _day(text: str) -> int:
    opened = datetime.combine(date.fromisoformat(text), datetime.min.time(), tzinfo=UTC)
    return int(opened.timestamp()) // SECONDS_A_DAY


def _dollar_markets(asset: _Asset, rank: int) -> Iterator[Product]:
    yield _spot(asset, "USD", 1.0)
    if asset.base in _STABLE:
        # Dollar-like assets have a USDC book of their own: the exempted ones of the aliasing.
        yield _spot(asset, "USDC", 0.4)
    elif rank < _ALIASED:
        yield _spot(asset, "USDC", 1.0, alias_of=f"{asset.base}-USD")


def _other_markets(asset: _Asset, rank: int) -> Iterator[Product]:
    for quote, (share, ranks) in _MORE_QUOTES.items():
        if rank < ranks and asset.base != quote and asset.price_usd > _IN_USD[quote] * 1e-6:
            yield _spot(asset, quote, share)


def _spot(asset: _Asset, quote: str, share: float, alias_of: str | None = None) -> Product:
    price = asset.price_usd / _IN_USD[quote]
    turnover_usd = asset.volume_usd * share
    return Product(
        product_id=f"{asset.base}-{quote}",
        base=asset.base,
        quote=quote,
        base_name=asset.name,
        quote_name=_QUOTES[quote],
        display_name=f"{asset.base}-{quote}",
        kind="spot",
        price=price,
        volatility=_VOLATILITY_OF_STABLE if asset.base in _STABLE else VOLATILITY,
        turnover=turnover_usd / _IN_USD[quote],
        trades_a_day=_trades_a_day(turnover_usd),
        price_step=_price_step(asset.base, price),
        size_step=_size_step(asset),
        first_day=asset.first_day,
        course=f"{asset.base}-USD",
        quote_course=None if quote in _MONEY else f"{quote}-USD",
        last_day=asset.last_day,
        state=asset.state,
        alias_of=alias_of,
    )


def _future(spot: Product, product_id: str, display_name: str, step: str) -> Product:
    contract = 0.01 if product_id.endswith("-CDE") else 1.0
    return Product(
        product_id=product_id,
        base="",
        quote="USD",
        base_name="",
        quote_name="US Dollar",
        display_name=display_name,
        kind="future",
        price=spot.price,
        volatility=spot.volatility,
        turnover=spot.turnover * 0.4 / contract,
        trades_a_day=spot.trades_a_day // 20,
        price_step=Step(step),
        size_step=Step("1") if contract < 1.0 else Step("0.0001"),
        contract=contract,
        course=spot.course,
        first_day=_day("2025-07-21"),
    )


def _trades_a_day(turnover_usd: float) -> int:
    # Between markets the number of trades grows slower than the turnover.
    return max(int(112_000 * (turnover_usd / 4e8) ** 0.647), 24)


def _price_step(base: str, price: float) -> Step:
    """A step of 1 to 10 hundred-thousandths of the price, so that a quiet minute still moves."""
    if base in _STABLE:
        return Step("0.00001")
    if price >= 1_000.0:
        return Step("0.01")
    return Step.of_exponent(max(math.floor(math.log10(price)) - 4, -12))


def _size_step(asset: _Asset) -> Step:
    """A step worth a fraction of a cent, with a day's volume still exact in a float."""
    if asset.base in _FULL_PRECISION:
        return Step("0.00000001")
    return Step.of_exponent(-min(max(math.floor(math.log10(asset.price_usd)) + 5, 0), 8))
