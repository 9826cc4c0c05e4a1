"""Which mutes can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trading.alerts.muting import LONGEST, WantedMute, in_words
from trading.models import Mute

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)


def faults(**fields: object) -> dict[str, str]:
    written = {"exchange": "", "symbol": "", "kind": "", "until": SOON, **fields}
    return WantedMute.written(**written).faults(NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"symbol": " btc-usd "},
        {"exchange": "Coinbase", "symbol": "BTC-USD", "kind": "Momentum-Shift"},
        {"until": NOW + LONGEST},
    ],
)
def test_a_mute_names_a_market_and_a_kind_or_leaves_them_open(fields: dict[str, object]) -> None:
    assert faults(**fields) == {}


@pytest.mark.parametrize(
    ("field", "value", "way_out"),
    [
        ("exchange", "kraken", "must be binance or coinbase or kucoin; leave it empty"),
        ("symbol", "BTCUSD", "such as BTC-USD; leave it empty"),
        ("symbol", "BTC-USD\n-", "such as BTC-USD"),
        ("kind", "system", "must be level or crossover"),
        ("until", NOW, "must be later than now"),
        ("until", NOW + LONGEST + timedelta(seconds=1), "must be within 366 days"),
    ],
)
def test_what_cannot_be_muted_names_its_field_and_the_way_out(
    field: str, value: object, way_out: str
) -> None:
    told = faults(**{field: value})
    assert list(told) == [field]
    assert way_out in told[field]
    assert not isinstance(value, str) or value not in told[field]


@pytest.mark.parametrize(
    ("mute", "words"),
    [
        (Mute(), "every signal of every symbol"),
        (Mute(symbol="BTC-USD", kind="momentum-shift"), "momentum shift of BTC-USD"),
        (Mute(exchange="coinbase"), "every signal of every symbol on coinbase"),
    ],
)
def test_a_mute_is_said_in_words(mute: Mute, words: str) -> None:
    assert in_words(mute) == words
