"""``manage.py positions``: with and without a runtime."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from settings_app.models import User
from tests.control.conftest import trader
from tests.control.positions.conftest import READ, Exchange, held, holder, is_read
from tests.control.running import running_worker, status_when
from trading.models import Position, PositionReading
from trading.simulator.venues.coinbase.keys import new_key

pytestmark = pytest.mark.timeout(120)

SetKey = Callable[..., None]


@pytest.fixture
def coinbase(coinbase: Exchange, settings: Any) -> Exchange:
    settings.EXCHANGES = coinbase.endpoints
    return coinbase


def called(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("positions", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


def test_positions_are_read_without_a_running_runtime(
    anna: User, coinbase: Exchange, set_key: SetKey
) -> None:
    set_key(coinbase.simulator.key)
    Position.objects.create(user=anna, symbol="XRP-USD", quantity=1, source="exchange")
    tried = called("sync", "--dry-run")
    assert any(line.startswith("Coinbase: BTC-USD would be opened: ") for line in tried)
    assert "Coinbase: XRP-USD would be closed" in tried
    assert list(held(anna)) == ["XRP-USD"]
    assert not PositionReading.objects.exists()
    assert called("sync")[-1] == "Coinbase: 6 positions."
    assert tuple(held(anna)) == READ
    assert called("sync", "--user", anna.username)[-1] == "Coinbase: 6 positions, nothing changed."


def test_a_runtime_that_is_up_is_told(anna: User, coinbase: Exchange, set_key: SetKey) -> None:
    set_key(coinbase.simulator.key)
    with running_worker(coinbase.endpoints):
        status_when(anna, is_read)
        Position.objects.filter(user=anna, symbol="BTC-USD").update(symbol="LTC-USD")
        assert any("LTC-USD closed" in line for line in called("sync"))
        status_when(anna, lambda status: [row.symbol for row in status.symbols] == list(READ))


def test_positions_are_listed_with_how_reading_them_went(
    anna: User, coinbase: Exchange, set_key: SetKey
) -> None:
    assert called("list") == [f"{anna.username} has no positions."]
    set_key(coinbase.simulator.key)
    called("sync")
    Position.objects.create(user=anna, symbol="ADA-USD", quantity="1.50", cost_basis="0.7")
    set_key(new_key())
    with pytest.raises(CommandError, match="Coinbase: coinbase: 401"):
        called("sync")
    shown = called("list")
    assert shown[0] == "coinbase ADA-USD: 1.5, cost 0.7, entered by hand"
    assert shown[1].startswith("coinbase BTC-USD: 0.")
    assert shown[1].endswith(", cost unknown, from the exchange")
    assert any(line.startswith("coinbase was read: 2") for line in shown)
    assert any(line.startswith("coinbase failed since: coinbase: 401") for line in shown)


def test_a_variable_that_is_not_set_is_named(anna: User, coinbase: Exchange) -> None:
    with pytest.raises(CommandError, match=r"COINBASE_KEY is not set .* in this shell"):
        called("sync")


def test_who_reads_no_positions_is_told_which_setting_does(
    transactional_db: None, redis_url: str
) -> None:
    trader()
    with pytest.raises(CommandError, match="/load_positions_from_exchange"):
        called("sync")


def test_another_user_is_not_touched(
    anna: User, coinbase: Exchange, set_key: SetKey, settings: Any
) -> None:
    bela = holder("BELA")
    settings.CREDENTIAL_GRANTS = {bela.username: ("BELA_*",)}
    set_key(coinbase.simulator.key, "BELA")
    called("sync", "--user", bela.username)
    assert tuple(held(bela)) == READ
    assert held(anna) == {}
    with pytest.raises(CommandError, match="may not use"):
        called("sync", "--user", anna.username)
