"""Where things stand on the symbols page, on a desk and on a phone.

The page is served without a worker and holds more symbols than a screen.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.sessions import bring_session

SYMBOLS = [f"S{number}-USD" for number in range(45)]
COVERED = """() => {
  const head = document.querySelector("#sy-scroll thead th:nth-child(2)").getBoundingClientRect();
  const found = document.elementFromPoint(head.left + 8, head.top + 8);
  const floor = Math.max(...[...document.querySelectorAll("#header, #sy-bulk:not([hidden])")]
    .map((one) => one.getBoundingClientRect().bottom));
  return { isSeen: found.closest("th") !== null, gap: Math.round(head.top - floor) };
}"""


@pytest.fixture
def console(console: Console) -> Iterator[Console]:
    """All but that a server which serves pages alone has no socket for them."""
    yield console
    console.messages[:] = [one for one in console.messages if "/ws/runtime/" not in one]


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    return trader(*SYMBOLS)


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer, anna: User, console: Console) -> Page:
    """Her list, live."""
    bring_session(context, anna, live_server.url)
    opened = context.new_page()
    console.hear(opened)
    opened.goto(f"{live_server.url}/admin/symbols/")
    expect(opened.locator("#sy-rows tr")).to_have_count(len(SYMBOLS))
    expect(opened.locator("#sy-filters")).to_be_visible()  # the modules are at work
    return opened


def test_the_head_of_the_list_stays_in_sight_and_hides_behind_nothing(page: Page) -> None:
    page.mouse.wheel(0, 900)
    page.wait_for_function("scrollY > 500")
    assert page.evaluate(COVERED) == {"isSeen": True, "gap": 0}
    page.get_by_role("checkbox", name="Choose S30-USD").check()
    expect(page.locator("#sy-bulk")).to_be_visible()
    assert page.evaluate(COVERED) == {"isSeen": True, "gap": 0}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_row_that_has_the_focus_is_hidden_behind_the_head(page: Page) -> None:
    page.get_by_role("link", name="S40-USD", exact=True).focus()
    for _ in range(80):
        page.keyboard.press("Shift+Tab")
    focused = page.evaluate("document.activeElement.getBoundingClientRect().top")
    head = page.locator("#sy-scroll thead th").nth(1).bounding_box()
    assert page.evaluate("document.activeElement.closest('#sy-rows') !== null")
    assert head is not None
    assert focused >= head["y"] + head["height"]


@pytest.mark.parametrize("width", [390, 768, 900, 960, 1100, 1280, 1360])
def test_stages_and_switch_are_seen_at_every_width_without_scrolling_sideways(
    page: Page, width: int
) -> None:
    page.set_viewport_size({**DESK, "width": width})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#sy-scroll").evaluate("box => box.scrollWidth <= box.clientWidth")
    for seen in ("sy-stages", "sy-state", "sy-on"):
        expect(page.locator(f"#sy-rows tr:first-child .{seen} > :first-child")).to_be_in_viewport()


def test_on_a_phone_a_row_is_edited_where_it_stands(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Edit S3-USD").click()
    dialog = page.get_by_role("dialog", name="Edit S3-USD")
    expect(dialog.get_by_label("Place in the list")).to_have_value("4")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_without_javascript_a_row_is_given_another_place(
    browser: Browser, live_server: LiveServer, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.pages.symbols.WAIT_SECONDS", 0.0)  # there is no runtime
    plain = browser.new_context(java_script_enabled=False, viewport=PHONE)
    bring_session(plain, anna, live_server.url)
    page = plain.new_page()
    page.goto(f"{live_server.url}/admin/symbols/")
    page.get_by_role("link", name="Edit S3-USD").click()
    page.get_by_label("Place in the list").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#sy-rows tr").first).to_have_attribute("data-key", "coinbase:S3-USD")
    rows = services.read(anna.pk).document.watchlist
    assert [row.symbol for row in rows[:3]] == ["S3-USD", "S0-USD", "S1-USD"]
    plain.close()
