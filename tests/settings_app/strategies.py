"""Hypothesis strategies for settings documents: current ones, and older ones in any disorder."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from settings_app.schema.fields import timezones
from trading.core.market import Timeframe
from trading.core.modes import SignalKind

Strategy = st.SearchStrategy[Any]

# Everything that PostgreSQL can hold: odd Unicode too, no NUL, no half surrogate pairs.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, max_size=40)
symbols = st.from_regex(r"\A[A-Z0-9]{1,8}-(USD|USDT|EUR|BTC)\Z")
exchange_names = st.sampled_from(["coinbase", "binance", "kucoin"])
variable_names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,30}\Z")
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
exchanges = some(
    enabled=st.booleans(),
    ApiKeyEnvironmentVariableName=variable_names,
    SecretEnvironmentVariableName=variable_names,
    PasswordEnvironmentVariableName=variable_names,
    defaults=some(trading_strategy=texts, stop_loss_percentage=percentages),
)
schedules = st.lists(
    st.fixed_dictionaries(
        {"at": clock_times, "command": st.sampled_from(["pause", "resume"])},
        optional={"timezone": st.sampled_from(sorted(timezones()))},
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
channels = {"kinds": kinds, "timeframes": timeframes, "troubles": st.booleans()}


def current_documents(sub: str) -> Strategy:
    """Valid documents of the current version, with any part of them left out."""
    return st.fixed_dictionaries(
        {"version": st.just(2), "sub": st.just(sub)},
        optional={
            "perseus_profile": some(
                public_name=texts.filter(bool),
                description=texts,
                timezone=st.sampled_from(sorted(timezones())),
                trade_settings=some(
                    trading_strategy=texts,
                    max_daily_trades=st.integers(0, 10_000),
                    stop_loss_percentage=percentages,
                ),
            ),
            "livermore_runtime": some(auto_start=st.booleans()),
            "exchanges": st.fixed_dictionaries(
                {"coinbase": exchanges}, optional={"binance": exchanges, "kucoin": exchanges}
            ),
            "position_symbols": rows(
                st.fixed_dictionaries({"symbol": symbols, "exchange": exchange_names})
            ),
            "position_min_value_usd": number(0, 1_000_000),
            "watchlist": rows(
                st.fixed_dictionaries(
                    {"symbol": symbols, "exchange": exchange_names},
                    optional={"enabled": st.booleans(), "categories": st.just(["meme"])},
                )
            ),
            "scanner": some(top_n=st.integers(10, 100), min_volume_24h_quote=number(0, 1e15)),
            "modes": st.fixed_dictionaries(
                {}, optional={"position-monitor": modes, "scalper-macdv": modes}
            ),
            "notifications": some(
                discord=some(webhook_url_environment_variable=variable_names, **channels),
                push=some(**channels),
            ),
            "schedule": schedules,
        },
    )


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


def legacy_documents() -> Strategy:
    """Version 0: the old file as people's hands and old programs may have left it."""
    return st.fixed_dictionaries(
        {},
        optional={
            "sub": texts,
            "perseus_profile": anything
            | some(
                primary_exchange=st.sampled_from(["Coinbase", "kucoin", "kraken"]) | anything,
                public_name=texts | anything,
                locale=st.sampled_from(["en_US", "de", "xx-YY"]) | anything,
                notification_preferences=st.sampled_from(["email, push", "discord"]) | anything,
                discord_integration=some(
                    enabled=st.booleans() | anything,
                    webhook_url_environment_variable=variable_names | texts,
                )
                | anything,
                trade_settings=some(stop_loss_percentage=number(-5, 200)) | anything,
            ),
            "livermore_runtime": some(auto_start=st.booleans(), logging=anything) | anything,
            "exchanges": st.dictionaries(
                st.sampled_from(["Coinbase", "coinbase", "kraken", "binance", ""]) | texts,
                exchanges | anything,
                max_size=4,
            )
            | anything,
            "position_symbols": st.lists(symbols | texts | anything, max_size=5) | anything,
            "position_min_value_usd": number(-5, 100) | anything,
            "scanner_to_maintain_symbols_enabled": st.booleans() | anything,
            "scanner_exchange": st.sampled_from(["Coinbase", "kraken"]) | anything,
            "scanner_auto_restart_services": st.booleans() | anything,
            "symbols": st.lists(symbols | texts | anything, max_size=6) | anything,
            "sparse_symbols": st.lists(symbols, max_size=6) | anything,
            "watchlist": anything,
            "modes": anything,
            "a key of nobody": anything,
        },
    )
