"""The chart's page as the server writes it: its values, its empty and error states, its links."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings as Configuration

from control import wire
from control.candles import candle_entry
from control.protocol import SymbolStatus, candles_of, status_of
from settings_app.models import User
from tests.control.admin.conftest import signed_in
from tests.control.alerts import told
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory
from trading.core.candles import carry_forward
from trading.core.market import Candle, Market, Timeframe
from trading.net.endpoints import Endpoints

BTC = Market("coinbase", "BTC-USD")
HOUR = 3_600
ASKED = {"exchange": "coinbase", "symbol": "BTC-USD", "timeframe": "1h"}


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def visitor(anna: User) -> Client:
    return signed_in(anna)


@pytest.fixture
def _no_exchange_answers(settings: Configuration) -> None:
    nowhere = Endpoints(rest="http://127.0.0.1:9", websocket="ws://127.0.0.1:9")
    settings.EXCHANGES = {"coinbase": nowhere}


def hour(opened_at: int, timeframe: Timeframe = Timeframe.H1, **fields: Any) -> Candle:
    shape = {"open": 100.0, "high": 103.0, "low": 99.0, "close": 102.0, "volume": 1.5}
    return Candle(market=BTC, timeframe=timeframe, opened_at=opened_at, **{**shape, **fields})


def keep(*bars: Candle) -> None:
    with wire.connect() as redis:
        for bar in bars:
            name = candles_of(*BTC, str(bar.timeframe))
            redis.zadd(name, {candle_entry(bar): bar.opened_at})


def this_hour() -> int:
    return Timeframe.H1.bucket(int(time.time()))


def some_hours(count: int = 60) -> Iterator[Candle]:
    start = this_hour() - count * HOUR
    for index in range(count):
        close = 100.0 + index % 7
        opened_at = start + index * HOUR
        if index == 3:
            yield carry_forward(BTC, Timeframe.H1, opened_at, 102.0)
        else:
            yield hour(opened_at, close=close, high=close + 5)


def shown(visitor: Client, status: int = 200, **asked: Any) -> str:
    response = visitor.get(f"{reverse('admin:chart')}?{urlencode({**ASKED, **asked})}")
    assert response.status_code == status
    return response.content.decode()


def boot(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="lv-boot" type="application/json">(.*?)</script>', html)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_page_has_what_is_drawn_and_the_same_as_a_table(visitor: Client) -> None:
    keep(*some_hours())
    html = shown(visitor)
    told_ = boot(html)
    assert [told_[name] for name in ("exchange", "symbol", "timeframe")] == [*BTC, "1h"]
    assert told_["at"] is None
    assert len(told_["bars"]) == 60
    opened_at, *prices = told_["bars"][-1][:6]
    assert opened_at == this_hour() - HOUR
    assert prices == [100.0, 108.0, 99.0, 103.0, 1.5]
    assert [bar[6] for bar in told_["bars"][2:5]] == [0, 1, 0]
    assert told_["bars"][24][7] is None
    assert told_["bars"][30][7] is not None
    assert html.count('<tr data-opened="1') == 60
    assert "no trade" in html
    assert 'aria-current="true">1h' in html


def test_the_candle_that_forms_is_made_of_its_minutes(visitor: Client) -> None:
    keep(*some_hours(30))
    now = this_hour()
    keep(
        hour(now, Timeframe.M1, open=102.0, high=110.0, low=101.0, close=104.0),
        hour(now + 60, Timeframe.M1, open=104.0, high=105.0, low=90.0, close=95.0),
    )
    told_ = boot(shown(visitor))
    assert told_["forming"][:7] == [now, 102.0, 110.0, 90.0, 95.0, 3.0, 0]
    assert boot(shown(visitor, timeframe="1m"))["forming"] is None


def test_the_signals_of_the_candle_that_is_meant_stand_in_the_head(
    anna: User, visitor: Client
) -> None:
    bars = list(some_hours())
    keep(*bars)
    bela = UserFactory.create()
    meant = bars[40]
    moments: dict[str, Any] = {
        "candle_opened_at": datetime.fromtimestamp(meant.opened_at, UTC),
        "candle_closed_at": datetime.fromtimestamp(meant.closes_at, UTC),
    }
    alert = told(anna, detail="through +150", values={"bar": {"rsi": 66.6}}, **moments)
    told(anna, symbol="ETH-USD", detail="of another market", **moments)
    told(bela, detail="of somebody else", **moments)
    html = shown(visitor, at=meant.closes_at * 1_000)
    assert "level through +150" in words(html)
    assert "66.6" in words(html)
    told_ = boot(html)
    assert told_["at"] == meant.opened_at
    assert [one["id"] for one in told_["signals"]] == [alert.pk]
    assert told_["signals"][0]["openedAt"] == meant.opened_at
    assert "somebody else" not in html
    for link in re.findall(r'<a href="\?([^"]+)"', html)[:6]:
        assert f"at={meant.closes_at * 1_000}" in link


@pytest.mark.parametrize("at", ["", "x", "-1", "0", "9" * 30, f"{1:020}{'9' * 5_000}", "\0", "1.5"])
def test_a_moment_that_is_none_is_now(visitor: Client, at: str) -> None:
    keep(*some_hours(3))
    assert boot(shown(visitor, at=at))["at"] is None


def test_a_moment_that_is_kept_no_more_says_so(visitor: Client) -> None:
    keep(*some_hours(3))
    html = shown(visitor, at=1_700_000_000_000)
    assert "That moment is no longer kept" in html
    assert "The last 3 candles" in words(html)


@pytest.mark.usefixtures("_no_exchange_answers")
def test_an_exchange_that_does_not_answer_is_a_page_with_the_reason(visitor: Client) -> None:
    html = shown(visitor, 503)
    assert "No chart of BTC-USD" in words(html)
    assert "did not tell what it lists" in html


def test_an_exchange_that_livermore_does_not_know_is_a_page_with_the_way_out(
    visitor: Client,
) -> None:
    html = shown(visitor, 404, exchange="nowhere")
    assert "The exchange must be one of" in html
    assert "Back to the signals" in html


@pytest.mark.parametrize(
    "asked", [{"timeframe": "2h"}, {"symbol": ""}, {"exchange": ""}, {"symbol": "A\0B"}]
)
def test_who_names_no_market_is_asked_which(visitor: Client, asked: dict[str, Any]) -> None:
    html = shown(visitor, **asked)
    assert "Which chart?" in html
    assert 'name="symbol"' in html


def test_who_names_no_market_is_offered_what_they_watch(anna: User, visitor: Client) -> None:
    status = a_status(
        anna.sub,
        symbols=[SymbolStatus(symbol="BTC-USD", exchange="kucoin", live="receiving", tf={})],
    )
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), status.to_json())
    response = visitor.get(reverse("admin:chart"))
    html = response.content.decode()
    assert "?exchange=kucoin&amp;symbol=BTC-USD&amp;timeframe=1h" in html


def test_a_symbol_is_found_as_people_write_it(visitor: Client) -> None:
    keep(*some_hours(3))
    assert boot(shown(visitor, symbol=" btc/usd "))["symbol"] == "BTC-USD"


def test_a_stale_chart_says_how_old_it_is(visitor: Client) -> None:
    start = this_hour() - 50 * HOUR
    keep(*(hour(start + index * HOUR) for index in range(3)))
    assert "nothing newer is kept" in shown(visitor)
