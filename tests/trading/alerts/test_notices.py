"""What is said of an alert row, to the reader whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.alerts.said import words
from trading.alerts.compose import system_alert
from trading.alerts.notices import notice_of
from trading.alerts.reader import Reader
from trading.models import Alert

AT = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)
ANN = Reader()
BELA = Reader(timezone="Europe/Berlin", locale="de", date_format="DD.MM.YYYY", time_format="24h")
MOMENTUM = {"1m": 12.0, "5m": None, "15m": -3.5, "1h": 152.7, "4h": 80.0, "1d": 44.0}

json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ("bar", "before", "momentum", "bias", "macdV", "close", "at", "state", "1m", "kind")
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=12,
)


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "pk": 7,
        "user_id": 1,
        "exchange": "coinbase",
        "symbol": "BTC-USD",
        "timeframe": "1h",
        "kind": "level",
        "direction": "up",
        "candle_opened_at": AT.replace(hour=21),
        "candle_closed_at": AT,
        "value": 152.7,
        "price": Decimal("66312.400000000000000000"),
        "level": 150.0,
        "stage": "risk-overbought",
        "detail": "through +150",
        "values": {
            "bar": {"macdV": 152.7, "close": 66312.4, "signal": 120.0, "histogram": 32.7},
            "before": {"macdV": 143.2, "close": 66000.0},
            "momentum": MOMENTUM,
            "bias": "bullish",
        },
    }
    return Alert(**{**fields, **changes})


def test_notice_says_what_why_and_where() -> None:
    notice = notice_of(alert(), ANN)
    assert notice.alert_id == 7
    assert notice.title == "BTC-USD 1h on coinbase: level through +150"
    assert notice.summary == (
        "MACD-V went from +143.2 to +152.7: through +150. Signal line +120.0, histogram +32.7."
    )
    assert notice.tone == "up"
    assert notice.facts == [
        ("Symbol", "BTC-USD"),
        ("Exchange", "coinbase"),
        ("Timeframe", "1h"),
        ("Kind", "level"),
        ("Direction", "up"),
        ("Stage", "risk overbought"),
        ("MACD-V now", "+152.7"),
        ("Price", "66,312.4"),
        ("Level", "+150"),
    ]
    assert notice.momentum == MOMENTUM
    assert notice.bias == "bullish"
    assert notice.at == AT


def test_two_readers_have_times_and_numbers_as_they_write_them() -> None:
    to_ann, to_bela = notice_of(alert(), ANN), notice_of(alert(), BELA)
    assert to_ann.at_local == "2026-11-28 22:30:00 UTC"
    assert to_bela.at_local == "28.11.2026 23:30:00 Europe/Berlin"
    assert dict(to_ann.facts)["Price"] == "66,312.4"
    assert dict(to_bela.facts)["Price"] == "66.312,4"
    assert to_ann.at == to_bela.at


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        (Reader(date_format="DD/MM/YYYY"), "28/11/2026 22:30:00 UTC"),
        (Reader(date_format="MM/DD/YYYY"), "11/28/2026 22:30:00 UTC"),
        (Reader(date_format="D MMM YYYY", locale="de"), "28 Nov. 2026 22:30:00 UTC"),
        (Reader(timezone="America/New_York"), "2026-11-28 17:30:00 America/New_York"),
        (Reader(timezone="No/Where", locale="xx-notone"), "2026-11-28 22:30:00 UTC"),
    ],
)
def test_moment_is_told_as_the_reader_writes_it(reader: Reader, told: str) -> None:
    assert reader.moment(AT) == told


def test_twelve_hours_say_which_half_of_the_day() -> None:
    assert Reader(time_format="12h").moment(AT).split() == ["2026-11-28", "10:30:00", "PM", "UTC"]


@pytest.mark.parametrize(
    ("text", "written"),
    [("0.000000000000000001", "0.000000000000000001"), ("1E+9", "1,000,000,000"), ("100", "100")],
)
def test_price_keeps_its_digits(text: str, written: str) -> None:
    assert ANN.number(Decimal(text)) == written


def test_price_move_is_told_in_prices() -> None:
    moved = alert(kind="price-move", direction="down", level=None, detail="through stop loss")
    assert (
        notice_of(moved, ANN).summary
        == "The close went from 66,000 to 66,312.4: through stop loss."
    )
    assert notice_of(moved, ANN).tone == "down"


def test_row_of_an_older_version_says_less() -> None:
    notice = notice_of(alert(values={}), ANN)
    assert notice.summary == "through +150."
    assert (notice.momentum, notice.bias) == ({}, "")


def test_neutral_bias_is_none() -> None:
    assert notice_of(alert(values={"bias": "neutral"}), ANN).bias == ""


def test_missed_signal_says_that_it_is() -> None:
    notice = notice_of(alert(state=Alert.State.MISSED), ANN)
    assert notice.summary.endswith("Its candle closed during an outage.")


@pytest.mark.parametrize(
    ("state", "title", "tone"),
    [("began", "Livermore: trouble", "trouble"), ("ended", "Livermore: over", "recovered")],
)
def test_system_alert_says_whether_it_begins_or_ends(state: str, title: str, tone: str) -> None:
    values = {
        "kind": "stale-feed",
        "subject": "coinbase",
        "state": state,
        "at": AT.timestamp() * 1_000,
    }
    row = system_alert(1, exchange="coinbase", detail="No message for 60 s.", values=values)
    notice = notice_of(row, BELA)
    assert (notice.title, notice.tone) == (title, tone)
    assert notice.summary == "No message for 60 s."
    assert notice.facts == [("What", "stale feed"), ("Of", "coinbase")]
    assert notice.at == AT
    assert notice.at_local == "28.11.2026 23:30:00 Europe/Berlin"


def test_a_test_is_no_trouble() -> None:
    row = system_alert(1, exchange="", detail="A test: Push is reached.", values={"test": True})
    row.created_at = AT
    notice = notice_of(row, ANN)
    assert (notice.title, notice.tone) == ("Livermore: a test", "recovered")
    assert (notice.summary, notice.facts) == ("A test: Push is reached.", [])


@given(json, words, st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_whatever_the_values_hold_a_notice_is_made(
    values: Any, detail: str, number: float, is_system: bool
) -> None:
    kind = "system" if is_system else "level"
    row = alert(kind=kind, values=values, detail=detail, value=number, level=number, created_at=AT)
    notice = notice_of(row, BELA)
    assert notice.title
    assert set(notice.momentum) <= set(MOMENTUM)
