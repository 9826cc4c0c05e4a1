"""How the control panel is kept current: by what the line tells, and by what it could not tell.

The page is served without a worker: what it would write and tell, the tests do.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from control import wire
from control.alerts import signal_event
from control.protocol import Cell, HistoryEntry, State, SymbolStatus, history_of, now_ms
from settings_app.models import User
from tests.control.alerts import delivery, told
from tests.control.running import eventually
from tests.end_to_end.sockets import Socket
from trading.models import Alert

SIGNALS = re.compile(r"/api/alerts\?about=signals")
NAMES = "#cp-signals li:visible .cp-name a"
COUNT_TOUCHES = """(selector) => {
  const touches = {};
  new MutationObserver((records) => {
    for (const { type } of records) touches[type] = (touches[type] ?? 0) + 1;
  }).observe(document.querySelector(selector), {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
  window.touches = () => touches;
}"""
"""Gives ``touches()``: how often something in there has been changed since."""


def heard(page: Page, socket: Socket) -> bool:
    """Whether the page has heard all that was said to it."""
    socket.tell(state=State.PAUSED)
    expect(page.locator("#cp-pill")).to_contain_text("Paused")
    socket.tell()
    expect(page.locator("#cp-pill")).to_contain_text("Running")
    return True


@pytest.fixture
def panel(page: Page, live_server: LiveServer, anna: User, socket: Socket) -> Page:
    """Her panel, with a line and with two signals, the newer one not sent yet."""
    told(anna, hour=0, symbol="OLD-USD")
    delivery(told(anna, hour=4, symbol="NEW-USD", state="pending"))
    page.goto(f"{live_server.url}/admin/control/")
    assert heard(page, socket)
    expect(page.locator(NAMES)).to_have_text(["NEW", "OLD"])
    return page


# ---------------------------------------------------------------------- signals
def test_signals_that_fired_while_there_was_no_line_are_there_when_it_is_back(
    panel: Page, anna: User, socket: Socket
) -> None:
    socket.cut()
    missed = [
        told(anna, hour=hour, symbol=symbol)
        for hour, symbol in ((2, "LATE-USD"), (5, "NEWEST-USD"), (3, "LATER-USD"))
    ]
    socket.mend()
    ordered = ["NEWEST", "NEW", "LATER", "LATE", "OLD"]
    expect(panel.locator(NAMES)).to_have_text(ordered)
    for alert in missed:  # told after all, each is one
        socket.send({"type": "signal", **signal_event(alert).to_dict()})
    assert heard(panel, socket)
    expect(panel.locator(NAMES)).to_have_text(ordered)


def test_what_became_of_a_signal_while_there_was_no_line_is_said_when_it_is_back(
    panel: Page, socket: Socket
) -> None:
    socket.cut()
    Alert.objects.filter(symbol="NEW-USD").update(state="failed")
    socket.mend()
    mark = panel.locator("#cp-signals li", has_text="NEW").locator("[data-mark]")
    expect(mark).to_have_attribute("title", "Failed")
    expect(mark).to_be_visible()


def test_an_answer_takes_nothing_back_that_the_line_has_told_since(
    panel: Page, anna: User, socket: Socket
) -> None:
    held: list[tuple[Route, APIResponse]] = []
    panel.route(SIGNALS, lambda route: held.append((route, route.fetch())))
    told(anna, hour=2, symbol="LATE-USD")
    socket.send({"type": "link", "redis": "up"})
    eventually(lambda: panel.evaluate("true") and held)  # which takes what came
    newest = Alert.objects.get(symbol="NEW-USD")
    socket.send({"type": "alert", "id": newest.pk, "state": "delivered"})
    assert heard(panel, socket)
    for route, response in held:
        route.fulfill(response=response)
    expect(panel.locator(NAMES)).to_have_text(["NEW", "LATE", "OLD"])
    mark = panel.locator("#cp-signals li", has_text="NEW").locator("[data-mark]")
    assert mark.get_attribute("title") == "Delivered"


def test_a_signal_is_missed_behind_no_number_of_others_that_were_told_late(
    panel: Page, anna: User, socket: Socket
) -> None:
    socket.cut()
    told(anna, hour=200, symbol="NEWEST-USD")
    for hour in range(60):
        told(anna, hour=100 - hour, symbol="LATE-USD")
    socket.mend()
    expect(panel.locator(NAMES)).to_have_text(["NEWEST", *["LATE"] * 29])


def test_what_is_listed_as_it_is_stays_untouched_when_the_line_is_back(
    panel: Page, anna: User, socket: Socket
) -> None:
    link = panel.locator(NAMES).first
    link.focus()
    panel.evaluate(COUNT_TOUCHES, "#cp-signals")
    socket.cut()
    told(anna, hour=2, symbol="LATE-USD")
    socket.mend()
    expect(panel.locator(NAMES)).to_have_text(["NEW", "LATE", "OLD"])
    expect(link).to_be_focused()
    assert panel.evaluate("() => window.touches()") == {"childList": 1}


def test_a_signal_that_fired_while_the_page_was_on_its_way_is_there_with_the_line(
    page: Page, live_server: LiveServer, anna: User, socket: Socket
) -> None:
    socket.cut()
    page.goto(f"{live_server.url}/admin/control/")
    expect(page.locator("#cp-signals")).to_contain_text("No signals yet")
    told(anna, symbol="FIRST-USD")
    socket.mend()
    expect(page.locator(NAMES)).to_have_text(["FIRST"])


# ---------------------------------------------------------------------- commands
def answered(user: User, **facts: Any) -> None:
    """Write an answer into a user's history, and tell nobody."""
    line = HistoryEntry(
        **{
            "id": "11111111-1111-4111-8111-111111111111",
            "command": "switch-mode",
            "detail": "mode position-monitor",
            "who": "anna",
            "via": "command line",
            "status": "succeeded",
            "message": "watching 0 symbols",
            "at": now_ms(),
            "ms": 12,
            **facts,
        }
    )
    with wire.connect() as redis:
        redis.xadd(history_of(user.sub), {"entry": line.to_json()})


def test_what_others_ordered_while_there_was_no_line_is_there_when_it_is_back(
    panel: Page, anna: User, socket: Socket
) -> None:
    expect(panel.locator("#cp-commands")).to_contain_text("No commands yet")
    socket.cut()
    answered(anna)
    socket.mend()
    row = panel.locator("#cp-commands tr", has_text="mode position-monitor")
    expect(row).to_contain_text("watching 0 symbols")
    expect(row).to_have_count(1)


def test_an_order_that_was_recorded_says_that_it_was_applied_while_there_was_no_line(
    panel: Page, anna: User, socket: Socket
) -> None:
    socket.send({"type": "status", "status": None})
    expect(panel.locator("#cp-pill")).to_contain_text("Offline")
    with panel.expect_response("**/control/command") as posted:
        panel.keyboard.press("p")
    newest = panel.locator("#cp-commands tr").first
    expect(newest).to_contain_text("Recorded")
    socket.cut()
    answered(anna, id=posted.value.json()["commandId"], command="pause", message="paused")
    socket.mend()
    expect(newest).to_contain_text("Applied")
    expect(newest).to_contain_text("12 ms")
    expect(panel.locator("#cp-commands tr:visible")).to_have_count(1)


# ---------------------------------------------------------------------- the map's read-out
def btc(**facts: Any) -> list[SymbolStatus]:
    """The symbols of a status: one, whose shortest timeframe has these values."""
    tf = {"1m": Cell(**facts)}
    return [SymbolStatus(symbol="BTC-USD", exchange="coinbase", live="receiving", tf=tf)]


def test_the_read_out_goes_on_with_the_cell_that_the_pointer_rests_on(
    panel: Page, socket: Socket
) -> None:
    cell, read = panel.locator("#cp-map .lv-z[data-tf='1m']"), panel.locator("#cp-read")
    cell.hover()
    expect(read).to_contain_text("BTC-USD 1m MACD-V \u2212151.4")
    market = {"exchange": "coinbase", "symbol": "BTC-USD", "timeframe": "1m"}
    socket.send({"type": "indicator", **market, "cell": {"v": 160.0}})
    expect(read).to_have_text("BTC-USD 1m MACD-V +160.0")
    socket.tell(symbols=btc(v=-20.0))
    expect(read).to_have_text("BTC-USD 1m MACD-V \u221220.0")
    socket.tell(symbols=btc(g={"rsi": 71.26}), indicators={"macdv": "MACD-V", "rsi": "RSI"})
    expect(read).to_contain_text("warming up")
    panel.get_by_label("Indicator").select_option("RSI")
    expect(read).to_have_text("BTC-USD 1m RSI 71.3")


def test_the_read_out_says_nothing_again_and_nothing_of_a_cell_that_is_gone(
    panel: Page, socket: Socket
) -> None:
    read = panel.locator("#cp-read")
    panel.keyboard.press("h")
    expect(read).to_contain_text("BTC-USD 1m")
    panel.evaluate(COUNT_TOUCHES, "#cp-read")
    assert heard(panel, socket)
    assert panel.evaluate("() => window.touches()") == {}
    socket.tell(symbols=[])
    expect(read).to_contain_text("Move over a cell")
