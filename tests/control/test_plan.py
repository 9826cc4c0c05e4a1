"""From the document, the mode and the positions to what a desk is to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings as Configuration

from control import plan
from settings_app import desired, services
from settings_app.documents import merge_patch
from settings_app.models import User
from settings_app.schema import Settings, default_document, validate
from tests.settings_app.factories import UserFactory
from trading.core.market import Market, Timeframe
from trading.core.modes import Mode
from trading.models import Alert, Position

BTC, ETH, SOL = (Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH", "SOL"))


def document(**patch: Any) -> Settings:
    return validate(merge_patch(default_document("anna"), patch))


def overwrite(user: User, stored: str, version: int = 2) -> None:
    """Store what no service would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE settings_app_user SET settings = %s, settings_version = %s,"
            " settings_revision = 7 WHERE id = %s",
            [stored, version, user.pk],
        )


def row(market: Market, **fields: Any) -> dict[str, Any]:
    return {"exchange": market.exchange, "symbol": market.symbol, **fields}


def test_the_scalper_watches_the_enabled_watchlist_in_its_order() -> None:
    settings = document(watchlist=[row(SOL), row(BTC, enabled=False), row(ETH)])
    made = plan.plan_of(settings, Mode.SCALPER_MACDV, held={BTC: None})
    assert made.markets == (SOL, ETH)


def test_the_position_monitor_watches_what_is_held_and_what_counts_as_held() -> None:
    settings = document(watchlist=[row(SOL)], position_symbols=[row(ETH), row(BTC)])
    made = plan.plan_of(settings, Mode.POSITION_MONITOR, held={BTC: None})
    assert made.markets == (BTC, ETH)


def test_a_scalper_knows_which_of_its_symbols_are_positions() -> None:
    settings = document(watchlist=[row(SOL), row(ETH)])
    made = plan.plan_of(settings, Mode.SCALPER_MACDV, held={BTC: None, ETH: None})
    assert (made.markets, made.held) == ((SOL, ETH), frozenset({ETH}))


def test_markets_of_every_exchange_that_is_on_are_watched_and_of_one_that_is_off_none() -> None:
    kucoin, binance = Market("kucoin", "BTC-USDT"), Market("binance", "BTC-USDT")
    settings = document(
        perseus_profile={"primary_exchange": "kucoin"},
        exchanges={
            "coinbase": {"enabled": False},
            "kucoin": {"enabled": True},
            "binance": {"enabled": True},
        },
        watchlist=[row(BTC), row(kucoin), row(binance)],
    )
    made = plan.plan_of(settings, Mode.SCALPER_MACDV, held={})
    assert made.markets == (kucoin, binance)


def test_the_rules_are_those_of_the_mode() -> None:
    settings = document(
        modes={"scalper-macdv": {"timeframes": ["1h", "5m"], "cooldown_seconds": 60}}
    )
    made = plan.plan_of(settings, Mode.SCALPER_MACDV, held={})
    assert made.timeframes == (Timeframe.M5, Timeframe.H1)
    assert made.rules.cooldown_seconds == 60
    other = plan.plan_of(settings, Mode.POSITION_MONITOR, held={})
    assert other.timeframes == tuple(Timeframe)


def test_a_position_is_told_of_by_the_percentages_of_its_exchange_else_of_the_profile() -> None:
    settings = document(
        perseus_profile={
            "trade_settings": {"stop_loss_percentage": 4, "take_profit_percentage": 8}
        },
        exchanges={"coinbase": {"defaults": {"take_profit_percentage": 16}}},
    )
    held = {BTC: Decimal(200), ETH: None, SOL: Decimal(0)}
    made = plan.plan_of(settings, Mode.POSITION_MONITOR, held)
    assert made.markets == (BTC, ETH, SOL)
    assert list(made.holdings) == [BTC], "no cost basis, no price to be told of"
    assert (made.holdings[BTC].stop_price, made.holdings[BTC].target_price) == (192.0, 232.0)


def test_only_what_is_watched_is_told_of() -> None:
    made = plan.plan_of(document(watchlist=[row(ETH)]), Mode.SCALPER_MACDV, {BTC: Decimal(200)})
    assert made.holdings == {}


@pytest.mark.django_db
def test_what_is_held_costs_something_unless_nothing_is_left_of_it() -> None:
    anna: User = UserFactory.create()
    for market, quantity in ((BTC, 1), (ETH, 0)):
        Position.objects.create(user=anna, **row(market), quantity=quantity, cost_basis=100)
    now = plan.situation(anna.pk)
    assert now.plan is not None
    assert [(market, one.cost_basis) for market, one in now.plan.holdings.items()] == [(BTC, 100.0)]


@pytest.mark.django_db
def test_a_situation_holds_what_the_row_says_and_only_this_users_positions() -> None:
    anna: User = UserFactory.create(is_paused=True)
    bela: User = UserFactory.create()
    Position.objects.create(user=anna, exchange="coinbase", symbol="BTC-USD", quantity=1)
    Position.objects.create(user=bela, exchange="coinbase", symbol="ETH-USD", quantity=1)
    now = plan.situation(anna.pk)
    assert (now.desired.is_paused, now.desired.mode) == (True, "position-monitor")
    assert now.plan is not None
    assert now.plan.markets == (BTC,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stored", "version", "says"),
    [
        ('{"version": 2, "sub": "x", "watchlst": []}', 2, "watchlst"),
        ('{"version": 9, "sub": "x"}', 9, "9"),
    ],
)
def test_a_document_that_cannot_be_used_is_a_situation_with_reasons(
    stored: str, version: int, says: str
) -> None:
    anna: User = UserFactory.create()
    overwrite(anna, stored, version)
    now = plan.situation(anna.pk)
    assert now.plan is None
    assert now.settings_revision == 7
    assert any(says in str(problem) for problem in now.problems)


@pytest.mark.django_db
def test_a_situation_names_the_credentials_that_are_set_here(
    monkeypatch: pytest.MonkeyPatch, settings: Configuration
) -> None:
    settings.CREDENTIAL_GRANTS = {"anna": ("ANNA_*",), "bela": ("BELA_*",)}
    for name in ("ANNA_KEY", "BELA_KEY", "COINBASE_KEY"):
        monkeypatch.setenv(name, "a value")
    anna, bela = UserFactory.create(username="anna"), UserFactory.create(username="bela")
    assert plan.situation(anna.pk).credentials_set == ("ANNA_KEY",)
    assert plan.situation(bela.pk).credentials_set == ("BELA_KEY",)
    overwrite(anna, '{"version": 2, "sub": "x", "watchlst": []}')
    assert plan.situation(anna.pk).plan is None
    assert plan.situation(anna.pk).credentials_set == ("ANNA_KEY",)


def long_ago(user: User) -> None:
    """As if nothing had been said for a day."""
    yesterday = timezone.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE settings_app_user SET desired_at = %s, settings_updated_at = %s WHERE id = %s",
            [yesterday, yesterday, user.pk],
        )


def changed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "position_refresh_hours": 8.0}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "say",
    [
        lambda user: desired.record(user.pk, is_paused=False),
        lambda user: services.change(user.pk, changed, by=user, origin="tests"),
    ],
    ids=["a wish", "a save"],
)
def test_a_plan_knows_since_when_it_is_wanted(say: Callable[[User], object]) -> None:
    user: User = UserFactory.create(is_paused=False)
    long_ago(user)

    def wanted_for() -> float:
        made = plan.situation(user.pk).plan
        assert made is not None
        assert made.since is not None
        return timezone.now().timestamp() - made.since

    assert wanted_for() == pytest.approx(86_400, abs=60)
    say(user)
    assert wanted_for() == pytest.approx(0, abs=60)


def opened(user: User, market: Market, *, hours_ago: float, **columns: Any) -> None:
    """A position as it was opened, or its cost entered, some hours ago."""
    position = Position.objects.create(user=user, symbol=market.symbol, quantity=1, **columns)
    at = timezone.now() - timedelta(hours=hours_ago)
    Position.objects.filter(pk=position.pk).update(updated_at=at)


def hours_wanted(user: User, mode: Mode) -> dict[Market, float]:
    """For how many hours each market of a user's plan has been wanted."""
    User.objects.filter(pk=user.pk).update(runtime_mode=mode)
    made = plan.situation(user.pk).plan
    assert made is not None
    now = timezone.now().timestamp()
    since = {market: made.since_of(market) for market in made.markets}
    return {market: round((now - (at or 0)) / 3_600, 1) for market, at in since.items()}


@pytest.mark.django_db
def test_a_position_that_opens_is_new_and_what_was_watched_before_is_not() -> None:
    watchlist = [row(BTC), row(ETH)]
    user: User = UserFactory.create(is_paused=False, document={"watchlist": watchlist})
    stranger: User = UserFactory.create(is_paused=False)
    long_ago(user)
    opened(user, BTC, hours_ago=5)
    opened(user, ETH, hours_ago=1)
    opened(stranger, BTC, hours_ago=0)
    assert hours_wanted(user, Mode.POSITION_MONITOR) == {BTC: 5.0, ETH: 1.0}
    assert hours_wanted(user, Mode.SCALPER_MACDV) == {BTC: 24.0, ETH: 24.0}, "it was watched anyway"


@pytest.mark.django_db
def test_what_was_paid_makes_signals_from_when_it_was_entered() -> None:
    user: User = UserFactory.create(is_paused=False, document={"watchlist": [row(BTC), row(ETH)]})
    long_ago(user)
    opened(user, BTC, hours_ago=2, cost_basis=100)
    assert hours_wanted(user, Mode.SCALPER_MACDV) == {BTC: 2.0, ETH: 24.0}


@pytest.mark.django_db
def test_a_market_that_counts_as_held_anyway_is_not_new_when_it_is() -> None:
    document = {"position_symbols": [row(BTC)]}
    user: User = UserFactory.create(is_paused=False, document=document)
    long_ago(user)
    opened(user, BTC, hours_ago=1)
    assert hours_wanted(user, Mode.POSITION_MONITOR) == {BTC: 24.0}


def alert(user: User, minute: int, **fields: Any) -> Alert:
    """A row of a signal, saved."""
    closed_at = datetime(2026, 9, 30, 12, minute, tzinfo=UTC)
    row: dict[str, Any] = {
        "exchange": "coinbase",
        "symbol": "BTC-USD",
        "timeframe": "1m",
        "kind": "level",
        "direction": "up",
        "candle_opened_at": closed_at - timedelta(minutes=1),
        "candle_closed_at": closed_at,
        "value": 160.0,
        "price": 1,
        "detail": "through +150",
    }
    return Alert.objects.create(user=user, **{**row, **fields})


@pytest.mark.django_db
def test_a_runtime_begins_with_the_newest_that_its_user_was_told() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    for minute in range(12):
        alert(anna, minute)
    alert(anna, 3, symbol="ETH-USD", direction="down")
    alert(anna, 4, kind="crossover")
    alert(bela, 59)
    Alert.objects.create(user=anna, kind="system", detail="the feed is stale")
    begun = plan.opening(anna.pk).plan
    assert begun is not None
    of_levels = [one for one in begun.told if (one.market, str(one.kind)) == (BTC, "level")]
    first = int(datetime(2026, 9, 30, 12, 4, tzinfo=UTC).timestamp())
    assert [one.closed_at for one in of_levels] == [first + 60 * n for n in range(8)]
    others = [(one.market, str(one.kind), str(one.direction)) for one in begun.told]
    assert set(others) == {
        (BTC, "level", "up"),
        (BTC, "crossover", "up"),
        (ETH, "level", "down"),
    }
    later = plan.situation(anna.pk).plan
    assert later is not None
    assert later.told == ()
