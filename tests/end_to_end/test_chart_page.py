"""What the chart says of candles that are old, while they are and when they are not any more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from control import wire
from control.candles import candle_entry
from control.protocol import candles_of
from tests.end_to_end.conftest import Console
from tests.end_to_end.sessions import bring_session
from tests.settings_app.factories import UserFactory
from trading.core.candles import carry_forward
from trading.core.market import Candle, Market, Timeframe

BTC = Market("coinbase", "BTC-USD")
HOUR = 3_600
CHART = "/admin/signals/chart/?exchange=coinbase&symbol=BTC-USD&timeframe=1h"


@pytest.fixture
def page(
    context: BrowserContext,
    transactional_db: None,
    redis_url: str,
    live_server: LiveServer,
    console: Console,
) -> Iterator[Page]:
    bring_session(context, UserFactory.create(username="anna"), live_server.url)
    page = context.new_page()
    console.hear(page)
    yield page
    console.messages[:] = [one for one in console.messages if "/ws/runtime/" not in one]


def keep(*candles: Candle) -> None:
    """Let these be what is kept, of whatever timeframe."""
    with wire.connect() as redis:
        for one in candles:
            redis.zadd(candles_of(*BTC, one.timeframe), {candle_entry(one): one.opened_at})


def test_a_market_that_is_not_told_of_any_more_does_not_look_live(
    page: Page, live_server: LiveServer
) -> None:
    now = Timeframe.H1.bucket(int(time.time()))
    hours = [
        carry_forward(BTC, Timeframe.H1, now - ago * HOUR, 97_000.0) for ago in range(60, 0, -1)
    ]
    keep(*hours[:-5], carry_forward(BTC, Timeframe.M1, hours[-5].opened_at, 97_050.0))
    page.goto(f"{live_server.url}{CHART}")
    expect(page.locator("#ch-box[data-drawn=yes]")).to_be_visible()
    note, legend = page.locator("#ch-note"), page.locator("#ch-legend")
    said = re.compile(r"The newest candle closed 5 h( \d+ min)? ago; nothing newer is kept\.")
    expect(note).to_contain_text(said)
    expect(legend).to_contain_text("not told to its end")
    keep(*hours[-5:], carry_forward(BTC, Timeframe.M1, now, 97_060.0))
    expect(note).to_be_hidden()
    expect(legend).to_contain_text("still forming")
    with wire.connect() as redis:
        redis.zremrangebyscore(candles_of(*BTC, "1h"), hours[-4].opened_at, "+inf")
        redis.delete(candles_of(*BTC, "1m"))
    expect(note).to_contain_text("The newest candle closed 4 h")
