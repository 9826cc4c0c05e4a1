"""The scanner of the symbols page: from a scan to what the runtime watches by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.running import Livermore


@pytest.fixture
def scanner(panel: Page, livermore: Livermore) -> Iterator[Page]:
    """The symbols page with the scanner open; the watchlist is put back afterwards."""
    before = watched(livermore)
    panel.goto(f"{livermore.url}/admin/symbols/#scan")
    expect(panel.locator("#scan")).to_have_attribute("open", "")
    yield panel
    if watched(livermore) != before:
        panel.goto(f"{livermore.url}/admin/control/")
        panel.get_by_role("button", name="Undo watchlist change").click()
        expect(panel.locator(".lv-toast")).to_contain_text("Undone")


def watched(livermore: Livermore) -> set[str]:
    return {one["symbol"] for one in livermore.status()["symbols"]}


def make_a_scan(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Run (a scan|again)$")).click()
    toast = page.locator(".lv-toast").filter(has_text="Scan made")
    expect(toast).to_contain_text(re.compile(r"\d+ to add, \d+ to remove · [\d.]+ m?s"))
    toast.get_by_role("button", name="Dismiss").click()


def apply_button(page: Page) -> str:
    return page.locator("form[data-act=apply] button[type=submit]").inner_text()


def choose(page: Page, count: int) -> list[str]:
    """Choose the first markets to add, and nothing else."""
    page.get_by_label("To add: all").uncheck()
    boxes = page.locator("input[name=add]")
    for place in range(count):
        boxes.nth(place).check()
    return [boxes.nth(place).get_attribute("value") or "" for place in range(count)]


def test_exactly_what_is_selected_is_watched_when_the_answer_is_there_and_not_before(
    scanner: Page, livermore: Livermore
) -> None:
    make_a_scan(scanner)
    chosen = choose(scanner, 2)
    assert apply_button(scanner) == "Add 2"
    button = scanner.get_by_role("button", name="Add 2")
    with livermore.frozen_runtime():
        button.click()
        expect(button).to_have_attribute("aria-busy", "true")
        scanner.wait_for_timeout(700)  # long enough for an optimistic page to betray itself
        expect(button).to_have_attribute("aria-busy", "true")
        expect(scanner.locator("[data-said]")).to_have_text("Waiting for the runtime's answer…")
    toast = scanner.locator(".lv-toast").filter(has_text="Scan applied")
    expect(toast).to_contain_text(re.compile(r"2 added, 0 removed; .* · [\d.]+ m?s"))
    assert set(chosen) <= watched(livermore)
    for symbol in chosen:
        expect(scanner.locator(f'#scan tr[data-symbol="{symbol}"]')).to_contain_text("added")
        expect(scanner.locator("#sy-rows")).to_contain_text(symbol)
    expect(scanner.locator("#scan")).to_contain_text("Approved")
    expect(scanner.locator("input[name=add]")).to_have_count(0)


def test_a_scan_that_another_tab_approved_is_refused_and_shown_as_it_is(
    scanner: Page, livermore: Livermore, console: Console
) -> None:
    make_a_scan(scanner)
    choose(scanner, 1)
    other = scanner.context.new_page()
    other.goto(f"{livermore.url}/admin/symbols/#scan")
    choose(other, 1)
    other.get_by_role("button", name="Add 1").click()
    expect(other.locator(".lv-toast")).to_contain_text("Scan applied")
    other.close()
    scanner.get_by_role("button", name="Add 1").click()
    refusal = scanner.get_by_role("alert").filter(has_text="Nothing was applied")
    expect(refusal).to_contain_text("This scan was approved already")
    expect(scanner.locator("input[name=add]")).to_have_count(0)
    console.messages[:] = [one for one in console.messages if "409" not in one]


def test_a_scan_of_another_tab_appears_and_takes_no_choice_away(
    scanner: Page, livermore: Livermore
) -> None:
    make_a_scan(scanner)
    other = scanner.context.new_page()
    other.goto(f"{livermore.url}/admin/symbols/#scan")
    run = scanner.locator("form[data-act=apply]")
    first = run.get_attribute("data-run") or ""
    make_a_scan(other)
    scanner.bring_to_front()
    scanner.evaluate("dispatchEvent(new Event('focus'))")
    expect(run).not_to_have_attribute("data-run", first)
    chosen = choose(scanner, 1)
    make_a_scan(other)
    other.close()
    scanner.evaluate("dispatchEvent(new Event('focus'))")
    news = scanner.locator("[data-newer]")
    expect(news).to_contain_text("What you have chosen below is still here.")
    expect(scanner.locator("input[name=add]:checked")).to_have_value(chosen[0])
    news.get_by_role("button", name="Show it").click()
    expect(news).to_be_hidden()
    assert scanner.locator("input[name=add]:checked").count() > 1


def test_the_keyboard_alone_runs_a_scan_and_chooses(scanner: Page, livermore: Livermore) -> None:
    scanner.goto(f"{livermore.url}/admin/symbols/")
    expect(scanner.locator("#scan")).not_to_have_attribute("open", "")
    scanner.keyboard.press("s")
    expect(scanner.locator("#scan > summary")).to_be_focused()
    for _ in range(2):  # past "Configure"
        scanner.keyboard.press("Tab")
    expect(scanner.locator("form[data-act=run] button")).to_be_focused()
    scanner.keyboard.press("Enter")
    expect(scanner.locator(".lv-toast")).to_contain_text("Scan made")
    expect(scanner.locator(".sc-made")).to_be_focused()
    for _ in range(2):  # the list itself, then the box for all of it
        scanner.keyboard.press("Tab")
    expect(scanner.get_by_label("To add: all")).to_be_focused()
    scanner.keyboard.press("Space")
    expect(scanner.locator("input[name=add]:checked")).to_have_count(0)
    assert apply_button(scanner) == "Nothing selected"


def test_a_server_that_is_away_is_said_where_the_scan_was_asked_for(
    scanner: Page, console: Console
) -> None:
    scanner.context.set_offline(True)
    scanner.get_by_role("button", name=re.compile("^Run")).click()
    refusal = scanner.get_by_role("alert").filter(has_text="No scan was made")
    expect(refusal).to_contain_text("The server could not be reached.")
    scanner.context.set_offline(False)
    make_a_scan(scanner)
    expect(refusal).to_be_hidden()
    console.messages[:] = [one for one in console.messages if "ERR_INTERNET" not in one]


def test_without_javascript_a_scan_is_made_and_shown(
    browser: Browser, livermore: Livermore
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(f"{livermore.url}/admin/login/?next=/admin/symbols/?scan=")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(livermore.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator(".messagelist")).to_contain_text("The scan proposes")
    expect(page.locator("#scan")).to_have_attribute("open", "")
    expect(page.get_by_role("button", name="Apply selected")).to_be_enabled()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_proposal_is_accessible_and_fits(
    context: BrowserContext, scanner: Page, console: Console, size: ViewportSize, scheme: str
) -> None:
    scanner.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    scanner.set_viewport_size(size)
    make_a_scan(scanner)
    scanner.get_by_text(re.compile("left out, and why")).click()
    assert scanner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(scanner, console) == []
