"""What keeps somebody from using a page, as axe finds it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.end_to_end.conftest import Console

AS_IT_IS = {"preload": False}
"""The page alone: axe would copy its sheets into it, where what they import is not found."""


def serious_barriers(page: Page, console: Console) -> list[str]:
    """The serious and critical findings on a page as it is now, each with its element."""
    before = list(console.messages)
    found = Axe().run(page, options=AS_IT_IS).response["violations"]
    console.messages[:] = before  # what axe makes a browser say is not the page's
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
