"""What a trader orders on the control panel: what is said before, and what is seen of it after."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.conftest import PHONE, Console
from tests.end_to_end.running import Livermore

LEFT = "one => one.getBoundingClientRect().left"
FAULT = {
    "error": "ValueError: a drill",
    "where": "trading.desk",
    "since": 1,
    "retryAt": 1,
    "attempt": 3,
}


def newest_command(panel: Page) -> Locator:
    return panel.locator("#cp-commands tr").first


def test_a_switch_says_what_starts_and_what_stops(panel: Page, livermore: Livermore) -> None:
    watched = len(livermore.status()["symbols"])
    panel.keyboard.press("m")
    dialog = panel.get_by_role("dialog", name="Switch mode")
    expect(dialog).to_contain_text("Nothing changes")
    expect(dialog.get_by_role("radio", name="scalper-macdv")).to_be_focused()
    dialog.get_by_role("radio", name="position-monitor").check()
    effects = dialog.locator("#cp-mode-effects")
    expect(effects).to_contain_text(f"{watched} → 0")
    expect(effects).to_contain_text(re.compile(rf"Stops\s*{watched} symbols: BTC, ETH"))
    expect(effects).to_contain_text("back to scalper-macdv")
    panel.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert livermore.status()["mode"] == "scalper-macdv"


def test_no_button_moves_from_under_the_pointer_at_a_pause(panel: Page) -> None:
    others = [panel.locator(f"#cp-{name}") for name in ("mode", "backfill", "clear", "reload")]
    before = [one.evaluate(LEFT) for one in others]
    undo = panel.get_by_role("button", name="Undo pause")
    panel.keyboard.press("p")
    expect(undo).to_be_visible()
    expect(panel.get_by_role("button", name="Resume")).to_be_visible()
    assert [one.evaluate(LEFT) for one in others] == before


def test_clearing_names_its_scope_and_the_count_of_keys(panel: Page, livermore: Livermore) -> None:
    watched = len(livermore.status()["symbols"])
    kept = panel.locator("#cp-cache [data-slot=keys]")
    expect(kept).to_have_text(str(6 * watched), timeout=60_000)  # all are warm
    panel.get_by_role("button", name="Clear cache…").click()
    dialog = panel.get_by_role("dialog", name="Clear cache")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog.get_by_text("This cannot be undone.")).to_be_visible()
    go = dialog.locator("#cp-clear-go")
    expect(go).to_have_text("Clear 6 keys")  # BTC on six timeframes
    dialog.get_by_role("radio", name="One timeframe").check()
    expect(go).to_have_text(f"Clear {watched} keys")
    dialog.get_by_role("radio", name="Everything of yours").check()
    expect(go).to_have_text(re.compile(r"^Clear \d+ keys$"))
    dialog.get_by_role("radio", name="One symbol").check()
    dialog.get_by_label("Symbol to clear").select_option("coinbase:ETH-USD")
    expect(go).to_have_text("Clear 6 keys")
    go.click()
    expect(newest_command(panel)).to_contain_text("clear-cache scope symbol ETH-USD on coinbase")
    expect(newest_command(panel)).to_contain_text("Applied")
    expect(panel.locator(".lv-toast")).to_contain_text(
        re.compile(r"Cache cleared.* m?s", re.DOTALL)
    )
    fill = panel.locator("#cp-fills li", has_text="ETH").last
    expect(fill).to_contain_text("Done", timeout=30_000)


def test_several_histories_are_ordered_at_once_and_followed(panel: Page) -> None:
    panel.get_by_role("button", name="Backfill…").click()
    dialog = panel.get_by_role("dialog", name="Backfill history")
    go = dialog.locator("#cp-backfill-go")
    expect(go).to_be_disabled()
    dialog.get_by_label("Filter symbols to backfill").fill("sol")
    expect(dialog.locator("#cp-backfill-symbols label:visible")).to_have_count(1)
    panel.keyboard.press("Enter")  # takes the one that is shown, and sends nothing
    dialog.get_by_label("Filter symbols to backfill").fill("")
    dialog.get_by_role("checkbox", name="XRP").check()
    for timeframe in ("5m", "15m", "1h", "4h", "1d"):
        dialog.get_by_role("checkbox", name=timeframe, exact=True).uncheck()
    expect(go).to_have_text("Backfill 2 symbols")
    go.click()
    rows = panel.locator("#cp-commands tr", has_text="force-backfill")
    expect(rows.first).to_contain_text("1m")
    expect(panel.locator(".lv-toast", has_text="Backfill began")).to_contain_text("2 symbols")
    for symbol in ("SOL", "XRP"):
        fill = panel.locator("#cp-fills li", has_text=symbol).last
        expect(fill.get_by_role("progressbar")).to_be_visible()
        expect(fill).to_contain_text("Done", timeout=30_000)


def test_a_cell_opens_its_chart(panel: Page) -> None:
    panel.route(
        "**/admin/signals/chart/**", lambda route: route.fulfill(body="<title>chart</title>")
    )
    expect(panel.locator("#cp-filter")).to_be_visible()
    panel.keyboard.press("h")
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        panel.keyboard.press(key)
    panel.wait_for_url("**/chart/?exchange=coinbase&symbol=ETH-USD&timeframe=5m")


def test_faulted_says_why_and_is_started_again_by_hand(panel: Page, livermore: Livermore) -> None:
    status = livermore.status()
    fault = {**FAULT, "since": status["at"], "retryAt": status["at"] + 600_000}
    told(livermore, status, 2_000_001, state="faulted", fault=fault)
    notice = panel.locator('[data-notice="faulted"]')
    expect(notice).to_contain_text("Market data stopped: ValueError: a drill")
    expect(notice).to_contain_text("attempt 3")
    expect(panel).to_have_title(re.compile("^Faulted"))
    expect(panel.locator("#lv-favicon")).to_have_attribute("href", re.compile("state-faulted"))
    notice.get_by_role("button", name="Restart now").click()
    expect(newest_command(panel)).to_contain_text("resume")
    expect(newest_command(panel)).to_contain_text("Applied")
    told(livermore, status, 2_000_002, state="faulted", fault={**fault, "where": "settings"})
    expect(notice).to_be_hidden()
    unusable = panel.locator('[data-notice="unusable"]')
    expect(unusable.get_by_role("link", name="Mend the settings")).to_be_visible()
    told(livermore, status, 2_000_003)
    expect(panel.locator("#cp-pill")).to_contain_text("Running")


def told(livermore: Livermore, status: dict[str, Any], version: int, **changes: Any) -> None:
    """Let the worker tell this now: no status of its own is newer."""
    at = livermore.status()["at"]
    livermore.tell("status", {**status, "stateVersion": version, "at": at, **changes})


def test_the_rest_of_a_status_is_shown(panel: Page, livermore: Livermore) -> None:
    status = livermore.status()
    at = status["at"]
    first, *others = status["symbols"]
    exchange = {**status["exchanges"][0], "reconnects": 3, "latency": [40.0, 80.0, 45.0]}
    told(
        livermore,
        status,
        2_000_010,
        exchanges=[{**exchange, "staleSymbols": ["SNX-USD"]}],
        symbols=[{**first, "live": "receiving", "mending": True}, *others],
        cache={"at": at, "keys": 1_204, "memoryBytes": 43_202_560, "hits": 996, "misses": 4},
        errors=[
            {"at": at - 60_000, "where": "feed", "level": "warning", "message": "slow", "count": 3},
            {"at": at, "where": "desk", "level": "error", "message": "gone", "count": 1},
        ],
        backfill=[
            {
                "id": "one",
                "symbol": "JUP-USD",
                "exchange": "coinbase",
                "timeframes": ["4h"],
                "state": "running",
                "done": 182,
                "total": 300,
                "at": at,
                "etaMs": 20_000,
                "message": "",
            }
        ],
    )
    row = panel.locator("#cp-exchanges [data-name=coinbase]")
    expect(row).to_contain_text("3 reconnects · stale: SNX · mending: BTC")
    expect(row.get_by_role("img")).to_have_attribute("aria-label", re.compile("40 to 80 ms"))
    cache = panel.locator("#cp-cache")
    for text in ("99.6 %", "1,204", "41.2 MB", "none"):
        expect(cache).to_contain_text(text)
    expect(panel.locator("#cp-errors li").first).to_contain_text("3× · 1 min ago")
    fill = panel.locator("#cp-fills li")
    expect(fill).to_contain_text("182 of 300 · 20 s left")
    expect(fill.get_by_role("progressbar")).to_have_attribute("value", "182")
    told(livermore, status, 2_000_011, errors=[], backfill=[])
    expect(panel.locator("#cp-fill")).to_be_hidden()
    expect(panel.locator("#cp-errors")).to_contain_text("No errors")


def test_the_dialogs_fit_a_phone(panel: Page, console: Console) -> None:
    panel.set_viewport_size(PHONE)
    for button, name in (
        ("Backfill…", "Backfill history"),
        ("Clear cache…", "Clear cache"),
        ("Switch mode…", "Switch mode"),
    ):
        panel.get_by_role("button", name=button).click()
        dialog = panel.get_by_role("dialog", name=name)
        expect(dialog).to_be_visible()
        assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_be_hidden()
    assert console.messages == []
