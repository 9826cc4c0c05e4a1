"""Where an alert goes, and what holds it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.deliveries.routing import Route, routes, state_of
from settings_app.documents import merge_patch
from settings_app.schema import Settings, default_document, validate
from trading.alerts.compose import system_alert
from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.severity import Severity, severity
from trading.models import Alert, Delivery, DeliveryChannel, Mute

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)  # a Wednesday
DISCORD = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
EMAIL = {"enabled": True, "address": "anna@example.org"}
State = Delivery.State


def settings(*, hours: str = "00:00-24:00", days: str = "mon-sun", **channels: Any) -> Settings:
    trading = {"trading_hours_utc": hours, "trading_days": days}
    patch = {"notifications": channels, "perseus_profile": {"trade_settings": trading}}
    return validate(merge_patch(default_document("sub"), patch))


def signal(**columns: Any) -> Alert:
    return Alert(
        **{
            "exchange": "coinbase",
            "symbol": "BTC-USD",
            "timeframe": "1h",
            "kind": "level",
            "level": 150.0,
            **columns,
        }
    )


def channels_of(alert: Alert, wanted: Settings, *mutes: Mute) -> dict[str, str]:
    return {str(r.channel): str(r.state) for r in routes(alert, wanted, mutes, NOON)}


def test_alert_goes_to_every_channel_that_is_enabled() -> None:
    wanted = settings(discord=DISCORD, email=EMAIL, push={"enabled": False})
    assert channels_of(signal(), wanted) == {"discord": "waiting", "email": "waiting"}


def test_without_a_channel_it_is_recorded_only() -> None:
    assert routes(signal(), settings(), (), NOON) == ()
    assert state_of((), signal()) == Alert.State.RECORDED


@pytest.mark.parametrize(
    "narrow", [{"kinds": ["crossover"]}, {"timeframes": ["1d"]}, {"severities": ["urgent"]}]
)
def test_channel_has_only_what_it_is_for(narrow: dict[str, Any]) -> None:
    wanted = settings(discord={**DISCORD, **narrow}, email=EMAIL)
    assert channels_of(signal(), wanted) == {"email": "waiting"}


def test_signal_outside_the_trading_hours_is_held_back_and_says_so() -> None:
    wanted = settings(discord=DISCORD, hours="13:00-20:00", days="mon-fri")
    [route] = routes(signal(), wanted, (), NOON)
    assert route.state == State.QUIET
    assert route.reason == "outside the trading hours 13:00-20:00 UTC, mon-fri"
    assert state_of([route], signal()) == Alert.State.QUIET


@pytest.mark.parametrize(
    ("columns", "muted"),
    [
        ({}, True),
        ({"symbol": "BTC-USD"}, True),
        ({"symbol": "ETH-USD"}, False),
        ({"kind": "level", "symbol": "BTC-USD", "exchange": "coinbase"}, True),
        ({"kind": "crossover"}, False),
        ({"exchange": "binance"}, False),
        ({"until": NOON}, False),
    ],
)
def test_mute_holds_back_what_it_names_until_its_end(
    columns: dict[str, Any], *, muted: bool
) -> None:
    mute = Mute(**{"until": NOON + timedelta(hours=1), **columns})
    expected = "muted" if muted else "waiting"
    assert channels_of(signal(), settings(discord=DISCORD), mute) == {"discord": expected}


def test_what_livermore_says_of_itself_passes_hours_and_mutes_but_not_troubles() -> None:
    trouble = system_alert(1, exchange="coinbase", detail="Nothing comes.", values={})
    wanted = settings(
        discord={**DISCORD, "kinds": ["crossover"], "timeframes": ["1d"]},
        email={**EMAIL, "troubles": False},
        hours="13:00-20:00",
    )
    mute = Mute(until=NOON + timedelta(hours=1))
    assert channels_of(trouble, wanted, mute) == {"discord": "waiting"}


def test_that_a_channel_is_dead_is_told_by_the_others_and_that_it_lives_by_all() -> None:
    wanted = settings(discord=DISCORD, email=EMAIL)
    values = {"kind": "channel-dead", "subject": "discord", "state": "began"}
    began = system_alert(1, exchange="", detail="Discord takes no alerts.", values=values)
    ended = system_alert(1, exchange="", detail="It does.", values={**values, "state": "ended"})
    assert channels_of(began, wanted) == {"email": "waiting"}
    assert channels_of(ended, wanted) == {"discord": "waiting", "email": "waiting"}


def test_missed_alert_goes_nowhere() -> None:
    missed = signal(state=Alert.State.MISSED)
    assert routes(missed, settings(discord=DISCORD), (), NOON) == ()
    assert state_of((), missed) == Alert.State.MISSED


@given(st.sampled_from(list(SignalKind)), st.none() | st.floats(-400, 400))
def test_every_signal_has_a_severity(kind: SignalKind, level: float | None) -> None:
    found = severity(kind, level)
    assert (found is Severity.INFO) == (kind is SignalKind.MOMENTUM_SHIFT)
    if kind is SignalKind.LEVEL and level is not None:
        assert (found is Severity.URGENT) == (abs(level) >= 250)


@given(
    st.sampled_from(list(SignalKind)),
    st.sampled_from(list(Timeframe)),
    st.lists(st.sampled_from(list(DeliveryChannel)), unique=True),
    st.booleans(),
)
def test_alert_waits_exactly_where_a_delivery_waits(
    kind: SignalKind, timeframe: Timeframe, enabled: list[DeliveryChannel], muted: bool
) -> None:
    made: dict[str, Any] = {
        "discord": DISCORD,
        "email": EMAIL,
        "push": {"enabled": True, "url_environment_variable": "PUSH_URL"},
    }
    mutes = [Mute(until=NOON + timedelta(days=1))] if muted else []
    alert = signal(kind=kind, timeframe=timeframe)
    wanted = settings(**{str(name): made[name] for name in enabled})
    filed: tuple[Route, ...] = routes(alert, wanted, mutes, NOON)
    assert {route.channel for route in filed} == set(enabled)
    waits = any(route.state == State.WAITING for route in filed)
    assert (state_of(filed, alert) == Alert.State.PENDING) == waits
