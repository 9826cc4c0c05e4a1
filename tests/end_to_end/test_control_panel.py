"""What a trader does on the control panel, in a real browser, against the whole stack."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from livermore.env import PROJECT
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console, sign_in
from tests.end_to_end.running import Livermore

SCREENSHOT = PROJECT / "docs" / "images" / "control-panel.png"
SECOND_BROWSER_MS = 500
DAY_MS = 86_400_000

# Notes every change of the button and the pill with the browser's time, so that a test can tell
# afterwards what was shown when.
# Of what is traded, the running stack tells something new every few seconds.
NOBODYS = {"exchange": "coinbase", "symbol": "S0-USD"}
WATCH = """() => {
  window.seen = [];
  const button = document.getElementById("cp-toggle");
  const pill = document.getElementById("cp-pill");
  const note = () => {
    const busy = button.getAttribute("aria-busy") === "true";
    const shown = pill.textContent.trim();
    const before = window.seen.at(-1);
    if (before?.busy === busy && before?.shown === shown) return;
    window.seen.push({ at: Date.now(), busy, shown });
  };
  note();
  for (const node of [button, pill]) {
    new MutationObserver(note).observe(
      node, {attributes: true, childList: true, characterData: true, subtree: true},
    );
  }
}"""


def trades(page: Page) -> int:
    return int(re.sub(r"\D", "", page.locator("#cp-trades").inner_text()) or "0")


def test_the_panel_shows_trades_being_processed(panel: Page) -> None:
    before = trades(panel)
    panel.wait_for_function(
        "before => Number(document.getElementById('cp-trades').textContent.replace(/\\D/g, ''))"
        " > before",
        arg=before,
    )
    expect(panel.locator("#cp-exchanges")).to_contain_text("Connected")
    expect(panel.get_by_role("row", name=re.compile(r"^BTC(?!-)"))).to_be_visible()
    if "LIVERMORE_SCREENSHOTS" in os.environ:
        renew_the_readmes_picture(panel)


def renew_the_readmes_picture(panel: Page) -> None:
    expect(panel.locator("#cp-signals li:visible").nth(9)).to_be_visible(timeout=90_000)
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    panel.screenshot(path=SCREENSHOT)


def test_a_pause_is_shown_when_it_is_applied_and_not_before(
    panel: Page, livermore: Livermore
) -> None:
    panel.evaluate(WATCH)
    with livermore.frozen_runtime():
        panel.keyboard.press("p")
        expect(panel.locator("#cp-toggle")).to_have_attribute("aria-busy", "true")
        expect(panel.locator("#cp-commands tr").first).to_contain_text("Sent")
        panel.wait_for_timeout(1_000)  # long enough for an optimistic page to betray itself
        assert "Paused" not in panel.locator("#cp-pill").inner_text()
        assert livermore.status()["state"] == "running"
    expect(panel.locator("#cp-pill")).to_contain_text("Paused")
    status = livermore.status()
    assert status["state"] == "paused"
    seen = panel.evaluate("window.seen")
    assert not seen[0]["busy"]
    assert seen[1]["busy"]
    assert next(note["at"] for note in seen if note["shown"] == "Paused") >= status["pausedAt"]
    expect(panel.locator(".lv-toast")).to_contain_text(re.compile(r"Paused.* m?s", re.DOTALL))
    expect(panel.locator("#cp-toggle")).not_to_have_attribute("aria-busy", "true")
    expect(panel.locator("#cp-commands tr").first).to_contain_text("Applied")
    expect(panel).to_have_title(re.compile("^Paused"))


def test_the_commands_are_still_there_after_a_reload(panel: Page) -> None:
    newest = panel.locator("#cp-commands tr").first
    panel.keyboard.press("p")
    expect(panel.locator("#cp-pill")).to_contain_text("Paused")
    expect(newest).to_contain_text("Applied")
    panel.reload()
    expect(newest).to_contain_text("pause")
    expect(newest).to_contain_text("Applied")
    expect(newest).to_contain_text(" ago")


def test_what_a_newer_worker_tells_breaks_no_page(
    panel: Page, livermore: Livermore, console: Console
) -> None:
    undo = {"command": "switch-mode", "text": "back to position-monitor"}
    later = {**livermore.status(), "stateVersion": 1_000_000, "weather": "fine", "undo": undo}
    for kind, message in (
        ("events", {"type": "weather", "sky": "blue"}),
        ("events", {"type": "sent", "command": "pause", "payload": {}}),
        ("events", {"sky": "blue"}),
        ("status", later),
    ):
        livermore.tell(kind, message)
    expect(panel.get_by_role("button", name="Undo switch-mode")).to_be_visible()
    expect(panel.locator("#cp-commands")).not_to_contain_text("Sent")
    assert console.messages == []


def test_the_panel_says_who_is_warming_up_and_of_what_too_little_is_traded(
    panel: Page, livermore: Livermore
) -> None:
    status = livermore.status()
    later = {
        **status,
        "stateVersion": 1_000_001,
        "counts": {**status["counts"], "warming": 1, "watched": 40},
        "warmUp": {"bars": 71_100, "wanted": 72_000},
        "symbols": [
            {
                **NOBODYS,
                "live": "warming",
                "tf": {},
                "warmUp": {"bars": 900, "wanted": 1_800, "ready": ["1m", "5m", "15m"]},
            },
            {
                **NOBODYS,
                "symbol": "S1-USD",
                "live": "receiving",
                "tf": {"1m": {"stage": "warming-up", "liquidity": "low"}},
            },
        ],
    }
    livermore.tell("status", later)
    notice = panel.locator('[data-notice="warming"]')
    expect(notice).to_contain_text("Warming up 1 of 40 symbols")
    expect(notice).to_contain_text("71,100 of 72,000 bars")
    cells = panel.locator('#cp-map .lv-z[data-tf="1m"]')
    cells.first.hover()
    expect(panel.locator("#cp-read")).to_contain_text("900 of 1,800 bars are there")
    cells.nth(1).hover()
    expect(panel.locator("#cp-read")).to_contain_text("low trading activity")
    expect(cells.nth(1)).to_have_text("low")
    done = {**status, "stateVersion": 1_000_002, "counts": {**status["counts"], "warming": 0}}
    livermore.tell("status", done)
    expect(notice).to_be_hidden()


def test_the_map_shows_another_indicator_when_it_is_chosen(panel: Page) -> None:
    cell = panel.locator("#cp-map .cp-row[data-key] [data-tf='4h']").first
    expect(cell).to_have_text(re.compile(r"^([+\u2212]\d+|0)$"), timeout=60_000)  # it is warm
    panel.get_by_label("Indicator").select_option("RSI")
    expect(panel.locator("#cp-map-title")).to_have_text("RSI")
    expect(panel.locator(".cp-legend")).to_be_hidden()
    expect(cell).to_have_text(re.compile(r"^\d{1,3}$"))
    panel.get_by_label("Indicator").select_option("MACD-V")
    expect(cell).to_have_text(re.compile(r"^([+\u2212]\d+|0)$"))


def test_the_map_shows_the_first_indicator_that_is_enabled(
    panel: Page, livermore: Livermore
) -> None:
    status = livermore.status()
    cells = {"1m": {"g": {"rsi": 71.26}}, "5m": {"liquidity": "low"}}
    rsi = {
        **status,
        "stateVersion": 1_000_003,
        "indicators": {"rsi": "RSI"},
        "symbols": [{**NOBODYS, "live": "receiving", "tf": cells}],
    }
    livermore.tell("status", rsi)
    expect(panel.locator("#cp-map-title")).to_have_text("RSI")
    expect(panel.locator(".cp-legend")).to_be_hidden()
    row = panel.locator("#cp-map .cp-row[data-key]").first
    expect(row.locator('[data-tf="1m"]')).to_have_text("71")
    expect(row.locator('[data-tf="5m"]')).to_have_text("low")
    row.locator('[data-tf="1m"]').hover()
    expect(panel.locator("#cp-read")).to_have_text("S0-USD 1m RSI 71.3")
    livermore.tell("status", {**status, "stateVersion": 1_000_004})
    expect(panel.locator("#cp-map-title")).to_have_text("MACD-V")
    expect(panel.locator(".cp-legend")).to_be_visible()
    without = {key: value for key, value in status.items() if key != "indicators"}
    one = {**NOBODYS, "symbol": "OLD-USD", "live": "receiving", "tf": {}}
    livermore.tell("status", {**without, "stateVersion": 1_000_005, "symbols": [one]})
    expect(panel.locator("#cp-map")).to_contain_text("OLD")  # an older worker tells no indicators


BTC_HELD = {
    "symbol": "BTC-USD",
    "exchange": "coinbase",
    "quantity": "0.52318073",
    "costBasis": "61234.5",
    "byHand": False,
    "price": 66607.04,
    "pricedAt": 1,
    "value": 34847.52,
    "gain": 8.77,
}
REFUSED = {
    "exchange": "coinbase",
    "label": "Coinbase",
    "state": "failed",
    "error": "coinbase: the key may transfer money, so it is not used",
    "failingSince": 1,
    "failures": 1,
    "needsYou": True,
    "notes": [],
}


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_positions_are_kept_current_and_a_refused_key_is_said(
    panel: Page, livermore: Livermore, viewport: ViewportSize
) -> None:
    panel.set_viewport_size(viewport)
    status = livermore.status()
    card = panel.locator("#cp-held")
    expect(card).to_be_hidden()  # nothing is held, and nothing is read
    long = {**BTC_HELD, "symbol": "RENDER-USDC", "quantity": "1234567.12345678", "byHand": True}
    held = {**status, "stateVersion": 1_000_010, "held": [BTC_HELD, long], "positions": [REFUSED]}
    livermore.tell("status", held)
    row = card.get_by_role("row", name=re.compile(r"^BTC(?!-)"))
    expect(row).to_contain_text("0.52318073")
    expect(row).to_contain_text("34,847.52")
    expect(row.locator(".cp-gain")).to_have_text("+8.8 %")
    expect(row).to_contain_text("price of")  # it is from long ago
    expect(card.locator("#cp-readings")).to_contain_text("may transfer money, so it is not used")
    expect(card.get_by_text("Only you can mend this")).to_be_visible()
    assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fallen = {**BTC_HELD, "gain": -3.04, "costBasis": None, "price": None}
    read = {**REFUSED, "state": "read", "error": "", "needsYou": False, "notes": ["Dust left out."]}
    later = {**status, "stateVersion": 1_000_011, "held": [fallen], "positions": [read]}
    livermore.tell("status", later)
    expect(row.locator(".cp-gain")).to_have_text("\u22123.0 %")
    expect(card.locator("#cp-positions tr")).to_have_count(1)
    expect(card.locator("#cp-readings")).to_contain_text("Dust left out.")
    expect(card.get_by_text("Only you can mend this")).to_be_hidden()


def test_a_signal_says_what_became_of_it(panel: Page, livermore: Livermore) -> None:
    signal = {
        "type": "signal",
        "id": 9_000_001,
        "symbol": "PAGE-USD",
        "exchange": "coinbase",
        "timeframe": "1h",
        "kind": "level",
        "direction": "up",
        "detail": "through +150",
        "value": 160.0,
        "stage": "rallying",
        "price": 1.0,
        "state": "pending",
        "closedAt": livermore.status()["at"] + DAY_MS,  # newer than every other
    }
    livermore.tell("events", signal)
    row = panel.locator("#cp-signals li", has_text="PAGE")
    mark = row.locator("[data-mark]")
    expect(row).to_be_visible()
    expect(mark).to_be_hidden()
    for state, word in (
        *(("delivered", "Delivered"), ("failed", "Failed"), ("uncertain", "Uncertain")),
        *(("quiet", "Quiet hours"), ("muted", "Muted"), ("missed", "Missed")),
    ):
        livermore.tell("events", {"type": "alert", "id": 9_000_001, "state": state})
        expect(mark).to_have_attribute("title", word)
        expect(mark).to_be_visible()
    livermore.tell("events", {"type": "alert", "id": 9_000_002, "state": "failed"})
    livermore.tell("events", {**signal, "id": 9_000_002, "symbol": "SOON-USD"})
    early = panel.locator("#cp-signals li", has_text="SOON").locator("[data-mark]")
    expect(early).to_have_attribute("title", "Failed")  # told before the signal itself
    if "LIVERMORE_SCREENSHOTS" in os.environ:
        panel.locator(".cp-feed").screenshot(path="test-results/signals.png")


def test_resuming_brings_the_trades_back(panel: Page, livermore: Livermore) -> None:
    panel.get_by_role("button", name="Pause").click()
    expect(panel.locator('[data-notice="paused"]')).to_be_visible()
    panel.get_by_role("button", name="Resume").click()
    expect(panel.locator("#cp-pill")).to_contain_text("Running")
    expect(panel.locator('[data-notice="paused"]')).to_be_hidden()
    before = trades(panel)
    panel.wait_for_function(
        "before => Number(document.getElementById('cp-trades').textContent.replace(/\\D/g, ''))"
        " > before",
        arg=before,
    )
    assert livermore.status()["state"] == "running"


def test_the_mode_is_switched_after_saying_what_changes(panel: Page, livermore: Livermore) -> None:
    for mode in ("position-monitor", "scalper-macdv"):
        panel.keyboard.press("m")
        dialog = panel.get_by_role("dialog", name="Switch mode")
        assert dialog.get_by_role("radio", name="scalper-orderbook").is_disabled()
        dialog.get_by_role("radio", name=mode).check()
        dialog.get_by_role("button", name=f"Switch to {mode}").click()
        expect(panel.locator('#cp-status [data-slot="mode"]')).to_have_text(mode)
        assert livermore.status()["mode"] == mode
    expect(panel.get_by_role("row", name=re.compile(r"^BTC(?!-)"))).to_be_visible()


def test_a_pause_in_one_browser_shows_in_another(
    panel: Page, browser: Browser, livermore: Livermore, console: Console
) -> None:
    context = browser.new_context(viewport=PHONE)
    other = context.new_page()
    console.hear(other)
    sign_in(other, livermore)
    expect(other.locator("#cp-pill")).to_contain_text("Running")
    for page in (panel, other):
        page.evaluate(WATCH)
    panel.keyboard.press("p")
    shown = []
    for page in (panel, other):
        expect(page.locator("#cp-pill")).to_contain_text("Paused")
        seen = page.evaluate("window.seen")
        shown.append(next(note["at"] for note in seen if note["shown"] == "Paused"))
    assert abs(shown[1] - shown[0]) < SECOND_BROWSER_MS
    context.close()


def test_without_javascript_the_buttons_still_work(
    panel: Page, browser: Browser, context: BrowserContext, livermore: Livermore
) -> None:
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{livermore.url}/admin/control/")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".messagelist")).to_contain_text("Pause: succeeded")
    expect(page.locator("#cp-pill")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".messagelist")).to_contain_text("Resume: succeeded")
    expect(page.locator("#cp-pill")).to_contain_text("Running")
    plain.close()


def test_the_heat_map_is_walked_by_keyboard(panel: Page) -> None:
    expect(panel.locator("#cp-filter")).to_be_visible()  # the modules are at work
    focused = panel.locator("#cp-map .lv-z:focus")
    panel.keyboard.press("h")
    expect(focused).to_have_attribute("data-tf", "1m")
    for key in ("ArrowDown", "ArrowRight"):
        panel.keyboard.press(key)
    expect(focused).to_have_attribute("data-tf", "5m")
    expect(panel.locator("#cp-read")).to_contain_text("ETH-USD 5m")


def test_signing_out_in_another_tab_is_noticed(
    panel: Page, context: BrowserContext, livermore: Livermore
) -> None:
    tab = context.new_page()
    tab.goto(f"{livermore.url}/admin/")
    tab.get_by_role("button", name="Sign out").click()
    expect(panel.locator('[data-notice="signed-out"]')).to_be_visible()
    sign_in(panel, livermore)


def test_the_admins_own_pages_keep_the_policy(panel: Page, livermore: Livermore) -> None:
    for path in ("", "settings_app/user/", "settings_app/user/1/change/", "trading/alert/"):
        panel.goto(f"{livermore.url}/admin/{path}", wait_until="networkidle")
        expect(panel.locator("#lv-header-state")).to_contain_text("Running")


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_has_no_serious_barrier(
    panel: Page, viewport: ViewportSize, scheme: str, console: Console
) -> None:
    panel.set_viewport_size(viewport)
    panel.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    expect(panel.get_by_role("row", name=re.compile(r"^BTC(?!-)"))).to_be_visible()
    assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(panel, console) == []
