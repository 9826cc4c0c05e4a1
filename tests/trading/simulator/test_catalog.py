"""What is listed."""

from __future__ import annotations

import pytest

from tests.trading.simulator.worlds import LIQUID
from trading.simulator.catalog import products


def test_at_least_five_hundred_products_with_the_well_known_ones_first() -> None:
    listed = products()
    assert len(listed) >= 500
    assert set(LIQUID) <= set(listed)
    assert next(iter(listed)) == "BTC-USD"
    assert sum(product.kind == "future" for product in listed.values()) >= 5


def test_every_alias_follows_its_product() -> None:
    seen: set[str] = set()
    for name, product in products().items():
        assert product.alias_of is None or product.alias_of in seen
        seen.add(name)
    aliases = [p for p in products().values() if p.alias_of]
    assert len(aliases) > 200
    assert all(p.quote == "USDC" and p.alias_of == f"{p.base}-USD" for p in aliases)


def test_dollar_coins_have_a_usdc_market_of_their_own() -> None:
    for name in ("USDT-USDC", "EURC-USDC"):
        assert products()[name].alias_of is None


def test_some_products_cannot_be_traded() -> None:
    states = {product.state for product in products().values()}
    assert states == {"online", "delisted", "disabled", "view_only"}


def test_a_short_listing_keeps_the_best_known() -> None:
    listed = products(30)
    assert sum(product.kind == "spot" for product in listed.values()) == 30
    assert {"BTC-USD", "ETH-USD"} <= listed.keys()


def test_an_exchange_lists_at_least_one_product() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        products(0)


def test_steps_fit_the_prices() -> None:
    for product in products().values():
        steps = product.price / product.price_step.value
        assert steps > 500, product.product_id
        day = product.turnover / product.price / product.size_step.value
        assert product.trades_a_day * 5 < day < 1e15, product.product_id
