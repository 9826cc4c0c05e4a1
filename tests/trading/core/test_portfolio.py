"""From balances to positions: every reason to leave one out, and what of the known ones changes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.market import Instrument, Market
from trading.core.portfolio import (
    Balance,
    Found,
    Known,
    LeftOut,
    Portfolio,
    changes,
    in_words,
    portfolio,
)

ONE = Decimal(1)


def market(symbol: str) -> Market:
    return Market("coinbase", symbol)


def listed(
    symbol: str, price: float | None = 1.0, *, trades: bool = True, alias_of: str | None = None
) -> Instrument:
    base, _, quote = symbol.partition("-")
    return Instrument(
        market=market(symbol),
        base=base,
        quote=quote,
        price_increment="0.01",
        base_increment="0.01",
        streamable=trades,
        alias_of=alias_of,
        price=price,
    )


LISTING = (
    listed("BTC-EUR", 75_000.0),
    listed("BTC-USDC", 83_000.0, alias_of="BTC-USD"),
    listed("BTC-USD", 83_000.0),
    listed("ETH-USD", 2_500.0),
    listed("USDT-USD", 1.0),
    listed("USDC-EUR", 0.8),
    listed("OLD-USD", 5.0, trades=False),
    listed("NEW-USD", None),
    listed("ODD-EUR", 8.0),
    listed("SAT-BTC", 0.001),
)


def found_in(
    *balances: tuple[str, str] | Balance,
    listing: Sequence[Instrument] = LISTING,
    minimum: str = "1",
    known: Sequence[str] = (),
    named: Sequence[str] = (),
) -> Portfolio:
    return portfolio(
        [one if isinstance(one, Balance) else Balance(one[0], Decimal(one[1])) for one in balances],
        listing,
        minimum_usd=Decimal(minimum),
        known=[market(symbol) for symbol in known],
        named=[market(symbol) for symbol in named],
    )


def symbols(found: Portfolio) -> list[str]:
    return [one.market.symbol for one in found.positions]


def test_the_accounts_of_a_currency_are_summed_to_the_last_digit() -> None:
    (btc,) = found_in(("BTC", "0.1"), ("ETH", "0"), ("BTC", "0.000000000000000002")).positions
    assert btc.market == market("BTC-USD")
    assert btc.quantity == Decimal("0.100000000000000002")
    assert btc.worth_usd == btc.quantity * 83_000


@pytest.mark.parametrize("currency", ["USD", "EUR", "USDC", "USDT", "DAI", "EURC", "PYUSD"])
def test_money_is_no_position(currency: str) -> None:
    found = found_in((currency, "1000"), listing=[*LISTING, listed(f"{currency}-USD")])
    assert found.positions == ()
    assert found.left_out == {currency: LeftOut.MONEY}


def test_what_the_exchange_calls_fiat_is_none_whatever_its_name() -> None:
    fiat = Balance("BTC", ONE, is_fiat=True)
    assert found_in(fiat).positions == ()
    assert symbols(found_in(fiat, ("ETH", "1"))) == ["ETH-USD"]


@pytest.mark.parametrize(
    ("amount", "minimum", "is_kept"),
    [
        ("0.0004", "1", True),  # of ETH at 2,500: exactly the minimum
        ("0.00039", "1", False),
        ("0.00039", "0", True),
        ("0.0000000000000000001", "0", False),  # less than can be written down
        ("100", "250000.01", False),
        ("-1", "0", False),
        ("0", "0", False),
    ],
)
def test_what_is_worth_less_than_the_minimum_is_left_out(
    amount: str, minimum: str, is_kept: bool
) -> None:
    assert bool(found_in(("ETH", amount), minimum=minimum).positions) is is_kept


@pytest.mark.parametrize(
    ("amount", "is_kept"), [("0.0003", True), ("0.0002", True), ("0.00019", False)]
)
def test_position_on_record_that_falls_stays_until_half_the_minimum(
    amount: str, is_kept: bool
) -> None:
    assert bool(found_in(("ETH", amount), known=["ETH-USD"]).positions) is is_kept
    assert not found_in(("ETH", amount)).positions


def test_holding_that_cannot_be_written_down_keeps_no_other_from_being_read() -> None:
    found = found_in(("ODD", "1e20"), ("ETH", "1"))
    assert symbols(found) == ["ETH-USD"]
    (told,) = in_words(found, (), exchange="Coinbase", minimum_usd=ONE)
    assert told == "Left out: more than can be written down of ODD."


def test_what_no_market_trades_is_left_out_and_said() -> None:
    found = found_in(("OLD", "10"), ("REN", "10"))
    assert found.positions == ()
    assert found.not_traded == ("OLD", "REN")
    (told,) = in_words(found, (), exchange="Coinbase", minimum_usd=ONE)
    assert told == "Left out: Coinbase does not trade OLD, REN."


def test_a_known_position_outlasts_a_break_in_trading_but_not_the_end_of_its_listing() -> None:
    assert symbols(found_in(("OLD", "10"), known=["OLD-USD"])) == ["OLD-USD"]
    assert symbols(found_in(("REN", "10"), known=["REN-USD"])) == []
    assert symbols(found_in(("OLD", "10"), named=["OLD-USD"])) == []


def test_what_is_worth_nobody_knows_what_is_kept_and_said() -> None:
    found = found_in(("NEW", "0.001"))
    assert [one.worth_usd for one in found.positions] == [None]
    (told,) = in_words(found, (), exchange="Coinbase", minimum_usd=ONE)
    assert told == "Kept, though nobody says what it is worth: NEW-USD."


@pytest.mark.parametrize(
    ("known", "named", "expected"),
    [
        ([], [], "BTC-USD"),
        (["BTC-EUR"], [], "BTC-EUR"),
        ([], ["BTC-EUR"], "BTC-EUR"),
        (["BTC-EUR", "BTC-USD"], [], "BTC-USD"),
        ([], ["BTC-USDC"], "BTC-USDC"),
        ([], ["BTC-GBP"], "BTC-USD"),
    ],
)
def test_an_asset_is_read_in_the_market_that_is_named_already(
    known: list[str], named: list[str], expected: str
) -> None:
    assert symbols(found_in(("BTC", "1"), known=known, named=named)) == [expected]


def test_what_trades_goes_before_what_is_known() -> None:
    listing = [listed("BTC-USD", 83_000.0), listed("BTC-EUR", 75_000.0, trades=False)]
    assert symbols(found_in(("BTC", "1"), listing=listing, known=["BTC-EUR"])) == ["BTC-USD"]


def test_worth_is_found_through_another_currency() -> None:
    found = {
        one.market.symbol: one.worth_usd for one in found_in(("ODD", "1"), ("SAT", "1")).positions
    }
    assert found == {"ODD-EUR": 10, "SAT-BTC": 83}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BTC", "ETH", "OLD", "NEW", "REN", "USD", "USDC", "ODD"]),
            st.decimals(0, 10**12, places=18),
        )
    )
)
def test_the_order_of_the_accounts_is_of_no_account(held: list[tuple[str, Decimal]]) -> None:
    one = [Balance(currency, amount) for currency, amount in held]
    there = portfolio(one, LISTING, minimum_usd=ONE)
    back = portfolio(one[::-1], LISTING[::-1], minimum_usd=ONE)
    assert there == back
    assert all(found.quantity > 0 for found in there.positions)


# ---------------------------------------------------------------------------- what changes


def known(symbol: str, quantity: str, *, by_hand: bool = False) -> Known:
    return Known(market(symbol), Decimal(quantity), by_hand)


def one(symbol: str, quantity: str) -> Found:
    return Found(market=market(symbol), quantity=Decimal(quantity), worth_usd=None)


def test_only_what_is_different_changes() -> None:
    record = [known("BTC-USD", "1"), known("ETH-USD", "2"), known("SOL-USD", "3")]
    found = [one("BTC-USD", "1.000"), one("ETH-USD", "2.5"), one("XRP-USD", "4")]
    made = changes(record, found)
    assert made.opened == (one("XRP-USD", "4"),)
    assert made.resized == (one("ETH-USD", "2.5"),)
    assert made.closed == (market("SOL-USD"),)
    assert not made.is_empty


def test_another_quantity_is_a_change_and_the_same_written_otherwise_is_none() -> None:
    made = changes([known("BTC-USD", "1")], [one("BTC-USD", "2")])
    assert not made.is_empty
    assert changes([known("BTC-USD", "1")], [one("BTC-USD", "1.0")]).is_empty


def test_what_was_entered_by_hand_stands_and_a_difference_is_said() -> None:
    record = [known("BTC-USD", "1", by_hand=True), known("ETH-USD", "2", by_hand=True)]
    made = changes(record, [one("BTC-USD", "7")])
    assert made.is_empty
    (told,) = in_words(
        Portfolio(positions=(), left_out={}),
        made.overruled,
        exchange="Coinbase",
        minimum_usd=ONE,
    )
    assert told == "BTC-USD stays at 1 as entered by hand; Coinbase counts 7."
    assert changes(record, [one("BTC-USD", "1.0")]).overruled == ()


@given(
    st.dictionaries(st.sampled_from("ABCDEF"), st.tuples(st.integers(1, 3), st.booleans())),
    st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 3)),
)
def test_made_changes_leave_nothing_to_change(
    record: dict[str, tuple[int, bool]], held: dict[str, int]
) -> None:
    before = [known(f"{b}-USD", str(n), by_hand=hand) for b, (n, hand) in record.items()]
    found = [one(f"{b}-USD", str(n)) for b, n in held.items()]
    made = changes(before, found)
    after = {position.market: position for position in before}
    for gone in made.closed:
        assert not after.pop(gone).by_hand
    for each in (*made.opened, *made.resized):
        assert each.market not in after or not after[each.market].by_hand
        after[each.market] = Known(each.market, each.quantity, by_hand=False)
    assert changes(after.values(), found).is_empty
    assert {m for m, kept in after.items() if not kept.by_hand} <= {f.market for f in found}
