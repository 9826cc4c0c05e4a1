"""What a settings document may hold, and what is said of one that holds something else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from settings_app.documents import merge_patch
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import default_document, parse_stored, unknown_keys, validate
from trading.core.market import Timeframe
from trading.core.modes import Mode, SignalKind

DEFAULT = default_document("sub-1")


def errors_of(patch: dict[str, Any]) -> dict[str, str]:
    """Pointer → message of everything that is wrong with a patched default document."""
    with pytest.raises(SettingsInvalid) as caught:
        validate(merge_patch(DEFAULT, patch))
    return {error.pointer: error.message for error in caught.value.errors}


# ------------------------------------------------------------------ the default document
def test_the_default_document_is_valid_and_spells_out_every_setting() -> None:
    assert validate(DEFAULT).to_document() == DEFAULT


def test_the_default_document_watches_public_data_of_the_primary_exchange() -> None:
    settings = validate(DEFAULT)
    assert settings.exchanges[settings.perseus_profile.primary_exchange].enabled
    assert settings.watchlist == ()


def test_a_document_with_nothing_but_its_owner_gets_every_default() -> None:
    assert validate({"version": 2, "sub": "sub-1"}).to_document() == DEFAULT


def test_the_position_monitor_watches_positions_for_every_kind_of_signal() -> None:
    mode = validate(DEFAULT).modes.of(Mode.POSITION_MONITOR)
    assert mode.symbol_source == "positions"
    assert mode.timeframes == tuple(Timeframe)
    assert mode.rules.kinds == frozenset(SignalKind)


def test_the_scalper_watches_the_watchlist_on_every_timeframe() -> None:
    mode = validate(DEFAULT).modes.of("scalper-macdv")
    assert mode.symbol_source == "watchlist"
    assert mode.timeframes == tuple(Timeframe)
    assert mode.rules.kinds == frozenset(SignalKind) - {SignalKind.PRICE_MOVE}


def test_a_part_of_a_mode_keeps_the_defaults_of_that_mode() -> None:
    document = {
        "version": 2,
        "sub": "sub-1",
        "modes": {"scalper-macdv": {"alertThresholds": {"level": False}}},
    }
    kinds = validate(document).modes.scalper_macdv.kinds
    assert kinds == frozenset(SignalKind) - {SignalKind.PRICE_MOVE, SignalKind.LEVEL}


def test_signals_of_an_indicator_that_is_not_enabled_do_not_alert() -> None:
    modes = validate(
        merge_patch(
            DEFAULT,
            {
                "modes": {
                    "position-monitor": {"indicatorsEnabled": ["rsi"]},
                    "scalper-macdv": {"indicatorsEnabled": ["rsi", "macdv"]},
                }
            },
        )
    ).modes
    assert modes.position_monitor.kinds == {SignalKind.PRICE_MOVE}
    assert modes.position_monitor.indicators == ("rsi",)
    assert modes.scalper_macdv.kinds == frozenset(SignalKind) - {SignalKind.PRICE_MOVE}
    assert modes.scalper_macdv.indicators == ("macdv", "rsi")


@pytest.mark.parametrize(
    ("name", "near"), [("macd", "macdv"), ("MACD-V", "macdv"), ("rsi14", "rsi")]
)
def test_an_unknown_indicator_is_refused_with_the_nearest(name: str, near: str) -> None:
    message = errors_of({"modes": {"scalper-macdv": {"indicatorsEnabled": [name]}}})[
        "/modes/scalper-macdv/indicatorsEnabled/0"
    ]
    assert message == f"is not an indicator; the nearest is {near}, and there are macdv, rsi"


def test_an_unknown_mode_has_no_settings() -> None:
    with pytest.raises(ValueError, match="yolo"):
        validate(DEFAULT).modes.of("yolo")


# ------------------------------------------------------------------ unknown keys
@pytest.mark.parametrize(
    ("patch", "pointer", "nearest"),
    [
        ({"watchlst": []}, "/watchlst", "watchlist"),
        ({"perseus_profile": {"timezon": "UTC"}}, "/perseus_profile/timezon", "timezone"),
        ({"exchanges": {"coinbse": {}}}, "/exchanges/coinbse", "coinbase"),
        (
            {"exchanges": {"coinbase": {"ApiKeyEnvVariableName": "X"}}},
            "/exchanges/coinbase/ApiKeyEnvVariableName",
            "ApiKeyEnvironmentVariableName",
        ),
        (
            {"exchanges": {"coinbase": {"defaults": {"stop_loss": 1}}}},
            "/exchanges/coinbase/defaults/stop_loss",
            "stop_loss_percentage",
        ),
        (
            {"watchlist": [{"symbol": "A-USD", "exchange": "coinbase", "categorys": []}]},
            "/watchlist/0/categorys",
            "categories",
        ),
        ({"modes": {"scalper-macd": {}}}, "/modes/scalper-macd", "scalper-macdv"),
        (
            {"modes": {"scalper-macdv": {"symbol_source": "watchlist"}}},
            "/modes/scalper-macdv/symbol_source",
            "symbolSource",
        ),
        (
            {"notifications": {"discord": {"webhook": "X"}}},
            "/notifications/discord/webhook",
            "webhook_url_environment_variable",
        ),
        (
            {"schedule": [{"at": "10:00", "command": "pause", "payload": {"mod": "x"}}]},
            "/schedule/0/payload/mod",
            "mode",
        ),
    ],
)
def test_a_misspelt_key_names_its_neighbour(
    patch: dict[str, Any], pointer: str, nearest: str
) -> None:
    message = errors_of(patch)[pointer]
    assert message == f"is not a setting; the nearest is {nearest}"


def test_a_key_of_an_older_version_names_its_successor() -> None:
    assert errors_of({"symbols": []})["/symbols"] == "is not a setting any more: see watchlist"
    profile: dict[str, Any] = {"perseus_profile": {"discord_integration": {}}}
    message = errors_of(profile)["/perseus_profile/discord_integration"]
    assert message == "is not a setting any more: see notifications.discord"


def test_a_key_of_an_older_version_means_nothing_in_another_place() -> None:
    message = errors_of({"scanner": {"symbols": []}})["/scanner/symbols"]
    assert message.startswith("is not a setting; the nearest is")


def test_a_key_that_resembles_none_of_a_few_names_them_all() -> None:
    message = errors_of({"exchanges": {"kraken": {}}})["/exchanges/kraken"]
    assert message == "is not a setting; here stand coinbase, binance, kucoin"


@pytest.mark.parametrize(
    ("misspelt", "known"),
    [
        ("sparse_symbol", "sparse_symbols, of older versions: see watchlist"),
        ("scanner_exchang", "scanner_exchange, of older versions: see scanner.exchange"),
    ],
)
def test_a_misspelt_key_of_an_older_version_names_it_and_its_successor(
    misspelt: str, known: str
) -> None:
    message = errors_of({misspelt: []})[f"/{misspelt}"]
    assert message == f"is not a setting; the nearest is {known}"


def test_a_key_as_long_as_a_page_is_neither_compared_nor_repeated() -> None:
    for key in ("x" * 81, "x" * 5_000):
        message = "has a key that is not repeated here: what stands there is not a setting"
        assert errors_of({"scanner": {key: 1}}) == {"/scanner": message}
    assert errors_of({"x" * 80: 1})["/" + "x" * 80].startswith("is not a setting")


def test_unknown_keys_are_found_wherever_they_stand_and_nothing_else() -> None:
    document = {
        **DEFAULT,
        "watchlst": [],
        "position_refresh_hours": "often",
        "exchanges": {"coinbase": {"enabled": True, "colour": 1}, "mtgox": {}},
    }
    assert set(unknown_keys(document)) == {
        "/watchlst",
        "/exchanges/coinbase/colour",
        "/exchanges/mtgox",
    }
    assert unknown_keys(DEFAULT) == []


# ------------------------------------------------------------------ types and bounds
@pytest.mark.parametrize(
    ("patch", "pointer", "message"),
    [
        ({"version": 3}, "/version", "must be 2"),
        ({"sub": 5}, "/sub", "must be a text"),
        ({"watchlist": {}}, "/watchlist", "must be a list"),
        ({"watchlist": [5]}, "/watchlist/0", "must be an object"),
        ({"modes": []}, "/modes", "must be an object"),
        ({"exchanges": 5}, "/exchanges", "must be an object"),
        ({"exchanges": {"coinbase": None}}, "/exchanges", "must hold at least 1"),
        ({"load_positions_from_exchange": 1}, "/load_positions_from_exchange", "must be true or"),
        ({"position_min_value_usd": "5"}, "/position_min_value_usd", "must be a number"),
        ({"position_min_value_usd": -1}, "/position_min_value_usd", "must be at least 0"),
        ({"position_min_value_usd": float("nan")}, "/position_min_value_usd", "must be a finite"),
        ({"position_min_value_usd": 10**400}, "/position_min_value_usd", "must be a finite"),
        ({"position_refresh_hours": 169}, "/position_refresh_hours", "must be at most 168"),
        ({"scanner": {"top_n": 9}}, "/scanner/top_n", "must be at least 10"),
        ({"scanner": {"top_n": 10.5}}, "/scanner/top_n", "must be a whole number"),
        ({"scanner": {"top_n": 10**40}}, "/scanner/top_n", "must be at most 100"),
        ({"scanner": {"top_n": True}}, "/scanner/top_n", "must be a whole number"),
        ({"scanner": {"exclude": ["A-USD", "A-USD"]}}, "/scanner/exclude", "must not hold the"),
        ({"scanner": {"quote": "usd"}}, "/scanner/quote", "must be the code of a currency"),
        (
            {"modes": {"scalper-macdv": {"timeframes": []}}},
            "/modes/scalper-macdv/timeframes",
            "must hold at least 1",
        ),
        (
            {"modes": {"scalper-macdv": {"timeframes": ["2m"]}}},
            "/modes/scalper-macdv/timeframes/0",
            "must be '1m', '5m', '15m', '1h', '4h' or '1d'",
        ),
        (
            {"modes": {"scalper-macdv": {"cooldown_seconds": 86_401}}},
            "/modes/scalper-macdv/cooldown_seconds",
            "must be at most 86400",
        ),
        (
            {"watchlist": [{"symbol": "btcusd", "exchange": "coinbase"}]},
            "/watchlist/0/symbol",
            "must be a symbol such as BTC-USD",
        ),
        (
            {"watchlist": [{"symbol": "BTC-USD\n", "exchange": "coinbase"}]},
            "/watchlist/0/symbol",
            "must be a symbol such as BTC-USD",
        ),
        ({"watchlist": [{"symbol": "BTC-USD"}]}, "/watchlist/0/exchange", "is required"),
        ({"schedule": [{"at": "24:00", "command": "pause"}]}, "/schedule/0/at", "must be a time"),
    ],
)
def test_a_value_out_of_its_type_or_bounds_is_named(
    patch: dict[str, Any], pointer: str, message: str
) -> None:
    found = errors_of(patch)
    assert found[pointer].startswith(message)
    assert len(found) == 1


PROFILE_MISTAKES = {
    "public_name": ("", "x" * 81, 5, "nul\x00", "\ud800", "Anna\nBcc: bela", "\x7f"),
    "primary_exchange": ("kraken", "Coinbase"),
    "trading_mode": ("demo",),
    "currency": ("usd", "U", "US Dollar", "DEM", "HRK", "XXX", "XTS", "ABC", "DOGECOIN"),
    "timezone": ("Mars/Olympus_Mons", "", "../etc/passwd", "America", "europe/berlin", "UTC+1"),
    "locale": ("en_GB", "english", "zz", "en-gb", "en-", "de-JP", "iw", "und", "root", "en-XA"),
    "date_format": ("%Y-%m-%d",),
    "time_format": ("HH:mm",),
    "risk_tolerance": ("extreme",),
    "investment_style": ("",),
}
TRADE_MISTAKES = {
    "trading_hours_utc": ("6:00-22:00", "06:00", "06:00-06:00", "24:00-06:00", "06:00-24:01"),
    "trading_days": (
        "",
        "monday",
        "mon-",
        "mon,,tue",
        "mon;tue",
        "Mon",
        "mon,mon",
        "mon-fri,wed",
        "mon-mon",
    ),
    "max_daily_trades": (-1, 10_001, 1.5, "12"),
    "stop_loss_percentage": (0, 100.1, "2.5", float("inf")),
    "take_profit_percentage": (0.05, 1_001),
    "preferred_timeframes": ("", "2h", "1h,", "1h 4h", "1h,4h,1h"),
}


@pytest.mark.parametrize(
    ("field", "value"), [(key, value) for key, bad in PROFILE_MISTAKES.items() for value in bad]
)
def test_a_profile_with_a_mistake_is_refused(field: str, value: object) -> None:
    assert f"/perseus_profile/{field}" in errors_of({"perseus_profile": {field: value}})


@pytest.mark.parametrize(
    ("field", "value"), [(key, value) for key, bad in TRADE_MISTAKES.items() for value in bad]
)
def test_a_trade_setting_with_a_mistake_is_refused(field: str, value: object) -> None:
    patch = {"perseus_profile": {"trade_settings": {field: value}}}
    assert f"/perseus_profile/trade_settings/{field}" in errors_of(patch)


@pytest.mark.parametrize(
    "patch",
    [
        {"timezone": "Europe/Berlin", "locale": "de", "currency": "USDT"},
        {"locale": "zh-Hant-TW"},
        {"locale": "es-419"},
        {"locale": "zh-TW"},
        {"currency": "BTC", "timezone": "Asia/Kathmandu"},
        {"currency": "CHF", "timezone": "Etc/GMT+5"},
        {"trade_settings": {"trading_days": "fri-mon,wed"}},
        {"trade_settings": {"trading_hours_utc": "22:00-06:00", "trading_days": "sat-sun,tue"}},
        {"trade_settings": {"preferred_timeframes": "1m,1d", "max_daily_trades": 0}},
    ],
)
def test_what_traders_really_write_is_accepted(patch: dict[str, Any]) -> None:
    validate(merge_patch(DEFAULT, {"perseus_profile": patch}))


def test_a_minus_zero_is_stored_as_zero() -> None:
    settings = validate(merge_patch(DEFAULT, {"position_min_value_usd": -0.0}))
    assert str(settings.position_min_value_usd) == "0.0"


@pytest.mark.parametrize(
    "address", ["anna", "anna@example", "a@b@c.org", "anna@exa mple.org", "@x.org", "anna@-x.org"]
)
def test_an_address_that_no_mail_reaches_is_refused(address: str) -> None:
    patch = {"notifications": {"email": {"enabled": True, "address": address}}}
    message = errors_of(patch)["/notifications/email/address"]
    assert message == "must be an e-mail address such as anna@example.org"


def test_a_scan_may_be_priced_in_what_only_an_exchange_knows() -> None:
    validate(merge_patch(DEFAULT, {"scanner": {"quote": "FDUSD"}}))


@pytest.mark.parametrize("document", [None, 5, "text", [], True])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(SettingsInvalid, match="the document: must be an object"):
        validate(document)


def test_what_is_wrong_is_refused_without_being_repeated() -> None:
    patch = {
        "exchanges": {"coinbase": {"SecretEnvironmentVariableName": "hunter2 hunter2"}},
        "notifications": {"discord": {"webhook_url_environment_variable": "https://x.example/1"}},
        "perseus_profile": {"timezone": "hunter2", "currency": "hunter2", "locale": "hunter2"},
        "livermore_runtime": {"logging": {"verbosity_level": "hunter2"}},
        "watchlist": [{"symbol": "hunter2", "exchange": "hunter2"}],
        "schedule": [{"at": "hunter2", "command": "hunter2", "days": ["hunter2"]}],
    }
    with pytest.raises(SettingsInvalid) as caught:
        validate(merge_patch(DEFAULT, patch))
    assert len(caught.value.errors) == 11
    for part in ("hunter2", "x.example"):
        assert part not in str(caught.value)


def test_more_errors_than_anybody_reads_are_counted() -> None:
    patch = {f"unknown{number}": 1 for number in range(250)}
    with pytest.raises(SettingsInvalid) as caught:
        validate({**DEFAULT, **patch})
    assert len(caught.value.errors) == 101
    assert caught.value.errors[-1] == FieldError("", "has 150 more errors")


# ------------------------------------------------------------------ what is read again
def test_a_stored_document_that_nobody_validated_is_an_error_not_a_crash() -> None:
    with pytest.raises(SettingsInvalid, match="watchlist"):
        parse_stored('{"version": 2, "sub": "x", "watchlist": 5}')


@pytest.mark.parametrize(
    "patch",
    [
        {"perseus_profile": {"currency": "DEM"}},
        {"perseus_profile": {"timezone": "Europe/Atlantis"}},
        {"perseus_profile": {"locale": "de-JP"}},
    ],
)
def test_a_stored_document_stays_readable_when_a_registry_withdraws_a_word(
    patch: dict[str, Any],
) -> None:
    document = merge_patch(DEFAULT, patch)
    assert parse_stored(json.dumps(document)).to_document() == document
    with pytest.raises(SettingsInvalid):
        validate(document)


def test_reading_a_stored_document_loads_no_registry() -> None:
    program = """
import sys
from django.conf import settings
settings.configure()
from settings_app.schema import default_document, parse_stored
import json
parse_stored(json.dumps(default_document("sub-1")))
sys.exit("babel" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
