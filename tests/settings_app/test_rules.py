"""Rules between fields: which there are, where each points, and which way out it tells."""

from __future__ import annotations

from typing import Any

import pytest

from settings_app.documents import merge_patch
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import default_document, validate
from settings_app.schema.rules import RULES

DEFAULT = default_document("sub-1")
KEY, SECRET, PASSPHRASE = (
    "ApiKeyEnvironmentVariableName",
    "SecretEnvironmentVariableName",
    "PasswordEnvironmentVariableName",
)
PAIR = {KEY: "COINBASE_KEY", SECRET: "COINBASE_SECRET"}
PRIMARY = "/perseus_profile/primary_exchange"


def errors_of(patch: dict[str, Any]) -> tuple[FieldError, ...]:
    """Everything that is wrong with a patched default document."""
    with pytest.raises(SettingsInvalid) as caught:
        validate(merge_patch(DEFAULT, patch))
    return caught.value.errors


def primary(name: str, **exchanges: Any) -> dict[str, Any]:
    """A patch that makes an exchange the primary one, beside what it does to exchanges."""
    return {"perseus_profile": {"primary_exchange": name}, "exchanges": exchanges}


def planned(**entry: Any) -> dict[str, Any]:
    """A patch that plans one command."""
    return {"schedule": [{"at": "10:00", **entry}]}


@pytest.mark.parametrize(
    ("patch", "pointer", "way_out"),
    [
        (
            primary("kucoin"),
            PRIMARY,
            'Set it to one of them, or add "kucoin": {"enabled": true} there, in one save of both',
        ),
        (
            primary("kucoin", kucoin={"enabled": False}),
            PRIMARY,
            "an enabled exchange: coinbase; or set /exchanges/kucoin/enabled to true",
        ),
        (
            {"exchanges": {"coinbase": {KEY: "COINBASE_KEY"}}},
            f"/exchanges/coinbase/{SECRET}",
            "such as COINBASE_SECRET; or remove those",
        ),
        (
            {"exchanges": {"binance": {SECRET: "BINANCE_SECRET"}}},
            f"/exchanges/binance/{KEY}",
            "such as BINANCE_KEY",
        ),
        (
            {"exchanges": {"kucoin": PAIR}},
            f"/exchanges/kucoin/{PASSPHRASE}",
            "such as KUCOIN_PASSPHRASE",
        ),
        (
            {"load_positions_from_exchange": True},
            "/load_positions_from_exchange",
            f"/exchanges/coinbase/{KEY}",
        ),
        (
            {
                "load_positions_from_exchange": True,
                "exchanges": {"binance": {"enabled": False, **PAIR}},
            },
            "/load_positions_from_exchange",
            "must be false until an enabled exchange",
        ),
        (
            {"scanner": {"enabled": True, "exchange": "binance"}},
            "/scanner/exchange",
            "one of coinbase; or set /exchanges/binance/enabled to true",
        ),
        (
            {
                "scanner": {"enabled": True, "exchange": "binance"},
                "exchanges": {"binance": {"enabled": False}},
            },
            "/scanner/exchange",
            "or /scanner/enabled to false",
        ),
        (
            {"scanner": {"enabled": True}, "exchanges": {"coinbase": {"enabled": False}}},
            "/scanner/exchange",
            "an enabled exchange: set /exchanges/coinbase/enabled",
        ),
        (
            {"watchlist": [{"symbol": "A-USD", "exchange": "coinbase"}] * 2},
            "/watchlist/1/symbol",
            "in row 1",
        ),
        (
            {"position_symbols": [{"symbol": "A-USD", "exchange": "coinbase"}] * 2},
            "/position_symbols/1/symbol",
            "in row 1",
        ),
        (
            {"notifications": {"email": {"enabled": True}}},
            "/notifications/email/address",
            "or set /notifications/email/enabled to false",
        ),
        (
            {"notifications": {"discord": {"enabled": True}}},
            "/notifications/discord/webhook_url_environment_variable",
            "such as DISCORD_WEBHOOK",
        ),
        (
            {"notifications": {"push": {"enabled": True}}},
            "/notifications/push/url_environment_variable",
            "such as PUSH_URL",
        ),
        (planned(command="switch-mode"), "/schedule/0/payload", '{"mode": "scalper-macdv"}'),
        (
            planned(command="pause", payload={"mode": "scalper-macdv"}),
            "/schedule/0/payload",
            "must be absent",
        ),
        (
            planned(command="switch-mode", payload={"mode": "scalper-orderbook"}),
            "/schedule/0/payload/mode",
            "choose scalper-macdv",
        ),
    ],
)
def test_a_broken_rule_points_at_the_field_to_change_and_says_the_way_out(
    patch: dict[str, Any], pointer: str, way_out: str
) -> None:
    (error,) = errors_of(patch)
    assert error.pointer == pointer
    assert way_out in error.message


@pytest.mark.parametrize(
    "patch",
    [
        # Somebody who uses no exchange has a primary one all the same.
        {"exchanges": {"coinbase": {"enabled": False}}},
        primary("kucoin", kucoin={"enabled": True}),
        primary("kucoin", kucoin={"enabled": False}, coinbase={"enabled": False}),
        {"exchanges": {"coinbase": PAIR}, "load_positions_from_exchange": True},
        {"exchanges": {"kucoin": {**PAIR, PASSPHRASE: "KUCOIN_PASSPHRASE"}}},
        {"scanner": {"enabled": False, "exchange": "binance"}},
        {"scanner": {"enabled": True}},
        {"watchlist": [{"symbol": "A-USD", "exchange": e} for e in ("coinbase", "kucoin")]},
        {"notifications": {"email": {"enabled": True, "address": "anna@example.org"}}},
        {"notifications": {"discord": {"enabled": False}}},
        planned(command="switch-mode", payload={"mode": "position-monitor"}),
    ],
)
def test_what_keeps_every_rule_is_accepted(patch: dict[str, Any]) -> None:
    validate(merge_patch(DEFAULT, patch))


def test_every_broken_rule_is_told_at_once() -> None:
    errors = errors_of(
        {
            **primary("kucoin"),
            "load_positions_from_exchange": True,
            "scanner": {"enabled": True, "exchange": "kucoin"},
        }
    )
    assert [error.pointer for error in errors] == [
        PRIMARY,
        "/load_positions_from_exchange",
        "/scanner/exchange",
    ]


def test_every_rule_is_a_sentence_that_can_be_printed() -> None:
    for rule in RULES:
        assert rule.__doc__ is not None
        assert rule.__doc__.endswith(".")
        assert "\n" not in rule.__doc__
