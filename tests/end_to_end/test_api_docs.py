"""The page that documents the API, under the real content security policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console, sign_in
from tests.end_to_end.running import Livermore


def documented(context: BrowserContext, livermore: Livermore, console: Console) -> Page:
    """The page, signed in, with its operations shown."""
    page = context.new_page()
    console.hear(page)
    sign_in(page, livermore)
    page.goto(f"{livermore.url}/api/docs")
    expect(page.locator("#operations-settings-getSettings")).to_be_visible()
    return page


def test_an_operation_can_be_tried_with_the_token_of_the_page(
    context: BrowserContext, livermore: Livermore, console: Console
) -> None:
    page = documented(context, livermore, console)
    operation = page.locator("#operations-settings-validateSettings")
    operation.locator("button.opblock-summary-control").click()
    operation.locator("select").first.select_option("application/merge-patch+json")
    operation.locator("textarea").fill('{"scanner": {"top_n": 20}}')
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer).to_contain_text('"valid": true')
    expect(answer).to_contain_text("at next refresh")
    # Not the one in the headline, which is there only under the mouse.
    expect(operation.locator(".curl-command .copy-to-clipboard")).to_be_visible()


def test_each_setting_says_when_it_applies(
    context: BrowserContext, livermore: Livermore, console: Console
) -> None:
    page = documented(context, livermore, console)
    operation = page.locator("#operations-settings-getSettings")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_text("Schema", exact=True).first.click()
    scanner = operation.get_by_role("button", name=re.compile("^scanner$"))
    scanner.click()
    operation.get_by_role("button", name=re.compile("^top_n$")).click()
    expect(operation.get_by_text("Applies at next refresh.").first).to_be_visible()


def test_the_page_asks_nobody_but_this_server(
    context: BrowserContext, livermore: Livermore, console: Console
) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = documented(context, livermore, console)
    page.set_viewport_size(PHONE)
    for section in page.locator(".opblock-tag-section").all():
        # One of each section, and one at a time: with more open, each takes longer than the last.
        operation = section.locator(".opblock").first
        operation.locator("button.opblock-summary-control").click()
        expect(operation.locator(".responses-table").first).to_be_visible()
        operation.locator("button.opblock-summary-control").click()
    assert [url for url in asked if not url.startswith(livermore.url)] == []


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_operation_is_legible(
    context: BrowserContext,
    livermore: Livermore,
    console: Console,
    viewport: ViewportSize,
    scheme: str,
) -> None:
    page = documented(context, livermore, console)
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name, view in (
        ("settings-validateSettings", "Example Value"),
        ("settings-getSettings", "Schema"),
    ):
        operation = page.locator(f"#operations-{name}")
        operation.locator("button.opblock-summary-control").click()
        operation.get_by_text(view, exact=True).first.click()
        expect(operation.locator(".responses-table").first).to_be_visible()
    page.locator("#operations-settings-validateSettings").get_by_role(
        "button", name="Execute"
    ).click()
    expect(page.locator(".live-responses-table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(page, console) == []
