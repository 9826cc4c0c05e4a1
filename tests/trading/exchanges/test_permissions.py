"""A key that may do too much or too little is not used."""

from __future__ import annotations

import pytest

from trading.core.errors import KeyRefused, Rejected
from trading.exchanges.permissions import TRADES, warnings
from trading.exchanges.ports import KeyPermissions


def allowing(*, view: bool = True, trade: bool = False, transfer: bool = False) -> KeyPermissions:
    return KeyPermissions(can_view=view, can_trade=trade, can_transfer=transfer)


def test_key_that_may_only_view_is_taken_without_a_word() -> None:
    assert warnings("coinbase", allowing()) == []


def test_key_that_may_trade_is_taken_with_a_warning() -> None:
    assert warnings("coinbase", allowing(trade=True)) == [TRADES]


@pytest.mark.parametrize("view", [True, False])
@pytest.mark.parametrize("trade", [True, False])
def test_key_that_may_transfer_is_refused_whatever_else_it_may(view: bool, trade: bool) -> None:
    with pytest.raises(KeyRefused, match="coinbase: the key may transfer"):
        warnings("coinbase", allowing(view=view, trade=trade, transfer=True))


@pytest.mark.parametrize("trade", [True, False])
def test_key_that_may_not_view_is_refused(trade: bool) -> None:
    with pytest.raises(KeyRefused, match="may not view"):
        warnings("coinbase", allowing(view=False, trade=trade))


def test_who_knows_nothing_of_keys_gives_up_the_request() -> None:
    assert issubclass(KeyRefused, Rejected)
