"""What a page says and keeps where answers are lost, or somebody has signed in again meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from settings_app import services
from settings_app.models import User
from tests.control.running import eventually
from tests.end_to_end.conftest import Console, sign_in
from tests.end_to_end.running import Livermore
from tests.end_to_end.sessions import bring_session
from tests.settings_app.factories import UserFactory

SETTINGS, SYMBOLS = "/admin/settings/", "/admin/symbols/"
HAS_DRAFT = "() => Object.keys(localStorage).some(key => key.includes('settings.draft'))"
EXPECTED = ("/ws/runtime/", "net::ERR", "status of 401", "status of 403", "status of 503")


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    rows = [{"symbol": "BTC-USD", "exchange": "coinbase"}]
    user: User = UserFactory.create(username="anna", document={"watchlist": rows})
    return user


@pytest.fixture
def page(
    context: BrowserContext, live_server: LiveServer, anna: User, console: Console
) -> Iterator[Page]:
    """A page of hers, signed in, on a server that serves pages alone."""
    bring_session(context, anna, live_server.url)
    page = context.new_page()
    console.hear(page)
    yield page
    console.messages[:] = [
        one for one in console.messages if not any(words in one for words in EXPECTED)
    ]


def is_on(user: User) -> bool:
    return services.read(user.pk).document.watchlist[0].enabled


# ------------------------------------------------------------------ answers that are lost
def test_a_change_whose_answer_broke_off_is_not_said_to_have_been_refused(
    page: Page, live_server: LiveServer, anna: User
) -> None:
    page.goto(f"{live_server.url}{SYMBOLS}")

    def break_off(route: Route) -> None:
        route.fetch()
        route.fulfill(content_type="application/json", body='{"message": "BTC-')

    page.route(re.compile("/api/symbols/coinbase/"), break_off)
    switch = page.get_by_role("switch", name="Watch BTC-USD")
    switch.click()
    toast = page.locator(".lv-toast", has_text="No answer")
    expect(toast).to_contain_text("Whether this was done is not known")
    assert not is_on(anna)
    expect(switch).to_have_attribute("aria-checked", "false")  # as the list says, read anew
    expect(page.locator("tr[aria-busy=true]")).to_have_count(0)


def test_a_refresh_that_broke_off_stands_in_the_way_of_no_other(
    page: Page, live_server: LiveServer, anna: User
) -> None:
    page.goto(f"{live_server.url}{SYMBOLS}")
    broken = "**/api/symbols"
    page.route(broken, lambda route: route.fulfill(content_type="application/json", body="{"))
    switch = page.get_by_role("switch", name="Watch BTC-USD")
    switch.click()
    expect(page.locator(".lv-toast", has_text="Saved, not applied yet")).to_be_visible()
    page.unroute(broken)
    switch.click()  # which wants what it shows: off once more
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.locator("tr[aria-busy=true]")).to_have_count(0)


def test_what_nobody_has_checked_is_no_draft_and_in_no_address(
    page: Page, live_server: LiveServer
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}{SETTINGS}")
    checks = "**/api/settings/validate"
    page.route(checks, lambda route: route.fulfill(status=503, body="{}"))
    field = page.locator('[data-path="/exchanges/coinbase/SecretEnvironmentVariableName"]')
    with page.expect_response(checks):
        field.fill("qW8xk29vTtb0Zs71mN4hYcR5uJ3eLpAa")
    expect(page.locator("#st-message")).to_contain_text("Not checked")
    assert not page.evaluate(HAS_DRAFT)
    assert not [address for address in asked if "qW8xk29v" in address]


def test_a_command_that_was_not_sent_and_one_that_may_have_been_are_told_apart(
    page: Page, live_server: LiveServer, context: BrowserContext
) -> None:
    page.goto(f"{live_server.url}/admin/control/")
    button, toasts = page.get_by_role("button", name="Reload settings"), page.locator(".lv-toast")
    context.set_offline(True)
    button.click()
    expect(toasts.filter(has_text="reload-settings refused")).to_contain_text("Nothing was sent.")
    context.set_offline(False)
    page.route("**/admin/control/command", lambda route: route.abort())
    button.click()
    expect(toasts.filter(has_text="No answer to reload-settings")).to_contain_text(
        "whether it was sent is not known"
    )


# ------------------------------------------------------------------ another sign-in
def test_who_signs_in_again_goes_on_with_what_is_not_saved(
    page: Page, live_server: LiveServer, anna: User, context: BrowserContext
) -> None:
    page.goto(f"{live_server.url}{SYMBOLS}")
    bring_session(context, anna, live_server.url)
    context.clear_cookies(name="csrftoken")
    other = context.new_page()
    other.goto(f"{live_server.url}{SYMBOLS}")  # which has another token now
    page.get_by_role("switch", name="Watch BTC-USD").click()
    expect(page.locator(".lv-toast", has_text="Saved, not applied yet")).to_be_visible()
    assert not is_on(anna)


def test_a_page_of_somebody_else_changes_nothing_of_whoever_signs_in_after_them(
    page: Page, live_server: LiveServer, anna: User, context: BrowserContext
) -> None:
    page.goto(f"{live_server.url}{SYMBOLS}")
    rows = [{"symbol": "BTC-USD", "exchange": "coinbase"}]
    bela = UserFactory.create(username="bela", document={"watchlist": rows})
    bring_session(context, bela, live_server.url)  # and the token of the page would still do
    page.get_by_role("switch", name="Watch BTC-USD").click()
    expect(page.locator(".lv-toast")).to_contain_text("You are signed out.")
    assert is_on(anna)
    assert is_on(bela)


def test_a_page_that_was_signed_out_is_live_again_after_the_next_sign_in(
    panel: Page, livermore: Livermore, context: BrowserContext, console: Console
) -> None:
    other = context.new_page()
    console.hear(other)
    other.goto(f"{livermore.url}/admin/control/")
    other.get_by_role("button", name="Sign out").click()
    expect(panel.locator("#lv-header-state")).to_contain_text("Signed out")
    sign_in(other, livermore)
    panel.evaluate("() => window.dispatchEvent(new Event('focus'))")  # they come back to it
    expect(panel.locator("#lv-header-state")).to_contain_text("Running")
    panel.get_by_role("button", name="Pause").click()
    eventually(lambda: livermore.status()["state"] == "paused")
    expect(panel.locator("#lv-header-state")).to_contain_text("Paused")
    console.messages[:] = [
        one for one in console.messages if not any(words in one for words in EXPECTED)
    ]
