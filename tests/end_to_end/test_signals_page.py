"""What a trader does on the signals page and with the chart, in a real browser."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from control import wire
from control.candles import candle_entry
from control.protocol import candles_of
from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.running import Livermore
from tests.end_to_end.sessions import bring_session
from tests.settings_app.factories import UserFactory
from trading.core.candles import carry_forward
from trading.core.market import Candle, Market, Timeframe
from trading.models import Alert, Delivery, Mute

BTC = Market("coinbase", "BTC-USD")
HOUR = 3_600
CHART = "/admin/signals/chart/?exchange=coinbase&symbol=BTC-USD"
APART = """() => {
  const [axis] = [...document.querySelectorAll("#ch-box td:last-child")];
  const legends = [...document.querySelectorAll(".ch-legend")];
  return axis.getBoundingClientRect().left
    - Math.max(...legends.map((one) => one.getBoundingClientRect().right));
}"""
"""From the readout to the axis of the prices."""
APART_PX = 4
NEWS_MS = 90_000  # at the tests' speed a signal fires every few seconds


# ---------------------------------------------------------------------- rows of every state
@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    """A trader with an alert in every state, one of them on a candle that is kept."""
    user: User = UserFactory.create(username="anna")
    for hour, state in enumerate(Alert.State):
        told(user, hour=hour, state=state, direction="up" if hour % 2 else "down")
    troubled(user)
    failed = told(user, hour=30, state="failed", symbol="SOL-USD", kind="reversal", level=None)
    reason = "Discord has no such webhook any more: it was deleted"
    delivery(failed, state="failed", reason=reason, attempts=4)
    meant = list(candles())[-40]
    told(
        user,
        state="delivered",
        timeframe="1h",
        candle_opened_at=datetime.fromtimestamp(meant.opened_at, UTC),
        candle_closed_at=datetime.fromtimestamp(meant.closes_at, UTC),
        values={"bar": {"rsi": 71.5}},
    )
    return user


def candles() -> Iterator[Candle]:
    """Two hundred hours of a market, one of them idle and one of them missing."""
    start = Timeframe.H1.bucket(int(time.time())) - 200 * HOUR
    close = 97_000.0
    for index in range(200):
        opened_at, was = start + index * HOUR, close
        close = was + 90 * ((index * 7) % 11 - 5)
        if index == 150:
            yield carry_forward(BTC, Timeframe.H1, opened_at, was)
        elif index != 120:
            yield Candle(
                market=BTC,
                timeframe=Timeframe.H1,
                opened_at=opened_at,
                open=was,
                high=max(was, close) + 60,
                low=min(was, close) - 60,
                close=close,
                volume=3.25,
            )


@pytest.fixture
def console(console: Console) -> Iterator[Console]:
    """All but that a server which serves pages alone has no socket for them, and one refusal."""
    yield console
    expected = ("/ws/runtime/", "/api/alerts/mutes")
    console.messages[:] = [
        one for one in console.messages if not any(address in one for address in expected)
    ]


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer, anna: User, console: Console) -> Page:
    """A page of hers, signed in, with what is kept of a market."""
    hours = list(candles())
    newest = Timeframe.H4.bucket(hours[-1].opened_at) - Timeframe.H4.seconds
    with wire.connect() as redis:
        redis.zadd(candles_of(*BTC, "1h"), {candle_entry(bar): bar.opened_at for bar in hours})
        longer = carry_forward(BTC, Timeframe.H4, newest, 97_000.0)
        redis.zadd(candles_of(*BTC, "4h"), {candle_entry(longer): newest})
    bring_session(context, anna, live_server.url)
    page = context.new_page()
    console.hear(page)
    return page


def look(page: Page, name: str) -> None:
    """Keep a picture, where pictures are asked for."""
    if "LIVERMORE_SCREENSHOTS" in os.environ:
        folder = Path("test-results")
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_list_and_chart_are_whole_and_readable(
    page: Page, live_server: LiveServer, console: Console, viewport: ViewportSize, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size(viewport)
    page.goto(f"{live_server.url}{reverse('admin:signals')}")
    for state in Alert.State:
        expect(page.locator("#sg-rows .lv-st", has_text=str(state.label)).first).to_be_visible()
    expect(page.locator("#sg-failed")).to_contain_text("1 delivery failed")
    look(page, f"signals-{viewport['width']}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(page, console) == []
    page.goto(f"{live_server.url}{CHART}&timeframe=1h")
    expect(page.locator("#ch-box[data-drawn=yes] canvas").first).to_be_visible()
    expect(page.locator("#ch-legend")).to_contain_text(re.compile(r"O\s9.*C\s9"))
    assert page.evaluate(APART) >= APART_PX
    look(page, f"chart-{viewport['width']}-{scheme}")
    page.locator("#ch-data summary").click()
    expect(page.locator("#ch-values tr")).to_have_count(60)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(page, console) == []


def test_a_signal_is_seen_muted_and_sent_again_each_after_its_own_result(
    page: Page, live_server: LiveServer, anna: User
) -> None:
    page.goto(f"{live_server.url}{reverse('admin:signals')}")
    row = page.locator("#sg-rows tr", has_text="SOL-USD")
    row.get_by_role("button", name="Mark as seen").click()
    expect(row).to_have_attribute("data-seen", "yes")
    expect(page.locator(".lv-toast").last).to_contain_text("Marked as seen")
    row.get_by_role("link", name="Mute signals like this").click()
    dialog = page.get_by_role("dialog", name="Mute signals")
    expect(dialog.get_by_label("Symbol")).to_have_value("SOL-USD")
    dialog.get_by_label("Symbol").fill("no symbol")
    dialog.get_by_role("button", name="Mute").click()
    expect(dialog).to_contain_text("must be base and quote with a dash")
    dialog.get_by_label("Symbol").fill("sol-usd")
    dialog.get_by_role("button", name="Mute").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#sg-mutes li")).to_contain_text("reversal of SOL-USD on coinbase")
    assert Mute.objects.get().user == anna
    page.get_by_role("button", name="End").click()
    expect(page.locator("#sg-mutes")).to_be_hidden()
    row.get_by_role("button", name="Retry").click()
    expect(row.locator("[data-slot=state]")).to_have_text("Waiting")
    expect(page.locator("#sg-failed")).to_be_hidden()
    assert Delivery.objects.get().state == Delivery.State.WAITING
    page.get_by_role("button", name="Mark these as seen").click()
    expect(page.locator(".messagelist")).to_contain_text("10 alerts marked as seen.")


def test_filters_are_the_address_and_keep_the_keyboard_where_it_is(
    page: Page, live_server: LiveServer
) -> None:
    page.goto(f"{live_server.url}{reverse('admin:signals')}")
    page.keyboard.press("/")
    page.keyboard.type("sol")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=sol$"))
    expect(page.locator("#sg-rows tr")).to_have_count(1)
    expect(page.get_by_label("Symbol", exact=True).first).to_be_focused()
    page.get_by_label("Kind").first.select_option("level")
    expect(page).to_have_url(re.compile(r"\?q=sol&kind=level$"))
    expect(page.locator("#sg-none")).to_contain_text("No signal matches")
    expect(page.get_by_label("Kind").first).to_be_focused()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#sg-rows tr")).to_have_count(len(Alert.State) + 3)


def test_a_list_without_a_signal_says_so_also_once_the_line_is_there(
    page: Page, context: BrowserContext, live_server: LiveServer, anna: User
) -> None:
    anna.alerts.all().delete()
    context.route_web_socket(re.compile("/ws/runtime/"), lambda line: None)
    with page.expect_response(re.compile(r"/api/alerts\?.*limit=")):  # what opening it asks for
        page.goto(f"{live_server.url}{reverse('admin:signals')}")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#sg-none")).to_contain_text("No signals yet")
    expect(page.locator("#sg-list")).to_be_hidden()


def test_a_click_on_a_signal_opens_the_chart_at_its_moment_and_the_keyboard_walks_it(
    page: Page, live_server: LiveServer
) -> None:
    page.goto(f"{live_server.url}{reverse('admin:signals')}?state=delivered")
    page.locator("#sg-rows tr").first.get_by_role("link", name="BTC-USD").click()
    expect(page.locator("#ch-box[data-drawn=yes]")).to_be_visible()
    expect(page.locator(".ch-head dl")).to_contain_text("level through +150")
    expect(page.locator("#ch-told")).to_contain_text("level through +150")
    page.locator("#ch-box").focus()
    page.keyboard.press("End")
    newest = page.locator("#ch-read").text_content()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#ch-read")).to_contain_text("MACD-V")
    assert page.locator("#ch-read").text_content() != newest
    page.keyboard.press(",")
    expect(page.locator("#ch-read")).to_contain_text("level through +150")
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(r"timeframe=4h&at=\d+$"))
    expect(page.locator(".ch-notes")).to_contain_text("That moment is no longer kept")


# ---------------------------------------------------------------------- the whole stack
def test_what_fires_comes_on_top_or_waits_behind_a_bar(panel: Page, livermore: Livermore) -> None:
    panel.goto(f"{livermore.url}/admin/signals/?about=")
    rows = panel.locator("#sg-rows tr")
    fresh = panel.locator("#sg-rows tr.sg-fresh")
    expect(fresh.first).to_be_visible(timeout=NEWS_MS)
    newest = rows.first.get_attribute("data-alert") or ""
    expect(rows.first).not_to_have_attribute("data-alert", newest, timeout=NEWS_MS)
    assert int(rows.first.get_attribute("data-alert") or 0) > int(newest)
    panel.goto(f"{livermore.url}/admin/signals/?timeframe=1m")
    expect(rows.first).to_be_visible()
    first = int(rows.first.get_attribute("data-alert") or 0)
    expect(panel.locator("#sg-new")).to_be_visible(timeout=NEWS_MS)
    expect(panel.locator("#sg-new")).to_contain_text("new signal")
    assert int(rows.first.get_attribute("data-alert") or 0) == first
    panel.keyboard.press("n")
    expect(fresh.first.get_by_role("link").first).to_be_focused()
    assert {one.inner_text() for one in panel.locator("#sg-rows td:nth-child(3)").all()} == {"1m"}


FAIL = """
    INSERT INTO trading_delivery (alert_id, user_id, channel, state, reason, attempts, due_at,
        claimed_by, created_at, settled_at)
    SELECT id, user_id, 'discord', 'failed', 'the webhook is gone', 3, now(), '', now(), now()
    FROM trading_alert WHERE id = %s
"""


TELL = """
    INSERT INTO trading_alert (user_id, exchange, symbol, timeframe, kind, direction, stage, detail,
        values, state, created_at)
    SELECT user_id, 'coinbase', '', '', 'system', '', '', %s, %s::jsonb, 'recorded', now()
    FROM trading_alert ORDER BY id LIMIT 1
"""


@pytest.mark.parametrize("values", [{"kind": "scan", "scan": 7}, {"state": "began"}])
def test_what_livermore_says_leads_as_it_arrives_to_where_it_leads_when_it_is_read_anew(
    panel: Page, livermore: Livermore, values: dict[str, object]
) -> None:
    panel.goto(f"{livermore.url}/admin/signals/?about=")
    expect(panel.locator("#sg-rows tr").first).to_be_visible(timeout=NEWS_MS)
    detail = f"Something that was told at {time.time_ns()}."
    livermore.execute(TELL, [detail, json.dumps(values)])
    row = panel.locator("#sg-rows tr").filter(has_text=detail)
    expect(row).to_have_class(re.compile("sg-fresh"), timeout=NEWS_MS)
    arrived = row.get_by_role("link", name="Livermore").get_attribute("href")
    panel.reload()
    expect(row).not_to_have_class(re.compile("sg-fresh"))
    assert arrived == row.get_by_role("link", name="Livermore").get_attribute("href")
    assert arrived == "/admin/symbols/?scan=7#scan" or "scan" not in values
    livermore.execute("DELETE FROM trading_alert WHERE detail = %s", [detail])


def test_what_failed_is_pending_until_the_worker_has_tried_it_again(
    panel: Page, livermore: Livermore
) -> None:
    panel.goto(f"{livermore.url}/admin/signals/")
    expect(panel.locator("#sg-rows tr").first).to_be_visible(timeout=NEWS_MS)
    alert = panel.locator("#sg-rows tr").first.get_attribute("data-alert") or ""
    livermore.execute(FAIL, [alert])
    livermore.execute("UPDATE trading_alert SET state = 'failed' WHERE id = %s", [alert])
    panel.goto(f"{livermore.url}/admin/signals/?state=failed")
    row = panel.locator(f'tr[data-alert="{alert}"]')
    expect(row).to_contain_text("Discord: the webhook is gone (3 attempts)")
    row.get_by_role("button", name="Retry").click()
    expect(panel.locator(".lv-toast")).to_contain_text("Failed again", timeout=NEWS_MS)
    expect(row).not_to_contain_text("the webhook is gone")
    expect(row.get_by_role("button", name="Retry")).not_to_have_attribute("aria-busy", "true")
    livermore.execute("DELETE FROM trading_delivery WHERE alert_id = %s", [alert])
    livermore.execute("UPDATE trading_alert SET state = 'recorded' WHERE id = %s", [alert])


def test_the_chart_goes_on_with_each_candle_that_closes(panel: Page, livermore: Livermore) -> None:
    panel.goto(f"{livermore.url}{CHART}&timeframe=1m")
    expect(panel.locator("#ch-box[data-drawn=yes]")).to_be_visible()
    panel.locator("#ch-data summary").click()
    newest = panel.locator("#ch-values tr").first
    before = newest.get_attribute("data-opened") or ""
    expect(newest).not_to_have_attribute("data-opened", before, timeout=30_000)
    expect(newest.locator("[data-slot=v]")).not_to_be_empty()
    panel.goto(f"{livermore.url}{CHART}&timeframe=1d")
    expect(panel.locator("#ch-legend")).to_contain_text("still forming", timeout=30_000)


def test_without_javascript_list_and_chart_are_there_to_read_and_forms_are_sent(
    panel: Page, browser: Browser, context: BrowserContext, livermore: Livermore
) -> None:
    panel.goto(f"{livermore.url}/admin/signals/")
    crossovers = panel.locator("#sg-rows tr", has_text="crossover")
    expect(crossovers.first).to_be_visible(timeout=NEWS_MS)
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{livermore.url}/admin/signals/")
    page.get_by_label("Kind").first.select_option("crossover")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("kind=crossover"))
    row = page.locator("#sg-rows tr").first
    expect(row).to_contain_text("crossover")
    row.get_by_role("button", name="Mark as seen").click()
    expect(page).to_have_url(re.compile("kind=crossover"))
    expect(page.locator("#sg-rows tr[data-seen=yes]").first).to_be_visible()
    page.locator("#sg-rows tr").first.get_by_role("link").first.click()
    page.locator("#ch-data summary").click()
    expect(page.locator("#ch-values tr").first).to_be_visible()
    plain.close()
