"""Frames are decoded exactly, and corrupt ones are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import Malformed
from trading.exchanges.coinbase.frames import MarketTrades, decode, unix_us

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-09-05T22:10:59Z", 1_788_646_259_000_000),
        ("2026-09-05T22:10:59.1Z", 1_788_646_259_100_000),
        ("2026-09-05T22:10:59.16Z", 1_788_646_259_160_000),
        ("2026-09-05T22:10:59.165Z", 1_788_646_259_165_000),
        ("2026-09-05T22:10:59.662782Z", 1_788_646_259_662_782),
        ("2026-09-05T22:10:18.66623968Z", 1_788_646_218_666_239),
        ("2026-09-05T22:10:59.999999999Z", 1_788_646_259_999_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_time_is_read_with_none_to_nine_digits(text: str, expected: int) -> None:
    assert unix_us(text) == expected


@given(st.integers(0, 4 * 10**15), st.text("0123456789", max_size=3))
def test_no_microsecond_is_lost_and_none_is_rounded_up(moment: int, below: str) -> None:
    at = EPOCH + timedelta(microseconds=moment)

    assert unix_us(f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}{below}Z") == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "yesterday",
        "2026-09-05T22:10:59",
        "2026-09-05T22:10:59.5+02:00",
        "2026-09-05 22:10:59.5Z",
        "2026-13-05T22:10:59Z",
        "2026-09-05T22:10:nanZ",
        "2026-09-05T22:10:infZ",
    ],
)
def test_what_is_no_time_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="RFC 3339"):
        unix_us(text)


@given(st.integers(1, 10**12), st.integers(0, 10))
def test_price_is_the_float_nearest_to_its_decimal(units: int, places: int) -> None:
    digits = f"{units:0{places + 1}d}"
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}".rstrip(".")

    frame = decode(
        '{"channel":"market_trades","events":[{"trades":[{"product_id":"A-B","trade_id":"1",'
        f'"price":"{text}","size":"1","time":"2026-09-05T22:10:59Z","side":"BUY"}}]}}]}}'
    )

    assert isinstance(frame, MarketTrades)
    assert frame.events[0].trades[0].price == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "42",
        b"\xff\xfe",
        '{"channel":7}',
        '{"channel":"market_trades"}',
        '{"channel":"market_trades","events":{}}',
        '{"channel":"subscriptions","events":[{"subscriptions":["BTC-USD"]}]}',
        '{"channel":"heartbeats","sequence_num":"x"}',
        '{"channel":"heartbeats","sequence_num":-1}',
        '{"channel":"ticker","events":[',
        '{"channel":"ticker"} and more',
        f'{{"channel":"ticker","events":{"[" * 100_000}',
        f'{{"channel":"heartbeats","events":{"[" * 100_000}',
    ],
)
def test_frame_that_is_no_frame_is_malformed(text: str | bytes) -> None:
    with pytest.raises(Malformed):
        decode(text)
