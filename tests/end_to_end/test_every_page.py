"""What every page owes to everybody: read by anybody's eyes and hands, and light to load.

The pages are found as a person finds them: by the side bar. What is not in it is named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.running import Livermore

BESIDE: Final = (
    "/admin/",
    "/admin/signals/chart/?exchange=coinbase&symbol=BTC-USD&timeframe=1m",
    "/admin/symbols/?scan=",
    "/admin/symbols/scanner/",
    "/admin/trading/position/add/",
    "/admin/password_change/",
)
LOGIN: Final = "/admin/login/"
MANUAL: Final = "/api/docs"
"""Of the API: no page of the admin, so without its side bar, keys and state."""
BUDGET_BYTES: Final = 300_000
"""Of one page, compressed, with an empty cache; chart and JSON editor come on top."""
ON_TOP: Final = re.compile(r"/vendor/(lightweight-charts|jsoneditor|jse-theme)")
GENERAL_KEYS: Final = {
    "g c": "Go to Control panel",
    "g y": "Go to Symbols",
    "g i": "Go to Signals",
    "g s": "Go to Settings",
    "?": "This list",
}
LOOK = """() => ({
  title: document.title,
  headings: [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility()).length,
  language: document.documentElement.lang,
  wide: document.documentElement.scrollWidth - innerWidth,
  unnamed: document.querySelectorAll("main, [role=main]").length !== 1,
})"""
FITS = """() => {
  const header = document.querySelector("#header");
  document.querySelector("#lv-header-state span").textContent = "No heartbeat"; // the longest
  const [left, right] = [...header.children].map((one) => one.getBoundingClientRect());
  return header.scrollWidth <= header.clientWidth && left.right < right.left;
}"""


pytestmark = pytest.mark.timeout(400)  # twenty pages, on a machine that may be busy


@pytest.fixture
def addresses(panel: Page) -> list[str]:
    """Where every page is, for somebody who is signed in."""
    return [*listed(panel, "Run"), *listed(panel, "Data"), *listed(panel, "Sign-ins"), *BESIDE]


def listed(page: Page, group: str) -> list[str]:
    """The addresses of a group of the side bar."""
    links = page.locator("#nav-sidebar h2", has_text=group).locator("+ ul a")
    found = [link.get_attribute("href") or "" for link in links.all()]
    assert found
    return found


@dataclass
class Audit:
    """What was found amiss, by the address of its page."""

    console: Console
    found: dict[str, list[str]] = field(default_factory=dict)

    def note(self, address: str, *faults: str) -> None:
        """Put faults beside those that a page has already."""
        if faults:
            self.found.setdefault(address, []).extend(faults)

    def look(self, page: Page, address: str, *, drawn: str = "main") -> None:
        """Open a page and note, once a part is drawn, what everybody would trip over."""
        answer = page.goto(address, wait_until="load")
        if answer is None or answer.status != 200:
            self.note(address, f"HTTP {answer.status if answer else 'nothing'}")
            return
        page.locator(drawn).first.wait_for()
        seen: dict[str, Any] = page.evaluate(LOOK)
        self.note(address, *_faults(seen), *self.console.messages)
        self.note(address, *serious_barriers(page, self.console))
        self.console.messages.clear()  # they are noted


def _faults(seen: dict[str, Any]) -> Iterator[str]:
    if seen["headings"] != 1:
        yield f"{seen['headings']} headings of the first rank"
    if not seen["title"].endswith("Livermore"):
        yield f"its title is {seen['title']!r}"
    if not seen["language"]:
        yield "no language"
    if seen["wide"] > 0:
        yield f"{seen['wide']} px too wide"
    if seen["unnamed"]:
        yield "not one main part"


@pytest.fixture
def audit(console: Console) -> Audit:
    return Audit(console)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("group", ["Run", "Data", "Sign-ins", "beside"])
def test_no_page_has_a_barrier(
    panel: Page, livermore: Livermore, audit: Audit, group: str, size: ViewportSize, scheme: str
) -> None:
    addresses = BESIDE if group == "beside" else listed(panel, group)
    panel.set_viewport_size(size)
    panel.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for address in addresses:
        audit.look(panel, livermore.url + address)
    assert audit.found == {}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_has_no_barrier(
    context: BrowserContext, livermore: Livermore, audit: Audit, size: ViewportSize, scheme: str
) -> None:
    page = context.new_page()
    audit.console.hear(page)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    audit.look(page, livermore.url + LOGIN)
    assert audit.found == {}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_manual_of_the_api_has_no_barrier(
    panel: Page, livermore: Livermore, audit: Audit, size: ViewportSize, scheme: str
) -> None:
    panel.set_viewport_size(size)
    panel.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    audit.look(panel, livermore.url + MANUAL, drawn=".opblock")
    assert audit.found == {}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_header_leads_to_the_password_and_fits(
    panel: Page, livermore: Livermore, size: ViewportSize
) -> None:
    panel.set_viewport_size(size)
    assert panel.evaluate(FITS)
    panel.get_by_role("link", name="Change password").click()
    expect(panel).to_have_url(f"{livermore.url}/admin/password_change/")


def test_every_page_says_by_title_and_picture_that_the_runtime_is_paused(
    panel: Page, livermore: Livermore, addresses: list[str]
) -> None:
    panel.keyboard.press("p")
    expect(panel.locator("#cp-pill")).to_contain_text("Paused")
    for address in addresses:
        panel.goto(livermore.url + address)
        expect(panel.locator("#lv-header-state")).to_contain_text("Paused")
        expect(panel).to_have_title(re.compile("^Paused · .*Livermore$"))
        expect(panel.locator("#lv-favicon")).to_have_attribute("href", re.compile("state-paused"))


def test_the_list_of_keys_is_right_on_every_page(
    panel: Page, livermore: Livermore, addresses: list[str]
) -> None:
    for address in addresses:
        panel.goto(livermore.url + address)
        keys = keys_of(panel)
        assert keys.items() >= GENERAL_KEYS.items(), address
        assert all(keys.values()), address
    for combination, text in GENERAL_KEYS.items():
        if not combination.startswith("g"):
            continue
        for pressed in combination.split():
            panel.keyboard.press(pressed)
        expect(panel.locator("#nav-sidebar [aria-current=page]")).to_have_text(
            text.removeprefix("Go to ")
        )
        panel.wait_for_load_state()  # the modules run, and hear the next keys


def keys_of(page: Page) -> dict[str, str]:
    """What ``?`` lists."""
    expect(page.locator("#lv-header-state")).to_contain_text("Running")  # the modules are at work
    page.evaluate("document.activeElement.blur()")  # the admin's forms begin in their first field
    page.keyboard.press("?")
    dialog = page.locator("#lv-keys")
    expect(dialog).to_be_visible()
    keys = dialog.locator("dt").all_inner_texts()
    assert len(keys) == len(set(keys)), f"{page.url}: a key stands there twice"
    texts = dict(zip(keys, dialog.locator("dd").all_inner_texts(), strict=True))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    return texts


def test_no_page_is_heavy(panel: Page, livermore: Livermore) -> None:
    addresses = [*listed(panel, "Run"), listed(panel, "Data")[0], *BESIDE]
    weighed = {address: weight(panel, livermore.url + address) for address in addresses}
    assert {one: bytes_ for one, bytes_ in weighed.items() if bytes_ > BUDGET_BYTES} == {}
    assert all(weighed.values()), "nothing was weighed"


def weight(page: Page, address: str) -> int:
    """What comes over the line for a page, in bytes, with an empty cache."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    line.on("Network.responseReceived", lambda told: names.update({told["requestId"]: _url(told)}))
    line.on(
        "Network.loadingFinished",
        lambda told: sizes.update({told["requestId"]: int(told["encodedDataLength"])}),
    )
    page.goto(address, wait_until="networkidle")
    line.detach()
    return sum(size for one, size in sizes.items() if not ON_TOP.search(names.get(one, "")))


def _url(told: dict[str, Any]) -> str:
    return str(told["response"]["url"])
