"""Every exchange in the registry offers what the shells need."""

from __future__ import annotations

import pytest

from trading.core.errors import ConfigError
from trading.exchanges.ports import Exchange
from trading.exchanges.registry import EXCHANGES, exchange


@pytest.mark.parametrize("name", sorted(EXCHANGES))
def test_exchange_is_found_by_its_own_name(name: str) -> None:
    found: Exchange = exchange(name)

    assert found.name == name
    assert found.label
    assert found.candles_per_request > 0
    assert found.symbols_per_connection > 0
    assert found.silence_seconds > 0


@pytest.mark.parametrize("name", sorted(EXCHANGES))
def test_exchange_with_accounts_reads_them_from_the_first_page(name: str) -> None:
    accounts = exchange(name).accounts
    if accounts is None:
        pytest.skip(f"{name} shows no accounts")

    reading = accounts.reading()

    assert reading.request() is not None
    assert reading.accounts == ()
    with pytest.raises(ConfigError):
        accounts.read_key(name="", secret="", passphrase="")


def test_unknown_exchange_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="one of binance, coinbase, kucoin"):
        exchange("mtgox")
