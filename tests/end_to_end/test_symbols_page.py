"""What a trader does with the watchlist, in a real browser, against the whole stack."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, ViewportSize, expect

from tests.control.running import eventually
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.running import Livermore


def row(page: Page, symbol: str, exchange: str = "coinbase") -> Locator:
    return page.locator(f'tr[data-key="{exchange}:{symbol}"]')


def names(page: Page) -> list[str]:
    keys: list[str] = page.locator("#sy-rows tr").evaluate_all(
        "rows => rows.map(r => r.dataset.key)"
    )
    return keys


def toast(page: Page, text: str) -> Locator:
    return page.locator(".lv-toast", has_text=text)


def is_settled(page: Page) -> None:
    expect(page.locator('#sy-rows tr[aria-busy="true"]')).to_have_count(0)


def test_a_symbol_is_found_added_switched_off_and_removed_by_keyboard(symbols: Page) -> None:
    before = names(symbols)
    symbols.keyboard.press("a")
    symbols.keyboard.type("atom")
    marked = symbols.locator('#sy-options [aria-selected="true"]')
    expect(marked).to_contain_text("Add")
    expect(marked).to_contain_text(re.compile(r"[+\u2212]\d+\.\d %"))  # what it did, before adding
    field = symbols.get_by_role("combobox", name="Add a symbol")
    expect(field).to_have_attribute("aria-activedescendant", re.compile("sy-option"))
    while "ATOM-USDCoinbase" not in marked.inner_text().replace("\n", "").replace("\t", ""):
        symbols.keyboard.press("ArrowDown")
    symbols.keyboard.press("Enter")
    expect(toast(symbols, "ATOM-USD added")).to_contain_text(re.compile(r"\d m?s"))
    atom = row(symbols, "ATOM-USD")
    expect(atom.locator(".sy-state")).to_contain_text("receiving")
    assert names(symbols) == [*before, "coinbase:ATOM-USD"]
    symbols.keyboard.type("atom-usd")
    expect(symbols.locator("#sy-options li", has_text="on list").first).to_have_attribute(
        "aria-disabled", "true"
    )
    symbols.keyboard.press("Escape")
    switch = atom.get_by_role("switch")
    switch.focus()
    symbols.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(atom.locator(".sy-state")).to_contain_text("disabled")
    atom.get_by_role("button", name="Remove ATOM-USD").click()
    dialog = symbols.get_by_role("dialog", name="Remove ATOM-USD")
    expect(dialog).to_contain_text("It is not watched now.")
    dialog.get_by_role("button", name="Keep").click()
    atom.get_by_role("button", name="Remove ATOM-USD").click()
    dialog.get_by_role("button", name="Remove ATOM-USD").click()
    expect(toast(symbols, "ATOM-USD removed")).to_be_visible()
    expect(atom).to_have_count(0)
    assert names(symbols) == before


def test_enter_adds_nothing_that_was_found_for_other_words(symbols: Page) -> None:
    before = names(symbols)
    marked = symbols.locator('#sy-options [aria-selected="true"]')
    symbols.keyboard.press("a")
    symbols.keyboard.type("ato")
    expect(marked).to_contain_text("ATOM-")
    symbols.keyboard.type("zzz")  # and on before the list has followed
    symbols.keyboard.press("Enter")
    symbols.keyboard.press("Enter")
    expect(symbols.locator("#sy-said")).to_contain_text("fits “atozzz”")
    assert names(symbols) == before
    symbols.keyboard.press("Escape")
    symbols.keyboard.press("Escape")


def test_what_one_exchange_lists_is_there_before_the_slowest_has_answered(symbols: Page) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    symbols.route(re.compile(r"/api/symbols/search\?.*exchange=coinbase"), hold)
    options = symbols.locator("#sy-options li")
    marked = symbols.locator('#sy-options [aria-selected="true"]')
    said = symbols.locator("#sy-said")
    symbols.keyboard.press("a")
    symbols.keyboard.type("atom")
    expect(said).to_have_text("Still asking Coinbase…")
    expect(options.filter(has_text="Binance").first).to_be_visible()
    expect(marked).to_have_count(0)  # or Enter would add what happens to come first
    symbols.keyboard.press("ArrowDown")
    symbols.keyboard.press("ArrowDown")
    chosen, shown = marked.inner_text(), options.all_inner_texts()
    eventually(lambda: symbols.evaluate("true") and waiting)
    waiting.pop().continue_()
    expect(said).to_have_text("")
    expect(options.filter(has_text="Coinbase").first).to_be_visible()
    assert marked.inner_text() == chosen
    assert options.all_inner_texts()[: len(shown)] == shown  # or a click would hit another one
    symbols.keyboard.press("Escape")
    symbols.keyboard.press("Escape")


def test_nothing_is_shown_as_done_before_the_answer(symbols: Page, livermore: Livermore) -> None:
    ada = row(symbols, "ADA-USD")
    switch = ada.get_by_role("switch")
    with livermore.frozen_runtime():
        switch.click()
        expect(ada).to_have_attribute("aria-busy", "true")
        symbols.wait_for_timeout(700)  # long enough for an optimistic page to betray itself
        assert switch.get_attribute("aria-checked") == "true"
    expect(switch).to_have_attribute("aria-checked", "false")
    is_settled(symbols)
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    is_settled(symbols)


def test_what_is_refused_leaves_the_row_and_says_why(symbols: Page, console: Console) -> None:
    eth = row(symbols, "ETH-USD")
    eth.get_by_role("link", name="Edit ETH-USD").click()
    dialog = symbols.get_by_role("dialog", name="Edit ETH-USD")
    dialog.get_by_label("Categories").fill("no!")
    dialog.get_by_role("button", name="Save").click()
    refused = toast(symbols, "Refused: nothing was changed")
    expect(refused).to_contain_text("lower-case letters, digits")
    console.messages[:] = [one for one in console.messages if "status of 422" not in one]
    symbols.wait_for_timeout(6_500)  # longer than a success stays
    expect(refused).to_be_visible()
    expect(eth.locator(".sy-tags .lv-chip")).to_have_count(0)
    is_settled(symbols)


def test_a_list_is_imported_tagged_filtered_and_removed_together(symbols: Page) -> None:
    before = names(symbols)
    symbols.get_by_role("link", name="Import").click()
    dialog = symbols.get_by_role("dialog", name="Import symbols")
    text = "symbol,categories\nETC-USD,old\nXLM-USD,old\nBTC-USD,\nBTCC-USD,\nETC-USD,\n!,\n"
    dialog.get_by_label("List").fill(text)
    rows = dialog.locator("#sy-import-rows tr")
    expect(rows).to_have_count(6)
    for number, words in enumerate(
        (
            "will be added",
            "will be added",
            "already on the list",
            "did you mean",
            "twice in this list",
            "line 7, column 1",
        )
    ):
        expect(rows.nth(number)).to_contain_text(words)
    dialog.get_by_role("checkbox", name="Apply XLM-USD").uncheck()
    dialog.get_by_role("button", name="Apply 1 change").click()
    expect(toast(symbols, "1 row imported")).to_be_visible()
    etc = row(symbols, "ETC-USD")
    expect(etc).to_contain_text("old")
    symbols.keyboard.press("/")
    symbols.keyboard.type("etc-usd")
    expect(row(symbols, "BTC-USD")).to_be_hidden()
    symbols.get_by_role("checkbox", name="Choose all that are shown").check()
    bar = symbols.get_by_role("group", name="With the chosen symbols")
    bar.get_by_role("button", name="Backfill").click()
    expect(toast(symbols, "Backfill of ETC-USD begun")).to_be_visible()
    symbols.get_by_label("Filter").fill("")
    row(symbols, "DOT-USD").get_by_role("checkbox").check()
    expect(bar).to_contain_text("2 chosen")
    bar.get_by_role("button", name="Tag").click()
    tags = symbols.get_by_role("dialog", name="Tag 2 symbols")
    tags.get_by_label("Categories").fill("fast")
    tags.get_by_role("button", name="Tag").click()
    expect(row(symbols, "DOT-USD").locator(".lv-chip", has_text="fast")).to_be_visible()
    expect(bar).to_be_hidden()
    symbols.get_by_label("Category", exact=True).select_option("fast")
    expect(symbols.locator("#sy-rows tr:visible")).to_have_count(2)
    symbols.get_by_label("Category", exact=True).select_option("")
    row(symbols, "DOT-USD").get_by_role("checkbox").check()
    bar.get_by_role("button", name="Edit").click()
    edit = symbols.get_by_role("dialog", name="Edit DOT-USD")
    edit.get_by_label("Categories").fill("")
    symbols.keyboard.press("Enter")
    expect(row(symbols, "DOT-USD").locator(".sy-tags .lv-chip")).to_have_count(0)
    is_settled(symbols)
    etc.get_by_role("button", name="Remove ETC-USD").click()
    symbols.get_by_role("dialog").get_by_role("button", name="Remove ETC-USD").click()
    expect(etc).to_have_count(0)
    assert names(symbols) == before


def test_a_row_is_moved_by_its_handle_and_stays_there(symbols: Page) -> None:
    before = names(symbols)
    grip = row(symbols, "ETH-USD").get_by_role(
        "button", name="Move ETH-USD: arrow keys", exact=True
    )
    grip.focus()
    symbols.keyboard.press("ArrowUp")
    expect(symbols.locator("#sy-rows tr").first).to_have_attribute("data-key", "coinbase:ETH-USD")
    is_settled(symbols)
    expect(grip).to_be_focused()
    symbols.reload()
    expect(symbols.locator("#sy-filters")).to_be_visible()
    assert names(symbols)[:2] == ["coinbase:ETH-USD", "coinbase:BTC-USD"]
    grip.focus()
    symbols.keyboard.press("ArrowDown")
    expect(symbols.locator("#sy-rows tr").first).to_have_attribute("data-key", "coinbase:BTC-USD")
    is_settled(symbols)
    assert names(symbols) == before
    symbols.get_by_role("button", name="Symbol", exact=True).click()
    expect(grip).to_be_hidden()  # sorted by name, a row has no place of its own
    assert names(symbols) == sorted(before, key=lambda key: key.partition(":")[2])


def test_states_stages_and_figures_are_kept_current(symbols: Page, livermore: Livermore) -> None:
    status = livermore.status()
    first, *others = status["symbols"]
    warming = {"bars": 900, "wanted": 1_800, "ready": []}
    cell = {"v": 171.2, "stage": "risk-overbought"}
    told = {
        **status,
        "stateVersion": 1_000_000,
        "symbols": [
            {**first, "live": "warming", "tf": {}, "warmUp": warming},
            {**others[0], "tf": {**others[0]["tf"], "1h": cell}},
            *others[1:],
        ],
    }
    symbols.route("**/api/symbols", lambda _route: None)  # the server knows nothing of this status
    livermore.tell("status", told)
    btc = row(symbols, first["symbol"], first["exchange"])
    expect(btc.locator(".sy-state")).to_contain_text("warming up")
    expect(btc.locator(".sy-state")).to_contain_text("900 of 1,800 bars")
    eth = row(symbols, others[0]["symbol"], others[0]["exchange"])
    expect(eth.locator('[data-tf="1h"]')).to_contain_text("OB")
    expect(eth.locator('[data-tf="1h"]')).to_have_attribute("title", "1h risk overbought +171")
    symbols.get_by_role("link", name="Refresh figures").click()
    expect(btc.locator(".sy-price")).to_contain_text(re.compile(r"\d"))
    expect(symbols.locator("#sy-age")).to_contain_text("ago")


def test_a_change_in_one_browser_shows_in_another_and_silence_is_said(
    symbols: Page, context: BrowserContext, livermore: Livermore, console: Console
) -> None:
    other = context.new_page()
    console.hear(other)
    other.goto(f"{livermore.url}/admin/symbols/")
    expect(other.locator("#sy-filters")).to_be_visible()
    for checked in ("false", "true"):
        row(symbols, "UNI-USD").get_by_role("switch").click()
        expect(row(other, "UNI-USD").get_by_role("switch")).to_have_attribute(
            "aria-checked", checked
        )
        is_settled(symbols)
    with livermore.frozen_runtime():
        expect(other.locator("#sy-notice")).to_contain_text("No heartbeat", timeout=30_000)
    expect(other.locator("#sy-notice")).to_be_hidden(timeout=30_000)


def test_without_javascript_the_list_is_read_and_changed(
    symbols: Page, browser: Browser, context: BrowserContext, livermore: Livermore
) -> None:
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{livermore.url}/admin/symbols/")
    for state in ("disabled", "enabled"):
        row(page, "LINK-USD").get_by_role("switch").click()
        expect(page.locator(".messagelist")).to_contain_text(f"1 {state}")
    row(page, "LINK-USD").get_by_role("button", name="Remove LINK-USD").click()
    expect(page.get_by_text("no more alerts come of it")).to_be_visible()
    page.get_by_role("link", name="Keep").click()
    page.get_by_label("Add a symbol").fill("NOPE-USD")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("NOPE-USD was not added")
    plain.close()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_barrier(
    symbols: Page, viewport: ViewportSize, scheme: str, console: Console
) -> None:
    symbols.set_viewport_size(viewport)
    symbols.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    row(symbols, "ETH-USD").get_by_role("checkbox").check()
    symbols.get_by_label("Add a symbol").fill("sol")
    expect(symbols.locator("#sy-options li").first).to_be_visible()
    assert symbols.evaluate("document.documentElement.scrollWidth <= innerWidth")
    no_barriers(symbols, console)
    symbols.get_by_label("Add a symbol").fill("")
    symbols.get_by_role("link", name="Import").click()
    no_barriers(symbols, console)


def no_barriers(page: Page, console: Console) -> None:
    assert serious_barriers(page, console) == []
