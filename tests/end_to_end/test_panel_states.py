"""Every state and dialog of the panel, light and dark, on a desk and on a phone; and the first run.

The pages are served without a worker: what it would tell, the tests put on the page's socket.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from control import wire
from control.alerts import signal_event
from control.protocol import (
    Cell,
    Desired,
    Fault,
    HistoryEntry,
    RuntimeStatus,
    State,
    SymbolStatus,
    commands_of,
    history_of,
    now_ms,
    status_of,
)
from settings_app import services
from settings_app.models import User
from tests.control.alerts import told
from tests.control.statuses import a_status
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.sockets import Socket

FAULT = Fault(
    error="InvalidSequence: sequence 88123 after 88127",
    where="trading.desk",
    since=now_ms(),
    retry_at=now_ms() + 600_000,
    attempt=3,
)
STATES: dict[str, dict[str, Any]] = {
    "faulted": {"state": State.FAULTED, "fault": FAULT},
    "unusable": {
        "state": State.FAULTED,
        "fault": FAULT.model_copy(update={"where": "settings"}),
    },
    "paused": {"state": State.PAUSED, "paused_at": now_ms()},
    "stale": {
        "heartbeat_ms": 1,
        "desired": Desired(is_paused=True, mode="position-monitor", revision=9),
    },
}
DIALOGS = {
    "Switch mode…": "Switch mode",
    "Backfill…": "Backfill history",
    "Clear cache…": "Clear cache",
}


def says(user: User, status: RuntimeStatus) -> None:
    """Let this be what the user's runtime said last."""
    with wire.connect() as redis:
        redis.set(status_of(user.sub), status.to_json())


def has_no_serious_barrier(page: Page, console: Console) -> bool:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(page, console) == []
    return True


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_and_dialog_is_legible(
    page: Page,
    live_server: LiveServer,
    anna: User,
    socket: Socket,
    viewport: ViewportSize,
    scheme: str,
    console: Console,
) -> None:
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    says(anna, a_status(anna.sub))
    page.goto(f"{live_server.url}/admin/control/")
    for button, name in DIALOGS.items():
        socket.tell()
        page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog.get_by_text("…", exact=True)).to_have_count(0)  # it has been counted
        assert has_no_serious_barrier(page, console)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    for notice, changes in STATES.items():
        socket.tell(**changes)
        expect(page.locator(f'[data-notice="{notice}"]')).to_be_visible()
        assert has_no_serious_barrier(page, console)
    expect(page.locator('[data-notice="recorded"]')).to_contain_text(
        "pause, switch to position-monitor"
    )
    socket.send({"type": "status", "status": None})
    expect(page.locator('[data-notice="offline"]')).to_be_visible()
    assert has_no_serious_barrier(page, console)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_who_has_no_exchange_yet_is_led_to_the_settings(
    page: Page, live_server: LiveServer, anna: User, viewport: ViewportSize, console: Console
) -> None:
    page.set_viewport_size(viewport)
    nothing = {"exchanges": {"coinbase": {"enabled": False}}, "watchlist": []}
    services.patch(anna.pk, nothing, by=anna)
    page.goto(f"{live_server.url}/admin/control/")
    notice = page.locator('[data-notice="first-run"]')
    expect(notice).to_contain_text("Begin with an exchange")
    expect(page.locator('[data-notice="offline"]')).to_be_hidden()
    expect(page.locator("#cp-map-empty")).to_contain_text("No symbols to watch yet")
    assert has_no_serious_barrier(page, console)
    notice.get_by_role("link", name="Set up an exchange").click()
    expect(page).to_have_url(f"{live_server.url}/admin/settings/")


TIMEFRAMES = ["1m", "5m", "15m", "1h", "4h", "1d"]
CUT = """() => [...document.querySelectorAll("#cp-map .lv-z")].filter((cell) => {
  const number = document.createRange();
  number.selectNodeContents(cell);
  const [text, box] = [number, cell].map((one) => one.getBoundingClientRect());
  return text.width > 0 && (text.left < box.left || text.right > box.right);
}).map((cell) => cell.textContent)"""


def tell_many(socket: Socket, count: int, quote: str) -> None:
    """Say that so many symbols are watched, each at its extreme."""
    extremes = {
        name: Cell(v=-388.8, s=-300.0, h=-88.8, stage="risk-oversold") for name in TIMEFRAMES
    }
    socket.tell(
        timeframes=TIMEFRAMES,
        symbols=[
            SymbolStatus(
                symbol=f"TOKEN{number}-{quote}",
                exchange="coinbase" if quote == "USD" else "binance",
                live="receiving",
                tf=extremes,
            )
            for number in range(count)
        ],
    )


@pytest.mark.parametrize("width", [1920, 1360, 1024, 768, 390])
@pytest.mark.parametrize("quote", ["USD", "USDT"])
def test_no_number_of_a_long_map_loses_its_sign(
    page: Page, socket: Socket, live_server: LiveServer, width: int, quote: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/admin/control/")
    expect(page.locator("#cp-pill")).to_be_visible()
    tell_many(socket, 30, quote)
    expect(page.locator("#cp-map .cp-row[data-key]")).to_have_count(30)
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("quote", ["USD", "USDT"])
def test_hundreds_of_symbols_push_nothing_out_of_reach_and_keep_their_head(
    page: Page, socket: Socket, live_server: LiveServer, quote: str
) -> None:
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/admin/control/")
    expect(page.locator("#cp-pill")).to_be_visible()
    tell_many(socket, 300, quote)
    last = page.locator(f'.cp-row[data-key$=":TOKEN299-{quote}"]')
    expect(last).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollHeight < 2 * innerHeight")
    page.keyboard.press("h")
    for _ in range(100):
        page.keyboard.press("PageDown")
    page.keyboard.press("ArrowUp")
    expect(last).to_be_in_viewport()
    head = page.locator(".cp-hrow").first
    expect(head).to_be_in_viewport()
    assert page.evaluate("document.activeElement.closest('.cp-row') !== null")


def test_a_lock_out_is_told_in_our_own_looks(
    page: Page, context: BrowserContext, live_server: LiveServer, anna: User, console: Console
) -> None:
    context.clear_cookies()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        page.goto(f"{live_server.url}/admin/login/")
        page.get_by_label("Username").fill(anna.username)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Signing in is shut")).to_be_visible()
    expect(page.get_by_text("15 minutes")).to_be_visible()
    assert has_no_serious_barrier(page, console)
    console.messages[:] = [one for one in console.messages if "429" not in one]


def test_a_button_is_pending_through_the_acknowledgement_until_its_own_answer(
    page: Page, live_server: LiveServer, anna: User, socket: Socket
) -> None:
    says(anna, a_status(anna.sub))
    page.goto(f"{live_server.url}/admin/control/")
    socket.tell()
    reload = page.get_by_role("button", name="Reload settings")
    with page.expect_response("**/control/command") as posted:
        reload.click()
    command_id = posted.value.json()["commandId"]
    newest = page.locator("#cp-commands tr").first
    socket.send({"type": "ack", "commandId": command_id, "status": "acknowledged", "timestamp": 1})
    expect(newest).to_contain_text("Received")
    expect(reload).to_have_attribute("aria-busy", "true")
    answer = {"status": "succeeded", "success": True, "timestamp": 1}
    socket.send({"type": "result", "commandId": "another", **answer})
    expect(reload).to_have_attribute("aria-busy", "true")
    late = {"status": "expired", "success": False, "message": "not started within 30 s"}
    socket.send({"type": "result", "commandId": command_id, **late, "timestamp": 1})
    expect(newest).to_contain_text("Expired")
    expect(newest).to_contain_text("not started within 30 s")
    expect(reload).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".lv-toast")).to_contain_text("reload-settings expired")


def test_signals_stand_by_the_close_of_their_candle_whenever_they_are_told(
    page: Page, live_server: LiveServer, anna: User, socket: Socket
) -> None:
    for hour, symbol in ((0, "OLD-USD"), (4, "NEW-USD")):
        told(anna, hour=hour, symbol=symbol)
    told(anna, hour=2, symbol="LATE-USD", state="missed")
    says(anna, a_status(anna.sub))
    page.goto(f"{live_server.url}/admin/control/")
    socket.tell()
    names = page.locator("#cp-signals li:visible .cp-name a")
    expect(names).to_have_text(["NEW", "LATE", "OLD"])
    for hour, symbol in ((1, "MISSED-USD"), (5, "NEWEST-USD"), (2, "TWIN-USD")):
        socket.send(
            {"type": "signal", **signal_event(told(anna, hour=hour, symbol=symbol)).to_dict()}
        )
    ordered = ["NEWEST", "NEW", "TWIN", "LATE", "MISSED", "OLD"]
    expect(names).to_have_text(ordered)
    page.reload()
    expect(names).to_have_text(ordered)
    for hour in range(6, 36):
        socket.send({"type": "signal", **signal_event(told(anna, hour=hour)).to_dict()})
    expect(names).to_have_text(["BTC"] * 30)


def test_what_another_page_or_program_ordered_appears_with_its_answer(
    page: Page, live_server: LiveServer, anna: User, socket: Socket
) -> None:
    says(anna, a_status(anna.sub))
    page.goto(f"{live_server.url}/admin/control/")
    socket.tell()
    expect(page.locator("#cp-commands")).to_contain_text("No commands yet")
    line = HistoryEntry(
        id="11111111-1111-4111-8111-111111111111",
        command="switch-mode",
        detail="mode position-monitor",
        who="anna",
        via="command line",
        status="succeeded",
        message="watching 0 symbols",
        at=now_ms(),
        ms=12,
    )
    with wire.connect() as redis:
        redis.xadd(history_of(anna.sub), {"entry": line.to_json()})
    answer = {"status": "succeeded", "success": True, "timestamp": 1}
    for _ in range(2):  # told twice, it is one
        socket.send({"type": "result", "commandId": line.id, **answer})
        row = page.locator("#cp-commands tr", has_text="mode position-monitor")
        expect(row).to_contain_text("anna, command line")
        expect(row).to_contain_text("watching 0 symbols")
        expect(row).to_contain_text("12 ms")
    expect(row).to_have_count(1)


def test_without_javascript_history_and_cache_are_forms(
    page: Page, browser: Browser, live_server: LiveServer, anna: User
) -> None:
    cookies: Any = page.context.cookies()
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    context.add_cookies(cookies)
    plain = context.new_page()
    says(anna, a_status(anna.sub))
    for button, command in (("Backfill all", "force-backfill"), ("Read anew", "clear-cache")):
        plain.goto(f"{live_server.url}/admin/control/")
        plain.get_by_role("textbox", name="Symbol").fill("btc-usd")
        plain.get_by_role("button", name=button).click()
        told = f"{command.capitalize()}: sent, and not answered yet"
        expect(plain.locator(".messagelist")).to_contain_text(told)
    with wire.connect() as redis:
        rows: Any = redis.xrange(commands_of(anna.sub))
    sent = [json.loads(fields["command"])["payload"] for _, fields in rows]
    assert sent == [{"symbol": "BTC-USD"}, {"scope": "timeframe", "timeframe": "1m"}]
    for label in ("Control panel", "Mutes"):  # nothing could unfold a folded side bar
        name = plain.locator("#nav-sidebar").get_by_text(label, exact=True)
        assert (name.bounding_box() or {"width": 0})["width"] > len(label)
    plain.set_viewport_size(PHONE)
    tools = plain.locator("#cp-tools")
    assert tools.evaluate("tools => tools.scrollWidth <= tools.clientWidth")
    context.close()
