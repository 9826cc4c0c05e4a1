"""Hypothesis strategies for settings documents: current, older in any disorder, and broken ones.

Rule 1: what is said to be valid keeps every rule between fields, by ways of its own: nothing of
    the program under test mends it.
Rule 2: what is said to be broken is so for certain: each mutation is wrong wherever it lands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st

from settings_app.schema.registries import currencies, timezones
from trading.core.market import Timeframe
from trading.core.modes import SignalKind

Strategy = st.SearchStrategy[Any]

# Everything that PostgreSQL can hold: odd Unicode too, no NUL, no half surrogate pairs.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, max_size=40)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
symbols = st.from_regex(r"\A[A-Z0-9]{1,8}-(USD|USDT|EUR|BTC)\Z")
exchange_names = st.sampled_from(["coinbase", "binance", "kucoin"])
# Of the usual prefixes, so that the only user there is may name them.
variable_names = st.from_regex(
    r"\A(COINBASE|Binance|KuCoin|DISCORD|Push)_(KEY|Secret|ApiKeyId|URL|passphrase)(_[1-9])?\Z"
)
zones = st.sampled_from(sorted(timezones()))
timeframes = st.lists(st.sampled_from(list(Timeframe)), min_size=1, unique=True)
kinds = st.lists(st.sampled_from(list(SignalKind)), min_size=1, unique=True)
clock_times = st.from_regex(r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z")


def number(least: float, most: float) -> Strategy:
    """Whole and broken numbers within bounds, written as JSON may write them."""
    return st.floats(least, most) | st.integers(int(least) + 1, int(most))


def some(**members: Strategy) -> Strategy:
    """An object with any of these members: what is left out has its default."""
    return st.fixed_dictionaries({}, optional=members)


def rows(row: Strategy) -> Strategy:
    """Rows about different markets."""
    return st.lists(row, max_size=5, unique_by=lambda one: (one["exchange"], one["symbol"]))


percentages = number(0.1, 100)
modes = some(
    symbolSource=st.sampled_from(["positions", "watchlist", "scanner"]),
    indicatorsEnabled=st.sampled_from([["macdv"], ["rsi"], ["rsi", "macdv"]]),
    timeframes=timeframes,
    alertThresholds=some(level=st.booleans(), macdvCrossover=st.booleans()),
    levels=st.lists(number(10, 10_000), max_size=5, unique_by=float),
    cooldown_seconds=st.integers(0, 86_400),
)
defaults = some(
    risk_tolerance=st.sampled_from(["low", "high"]),
    trading_strategy=lines,
    stop_loss_percentage=percentages,
    take_profit_percentage=number(0.1, 1_000),
)


def exchanges(*names: str) -> Strategy:
    """An exchange, with the names of all its keys or of none."""
    key_names = {f"{name}EnvironmentVariableName": variable_names for name in names}
    optional = {"enabled": st.booleans(), "defaults": defaults}
    return st.fixed_dictionaries({}, optional=optional) | st.fixed_dictionaries(
        key_names, optional=optional
    )


schedules = st.lists(
    st.fixed_dictionaries(
        {"at": clock_times, "command": st.sampled_from(["pause", "resume"])},
        optional={"timezone": zones},
    )
    | st.fixed_dictionaries(
        {
            "at": clock_times,
            "command": st.just("switch-mode"),
            "payload": st.just({"mode": "scalper-macdv"}),
        }
    ),
    max_size=3,
)


def channels(**address: Strategy) -> Strategy:
    """A way of delivering: on only where it has its address."""
    told = {"kinds": kinds, "timeframes": timeframes, "troubles": st.booleans()}
    return some(**told, enabled=st.just(False)) | st.fixed_dictionaries(
        address, optional={**told, "enabled": st.booleans()}
    )


profiles = some(
    public_name=lines.filter(bool),
    description=texts,
    primary_exchange=exchange_names,
    trading_mode=st.sampled_from(["paper", "live"]),
    currency=st.sampled_from(sorted(currencies())),
    timezone=zones,
    locale=st.sampled_from(["de", "en-GB", "zh-Hant-TW", "zh-TW", "es-419", "sr-Latn-RS"]),
    date_format=st.sampled_from(["DD.MM.YYYY", "D MMM YYYY"]),
    trade_settings=some(
        trading_strategy=lines,
        trading_hours_utc=st.sampled_from(["22:00-06:00", "00:00-24:00"]),
        trading_days=st.sampled_from(["sat-sun,tue", "fri-mon", "wed"]),
        max_daily_trades=st.integers(0, 10_000),
        stop_loss_percentage=percentages,
        preferred_timeframes=timeframes.map(",".join),
    ),
)


def current_documents(sub: str) -> Strategy:
    """Valid documents of the current version, with any part of them left out."""
    rows_of_watchlist = st.fixed_dictionaries(
        {"symbol": symbols, "exchange": exchange_names},
        optional={"enabled": st.booleans(), "categories": st.just(["meme"])},
    )
    documents = st.fixed_dictionaries(
        {"version": st.just(2), "sub": st.just(sub)},
        optional={
            "perseus_profile": profiles,
            "livermore_runtime": some(auto_start=st.booleans()),
            "exchanges": st.fixed_dictionaries(
                {"coinbase": exchanges("ApiKey", "Secret")},
                optional={
                    "binance": exchanges("ApiKey", "Secret"),
                    "kucoin": exchanges("ApiKey", "Secret", "Password"),
                },
            ),
            "load_positions_from_exchange": st.booleans(),
            "position_symbols": rows(
                st.fixed_dictionaries({"symbol": symbols, "exchange": exchange_names})
            ),
            "position_min_value_usd": number(0, 1_000_000),
            "watchlist": rows(rows_of_watchlist),
            "scanner": some(
                enabled=st.booleans(),
                exchange=exchange_names,
                quote=st.sampled_from(["USDT", "FDUSD", "1INCH"]),
                top_n=st.integers(10, 100),
                min_volume_24h_quote=number(0, 1e15),
                exclude=st.lists(symbols, max_size=3, unique=True),
            ),
            "modes": st.fixed_dictionaries(
                {}, optional={"position-monitor": modes, "scalper-macdv": modes}
            ),
            "notifications": some(
                email=channels(address=st.just("anna@example.org")),
                discord=channels(webhook_url_environment_variable=variable_names),
                push=channels(url_environment_variable=variable_names),
            ),
            "schedule": schedules,
        },
    )
    return documents.map(_agreeing)


def _agreeing(document: dict[str, Any]) -> dict[str, Any]:
    """What was drawn, with the exchanges that it needs taken from those that it has."""
    configured = document.get("exchanges", {"coinbase": {"enabled": True}})
    enabled = [name for name, one in configured.items() if one.get("enabled")]
    usable = enabled or list(configured)
    profile = document.get("perseus_profile", {})
    if profile.get("primary_exchange", "coinbase") not in usable:
        document["perseus_profile"] = {**profile, "primary_exchange": usable[-1]}
    scanner = document.get("scanner", {})
    if scanner.get("enabled") and scanner.get("exchange", "coinbase") not in enabled:
        document["scanner"] = {**scanner, "enabled": bool(enabled), "exchange": usable[-1]}
    if not any("ApiKeyEnvironmentVariableName" in configured[name] for name in enabled):
        document.pop("load_positions_from_exchange", None)
    return document


# Anything that jsonb can hold; and, most often, a sensible value in its sensible place.
anything: Strategy = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=6,
)


# What people paste where a name belongs, and sometimes where a key of the document does.
SECRETS = (
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "https://discord.com/api/webhooks/1234567890/aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
)
secrets = st.sampled_from(SECRETS)


def legacy_documents() -> Strategy:
    """Version 0: the old file as people's hands and old programs may have left it."""
    loose_exchange = some(
        enabled=st.booleans() | anything,
        ApiKeyEnvironmentVariableName=variable_names | st.just("") | secrets,
        SecretEnvironmentVariableName=variable_names | st.just(""),
        PasswordEnvironmentVariableName=variable_names | texts,
    )
    loose_channel = some(
        enabled=st.booleans(),
        address=st.sampled_from(["anna@example.org", "anna", ""]),
        url_environment_variable=variable_names,
        webhook_url_environment_variable=variable_names,
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "sub": texts,
            "perseus_profile": anything
            | some(
                primary_exchange=st.sampled_from(["Coinbase", "kucoin", "kraken"]) | anything,
                public_name=texts | anything | secrets,
                currency=st.sampled_from(["EUR", "DEM", "usd"]) | anything,
                timezone=st.sampled_from(["Europe/Berlin", "Mars/Phobos"]) | anything,
                locale=st.sampled_from(["en_US", "de", "xx-YY", "de_JP"]) | anything,
                notification_preferences=st.sampled_from(["email, push", "discord"]) | anything,
                discord_integration=some(
                    enabled=st.booleans() | anything,
                    webhook_url_environment_variable=variable_names | texts,
                )
                | anything,
                trade_settings=some(
                    stop_loss_percentage=number(-5, 200),
                    trading_days=st.sampled_from(["mon-fri", "mon-mon", "mon,mon", "weekdays"]),
                    preferred_timeframes=st.sampled_from(["1h,1h", "1h"]),
                )
                | anything,
            ),
            "livermore_runtime": some(auto_start=st.booleans(), logging=anything) | anything,
            "exchanges": st.dictionaries(
                st.sampled_from(["Coinbase", "coinbase", "kraken", "binance", "KuCoin", ""])
                | texts
                | secrets,
                loose_exchange | anything,
                max_size=4,
            )
            | anything,
            "load_positions_from_exchange": st.booleans() | anything,
            "position_symbols": st.lists(symbols | texts | anything, max_size=5) | anything,
            "position_min_value_usd": number(-5, 100) | anything,
            "scanner_to_maintain_symbols_enabled": st.booleans() | anything,
            "scanner_exchange": st.sampled_from(["Coinbase", "binance", "kraken"]) | anything,
            "scanner_auto_restart_services": st.booleans() | anything,
            "symbols": st.lists(symbols | texts | anything | secrets, max_size=6) | anything,
            "sparse_symbols": st.lists(symbols, max_size=6) | anything,
            "watchlist": anything,
            "modes": anything,
            "notifications": some(email=loose_channel, discord=loose_channel, push=loose_channel)
            | anything,
            "schedule": schedules | anything,
            "a key of nobody": anything,
            SECRETS[0]: anything,
        },
    )


# ---------------------------------------------------------------------- broken documents
def broken_documents(sub: str) -> Strategy:
    """Documents that are certainly refused: valid ones with one to four mutations.

    Among them wrong types, numbers out of bounds, unknown and misspelt keys, texts that nothing
    can hold, nesting beyond reason, and what is no object at all. Some hold NaN or infinity, which
    ``json.dumps`` writes and strict readers of JSON refuse.
    """
    return st.builds(broken, current_documents(sub), st.integers(0, 2**32))


def broken(document: Any, seed: int) -> Any:
    """A copy of a valid document with one to four mutations, the same for the same seed."""
    random = Random(seed)
    if random.random() < 0.03:
        return random.choice([None, True, 5, -1.5, "", "version", [], [document], math.nan])
    places = list(_places(document))
    chosen: list[tuple[Any, ...]] = []
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        path = random.choice(places)
        # Not within each other: two wrongs in one place could make a right.
        if not any(path[: len(one)] == one[: len(path)] for one in chosen):
            chosen.append(path)
            document = _replaced(document, path, random)
    return document


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    rows = enumerate(value) if isinstance(value, list) else ()
    members = value.items() if isinstance(value, dict) else ()
    yield at
    for key, member in (*rows, *members):
        yield from _places(member, (*at, key))


def _replaced(value: Any, path: tuple[Any, ...], random: Random) -> Any:
    if not path:
        return _spoilt(value, random)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], random)
    return copy


WRONG_TEXTS = ("half \ud83d", "\x00", "x" * 2_000, "\U0001f98a" * 1_001)
WRONG_NUMBERS = (1e300, -1e300, 10**400, -(10**30), math.nan, math.inf, -math.inf)
WRONG_KEYS = ("", "~", "a/b", "__proto__", "\u202ewatchlist", "null", "x" * 5_000, "\ud800", "Á")


def _spoilt(value: Any, random: Random) -> Any:
    """Something that cannot stand where ``value`` stood."""
    if isinstance(value, dict):
        spoil = random.choice([_with_wrong_key, _with_misspelt_key, _with_depth, _as_a_list])
        return spoil(value, random)
    other_types: list[Any] = [{"": None}, [[]], {"a": [value]}, {"enabled": True}]
    if isinstance(value, list):
        return random.choice([*other_types[:1], True, 7, 0.5, "", [*value, None], [*value, [[]]]])
    wrong = WRONG_TEXTS if isinstance(value, str) else WRONG_NUMBERS
    if isinstance(value, str):
        other_types += [True, 12, 0.25, -1]
    else:
        other_types += ["", "12", "true", "Ünïcödé"]
    return random.choice([*other_types, *wrong])


def _with_wrong_key(value: dict[str, Any], random: Random) -> Any:
    return {**value, random.choice(WRONG_KEYS): random.choice([None, 1, "x", {}, []])}


def _with_misspelt_key(value: dict[str, Any], random: Random) -> Any:
    if not value:
        return _with_wrong_key(value, random)
    key = random.choice(list(value))
    return {**value, random.choice([key[:-1] + "~", key.title() + "!", f" {key}"]): value[key]}


def _with_depth(value: dict[str, Any], random: Random) -> Any:
    deep: Any = random.choice([{}, [], "end"])
    for _ in range(random.choice([3, 31, 40, 400])):
        deep = [deep] if random.random() < 0.5 else {"deeper": deep}
    return {**value, "deep": deep}


def _as_a_list(value: dict[str, Any], random: Random) -> Any:
    return random.choice([[], [value], "object", 3, False])
