"""What a trader does on the settings page, in a real browser, against the whole stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, ViewportSize, expect

from tests.end_to_end.api import Api
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console, put_right, sign_in
from tests.end_to_end.running import Livermore

SECRET = "qW8xk29vTtb0Zs71mN4hYcR5uJ3eLpAa"  # looks like one, and is none
STOP_LOSS = "/perseus_profile/trade_settings/stop_loss_percentage"
TOP_N = "/scanner/top_n"


@pytest.fixture
def page(context: BrowserContext, livermore: Livermore, console: Console) -> Iterator[Page]:
    """The settings of the demo user, who has them back afterwards."""
    page = context.new_page()
    console.hear(page)
    sign_in(page, livermore)
    put_right(page, livermore)
    page.goto(f"{livermore.url}/admin/settings/")
    expect(page.locator("#cp-pill, #lv-state, .lv-pill").first).to_contain_text("Running")
    api = Api(page, livermore.url)
    before = api.settings()
    yield page
    if api.settings() != before:
        api.replace(before)


@pytest.fixture
def api(page: Page, livermore: Livermore) -> Api:
    return Api(page, livermore.url)


def field(page: Page, path: str) -> Locator:
    return page.locator(f'[data-path="{path}"]')


def edited(page: Page) -> None:
    """The editor has taken the place of the textarea."""
    expect(page.locator("#st-code .cm-content")).to_be_visible()


def message(page: Page) -> Locator:
    return page.locator("#st-message")


def toasts(page: Page) -> Locator:
    return page.locator("#lv-toasts")


def review_and_save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.locator("#st-diff")).to_be_visible()
    page.keyboard.press("Enter")


def test_a_change_is_reviewed_saved_and_applied_by_the_runtime(
    page: Page, livermore: Livermore, api: Api
) -> None:
    before = api.settings()
    field(page, STOP_LOSS).fill("3.75")
    field(page, TOP_N).fill("45")
    expect(message(page)).to_have_text("2 changes · 1 at once · 1 at next refresh")
    expect(page.locator('[data-section="trading"] [data-count]')).to_have_text("● 1")
    expect(page.locator(f'[data-field="{STOP_LOSS}"] .st-was')).to_contain_text("was 2.5")
    page.keyboard.press("Control+s")
    dialog = page.locator("#st-diff")
    expect(dialog).to_contain_text("Stop loss")
    expect(dialog.get_by_role("row", name=re.compile("How many"))).to_contain_text(
        re.compile("50.*45.*at next refresh", re.DOTALL)
    )
    dialog.get_by_role("button", name="Save 2 changes").click()
    expect(toasts(page)).to_contain_text(re.compile(r"Revision \d+ applied"))
    expect(toasts(page)).to_contain_text(re.compile(r"1 at once, 1 at next refresh · [\d.]+ m?s"))
    expect(message(page)).to_contain_text("All changes saved")
    after = api.settings()
    assert after["scanner"] == {**before["scanner"], "top_n": 45}
    assert after["perseus_profile"]["trade_settings"]["stop_loss_percentage"] == 3.75
    assert {**after, "scanner": 0, "perseus_profile": 0} == {
        **before,
        "scanner": 0,
        "perseus_profile": 0,
    }
    assert livermore.status()["settingsRevision"] == api.revision()


def test_form_and_json_are_two_views_of_one_document(page: Page) -> None:
    edited(page)
    code = page.locator("#st-code .cm-content")
    field(page, "/perseus_profile/public_name").fill("Anna")
    expect(code).to_contain_text('"public_name": "Anna"')
    code.get_by_text('"Anna"').dblclick()
    page.keyboard.type("Bela")
    expect(field(page, "/perseus_profile/public_name")).to_have_value("Bela")
    page.keyboard.type(',"')
    expect(page.locator("#st-problems")).to_contain_text(
        "Not valid JSON here. The form keeps the last valid document."
    )
    expect(field(page, "/perseus_profile/public_name")).to_have_value("Bela")
    expect(page.locator("#st-save")).to_be_disabled()
    page.locator("#st-discard").click()
    expect(message(page)).to_contain_text("All changes saved")
    expect(code).to_contain_text('"public_name": "Trader"')


def test_a_key_that_stands_twice_is_refused_and_neither_value_is_lost(
    page: Page, api: Api, console: Console
) -> None:
    edited(page)
    before, name = api.settings(), "/perseus_profile/public_name"
    code = page.locator("#st-code .cm-content")
    code.get_by_text('"Trader"').dblclick()
    page.keyboard.insert_text('Anna",\n"public_name": "Bela')
    expect(page.locator("#st-problems")).to_contain_text(
        re.compile(rf'Line \d+ The key "public_name" stands twice in one object, on lines .*{name}')
    )
    expect(page.locator("#st-code .cm-lint-marker-error")).to_be_visible()
    expect(code).to_contain_text('"Anna"')
    expect(field(page, name)).to_have_value("Trader")
    expect(page.locator("#st-save")).to_be_disabled()
    code.press("Control+z")
    expect(page.locator("#st-problems")).to_be_empty()
    expect(message(page)).to_contain_text("All changes saved")
    page.get_by_role("button", name="Import…").click()
    page.get_by_label("Settings document", exact=True).fill(
        '{"version": 2, "scanner": {"top_n": 20, "top_n": 30}}'
    )
    expect(page.locator("#st-import-list")).to_contain_text("/scanner/top_n")
    expect(page.locator("#st-import-go")).to_be_disabled()
    assert api.settings() == before
    refused = [one for one in console.messages if "422" in one]
    assert len(refused) == 1  # the browser itself tells of an answer like this
    console.messages.remove(refused[0])


def test_the_list_marks_the_section_that_is_read(page: Page) -> None:
    sections = page.locator(".st-nav a")
    read = page.locator(".st-nav a[aria-current]")
    expect(read).to_have_text("Profile")
    names = [one.get_attribute("data-section") or "" for one in sections.all()]
    for name in names:
        page.locator(f'.st-nav a[data-section="{name}"]').click()
        expect(read).to_have_attribute("data-section", name)
    for above, name in pairwise(names[:-2]):  # the last two never come up so far
        head_at = "(one) => scrollBy(0, one.getBoundingClientRect().top - innerHeight * {})"
        page.locator(f"#s-{name}").evaluate(head_at.format(0.35))
        expect(read).to_have_attribute("data-section", name)
        page.locator(f"#s-{name}").evaluate(head_at.format(0.45))
        expect(read).to_have_attribute("data-section", above)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(read).to_have_attribute("data-section", names[-1])


def test_rows_are_added_moved_and_removed(page: Page, api: Api) -> None:
    rows = page.locator('[data-table="/watchlist"] ol > li')
    count, first = rows.count(), api.settings()["watchlist"][0]["symbol"]
    page.locator('[data-table="/watchlist"]').get_by_role("button", name="Add row").click()
    page.keyboard.type("SHIB-USD")
    expect(message(page)).to_have_text("1 change · 1 at once")
    page.keyboard.press("Alt+ArrowUp")
    expect(rows.nth(count - 1).get_by_label("Symbol")).to_have_value("SHIB-USD")
    expect(rows.nth(count - 1).get_by_label("Symbol")).to_be_focused()
    rows.first.get_by_role("button", name="Move down").click()
    expect(rows.nth(1).get_by_label("Symbol")).to_have_value(first)
    rows.nth(1).get_by_role("button", name="Remove row").click()
    review_and_save(page)
    expect(toasts(page)).to_contain_text(re.compile(r"Revision \d+ applied"))
    symbols = [row["symbol"] for row in api.settings()["watchlist"]]
    assert first not in symbols
    assert symbols[-2] == "SHIB-USD"
    assert len(symbols) == count


def test_what_is_wrong_is_told_in_both_views_and_cannot_be_saved(page: Page) -> None:
    edited(page)
    field(page, TOP_N).fill("500")
    error = page.locator(f'[data-field="{TOP_N}"] .st-err')
    expect(error).to_have_text("must be at most 100")
    expect(message(page)).to_contain_text("1 problem to fix before saving")
    expect(page.locator('[data-section="scanner"] [data-count]')).to_have_text("✕ 1")
    page.keyboard.press("Control+s")
    expect(page.locator("#st-diff")).to_be_hidden()
    problem = page.locator("#st-problems button")
    expect(problem).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#st-code .cm-content")).to_be_focused()
    expect(page.locator("#st-code .cm-line", has_text='"top_n": 500')).to_be_in_viewport()
    expect(page.locator("#st-code .cm-lint-marker-error")).to_be_visible()
    page.locator(f'[data-field="{TOP_N}"]').get_by_role("button", name="Revert").click()
    expect(message(page)).to_contain_text("All changes saved")


def test_a_pasted_secret_stays_nowhere(page: Page) -> None:
    edited(page)
    path = "/exchanges/kucoin/SecretEnvironmentVariableName"
    field(page, "/perseus_profile/public_name").fill("Anna")
    field(page, path).fill(SECRET)
    expect(field(page, path)).to_have_value("")
    expect(page.locator(f'[data-chip="{path}"]')).to_contain_text(
        "looks like a secret: not stored. Enter the variable's name"
    )
    expect(message(page)).to_contain_text("1 change")
    everywhere = page.evaluate("document.body.innerHTML + JSON.stringify(localStorage)")
    assert SECRET not in everywhere
    assert "Anna" in everywhere
    code = page.locator("#st-code .cm-content")
    code.get_by_text('"Anna"').dblclick()
    page.keyboard.insert_text(SECRET)
    expect(field(page, "/perseus_profile/public_name")).to_have_value("Trader")  # as it is stored
    expect(page.locator("#st-problems")).to_contain_text("looks like a secret")
    for _ in range(3):
        code.press("Control+z")
    assert SECRET not in page.evaluate("document.body.innerHTML + JSON.stringify(localStorage)")


def test_a_variable_says_whether_it_is_set_where_the_runtime_runs(page: Page) -> None:
    path = "/exchanges/binance/ApiKeyEnvironmentVariableName"
    chip = page.locator(f'[data-chip="{path}"]')
    field(page, path).fill("BINANCE_NOT_THERE")
    expect(chip).to_contain_text("not set where the runtime runs")
    problem = page.locator("#st-problems button", has_text="Secret is required")
    cross = page.locator("#st-code .cm-lint-marker-error")
    expect(problem).to_be_visible()
    expect(cross).to_have_count(0)  # it stands by its exchange, and not by the first line
    problem.click()
    expect(cross).to_be_visible()
    field(page, path).fill("DATABASE_URL")
    expect(chip).to_contain_text("not a name that you may use")


def test_a_channel_is_set_up_tried_and_removed(page: Page, api: Api, console: Console) -> None:
    page.get_by_role("button", name="Set up E-mail").click()
    expect(page.locator('[data-field="/notifications/email/address"] .st-err')).to_contain_text(
        "is required while enabled"
    )
    field(page, "/notifications/email/address").fill("anna@example.org")
    expect(message(page)).to_have_text("1 change · 1 at once")
    review_and_save(page)
    expect(toasts(page)).to_contain_text(re.compile(r"Revision \d+ applied"))
    page.get_by_role("button", name="Send a test").click()
    # Nothing here carries mail; how soon the worker can say so depends on what else it has to send.
    expect(toasts(page)).to_contain_text(re.compile("no mail server is configured|No answer yet"))
    page.get_by_role("button", name="Remove E-mail").click()
    review_and_save(page)
    expect(message(page)).to_contain_text("All changes saved")
    assert "email" not in api.settings()["notifications"]
    # The browser itself tells of an answer like this.
    console.messages[:] = [one for one in console.messages if "409 (Conflict)" not in one]


def test_a_draft_is_offered_back_and_a_discard_can_be_undone(page: Page) -> None:
    field(page, TOP_N).fill("37")
    expect(message(page)).to_contain_text("1 at next refresh")
    page.wait_for_function(
        "() => Object.keys(localStorage).some(key => key.includes('settings.draft'))"
    )
    warned: list[str] = []

    def leave(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    assert warned == ["beforeunload"]
    expect(page.locator("#st-notices")).to_contain_text("You have an unsaved draft")
    page.get_by_role("button", name="Continue with it").click()
    expect(field(page, TOP_N)).to_have_value("37")
    page.locator("#st-bar").click()
    page.keyboard.press("Escape")
    expect(field(page, TOP_N)).to_have_value("50")
    page.get_by_role("button", name="Undo").click()
    expect(field(page, TOP_N)).to_have_value("37")
    page.locator("#st-discard").click()
    page.reload()
    expect(message(page)).to_contain_text("All changes saved")
    expect(page.locator("#st-notices")).to_be_empty()


def test_a_template_and_an_old_file_fill_in_the_form(page: Page, api: Api) -> None:
    before = api.settings()
    page.get_by_role("button", name="Templates…").click()
    page.get_by_text("Night watch").click()
    expect(page.locator("#st-template-changes")).to_contain_text("Cooldown: 300 → 7200")
    page.locator("#st-template-go").click()
    expect(field(page, "/modes/scalper-macdv/cooldown_seconds")).to_have_value("7200")
    page.get_by_role("button", name="Import…").click()
    page.get_by_label("Settings document", exact=True).fill(
        json.dumps({"symbols": ["BTC-USD"], "scanner_auto_restart_services": True})
    )
    expect(page.locator("#st-import-list")).to_contain_text("dropped")
    page.locator("#st-import-go").click()
    expect(page.locator('[data-table="/watchlist"] ol > li')).to_have_count(1)
    page.locator("#st-bar").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile(r"^Discard \d+ changes$")).click()
    expect(message(page)).to_contain_text("All changes saved")
    assert api.settings() == before


def test_what_another_browser_saves_is_shown_or_said_and_never_overwritten(
    page: Page, api: Api, console: Console
) -> None:
    api.patch({"scanner": {"top_n": 61}})
    expect(field(page, TOP_N)).to_have_value("61")  # nothing was typed: the page follows
    field(page, TOP_N).fill("62")
    api.patch({"scanner": {"quote": "EUR"}})
    expect(page.locator("#st-notices")).to_contain_text("was saved meanwhile")
    review_and_save(page)
    expect(toasts(page)).to_contain_text("on top of what others saved")
    assert api.settings()["scanner"]["quote"] == "EUR"
    field(page, TOP_N).fill("63")
    api.patch({"scanner": {"top_n": 64, "quote": "USDC"}})
    expect(page.locator("#st-notices")).to_contain_text("was saved meanwhile")
    review_and_save(page)
    stale = page.locator("#st-stale")
    expect(stale).to_contain_text(re.compile(r"Revision \d+ by demo, .*: Quote currency, How many"))
    expect(stale).to_contain_text("You both changed How many.")
    assert api.settings()["scanner"]["top_n"] == 64
    stale.get_by_role("button", name="Put my changes on top").click()
    expect(field(page, "/scanner/quote")).to_have_value("USDC")
    expect(page.locator(f'[data-field="{TOP_N}"] .st-was')).to_contain_text("was 64")
    review_and_save(page)
    expect(message(page)).to_contain_text("All changes saved")
    assert api.settings()["scanner"]["top_n"] == 63
    refused = [one for one in console.messages if "412" in one]
    assert len(refused) == 1  # the browser itself tells of an answer like this
    console.messages.remove(refused[0])


def test_a_save_without_a_runtime_says_so(page: Page, livermore: Livermore) -> None:
    field(page, TOP_N).fill("44")
    with livermore.frozen_runtime():
        review_and_save(page)
        expect(toasts(page)).to_contain_text("recorded, not yet applied")
        expect(page.locator("#st-revision")).to_contain_text("recorded, not yet applied")
    expect(page.locator('#st-revision [data-slot="applied"]')).to_have_text("applied")


def test_without_javascript_each_view_can_be_saved(
    browser: Browser, page: Page, livermore: Livermore, api: Api
) -> None:
    plain = browser.new_context(
        viewport=DESK, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    still = plain.new_page()
    still.goto(f"{livermore.url}/admin/settings/")
    still.get_by_label("How many").fill("500")
    still.get_by_role("button", name="Save the form").click()
    expect(still.get_by_text("Nothing was saved: 1 problem")).to_be_visible()
    expect(still.get_by_label("How many")).to_have_value("500")
    still.get_by_label("How many").fill("35")
    still.get_by_role("button", name="Save the form").click()
    assert api.settings()["scanner"]["top_n"] == 35
    area = still.get_by_label("Settings document as JSON")
    area.fill(area.input_value().replace('"top_n": 35', '"top_n": 36'))
    still.get_by_role("button", name="Save this JSON").click()
    assert api.settings()["scanner"]["top_n"] == 36
    plain.close()


def test_the_page_is_light_besides_its_editor(page: Page) -> None:
    edited(page)
    sizes = page.evaluate(
        "[...performance.getEntriesByType('resource'),"
        " ...performance.getEntriesByType('navigation')]"
        ".filter(one => !one.name.includes('/vendor/')).map(one => one.encodedBodySize)"
    )
    assert 50_000 < sum(sizes) <= 300_000


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_with_changes_and_problems(
    page: Page, console: Console, viewport: ViewportSize, scheme: str
) -> None:
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    field(page, STOP_LOSS).fill("3")
    field(page, TOP_N).fill("5")
    expect(message(page)).to_contain_text("1 problem")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(page, console) == []
