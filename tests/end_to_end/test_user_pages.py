"""What is seen of a user's settings in the admin: on a desk and on a phone, light and dark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.running import Livermore

USERS = "/admin/settings_app/user/"


def open_own_page(page: Page, livermore: Livermore) -> None:
    """From the list, as a person goes."""
    page.goto(livermore.url + USERS)
    page.get_by_role("link", name="demo", exact=True).click()
    expect(page.get_by_role("region", name="Settings document")).to_contain_text('"watchlist"')


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reset_is_shown_in_full_before_it_is_confirmed(
    panel: Page, livermore: Livermore, viewport: ViewportSize, scheme: str, console: Console
) -> None:
    panel.set_viewport_size(viewport)
    panel.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_own_page(panel, livermore)
    assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel.get_by_role("link", name="Reset settings…").click()
    expect(panel.get_by_role("button", name="of demo")).to_be_visible()
    expect(panel.get_by_text("/watchlist/0", exact=True)).to_be_visible()
    assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_barriers(panel, console) == []
    panel.get_by_role("link", name="Cancel").click()
    expect(panel.get_by_role("region", name="Settings document")).to_contain_text('"BTC-USD"')


def test_an_export_is_a_file_that_the_browser_saves(
    panel: Page, livermore: Livermore, tmp_path: Path
) -> None:
    open_own_page(panel, livermore)
    with panel.expect_download() as downloading:
        panel.get_by_role("link", name="Export settings").click()
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    assert file.name.startswith("livermore-settings-demo-")
    assert json.loads(file.read_text())["settings"]["watchlist"][0]["symbol"] == "BTC-USD"
