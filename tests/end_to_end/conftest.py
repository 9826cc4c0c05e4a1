"""Debian's Chromium, a running Livermore, and pages that are signed in."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from livermore.embedded.home import remove_state
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import eventually
from tests.end_to_end.api import Api
from tests.end_to_end.running import Livermore, running_livermore
from tests.end_to_end.sessions import bring_session
from tests.end_to_end.sockets import Socket

# No service of the browser's own: the tests run without a network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MODE = "scalper-macdv"  # of the demo
DESK = ViewportSize(width=1360, height=900)
PHONE = ViewportSize(width=390, height=844)
# How long a page has for what a test expects of it. A busy machine is no failure.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests run last: its driver keeps an event loop running in this thread."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(180))
    items.sort(key=lambda item: item.path.is_relative_to(here))


@pytest.fixture(scope="session", autouse=True)
def _rows_beside_a_browser() -> Iterator[None]:
    """Let tests write rows: the browser's driver keeps a loop, in which Django refuses queries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def livermore(browser: Browser) -> Iterator[Livermore]:
    """Everything that ``make run`` starts; only where there is a browser to look at it."""
    state = Path(tempfile.mkdtemp(prefix="livermore-end-to-end-"))
    state.chmod(0o711)  # the servers' account passes through
    try:
        with running_livermore(state) as stack:
            yield stack
    finally:
        remove_state(state)


class Console:
    """Everything the browser complained about, on every page of a test."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def hear(self, page: Page) -> None:
        """Collect from a page what it says from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.messages.append(f"{page.url}: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.messages.append(f"{message.type}: {message.text} ({message.location})")


@pytest.fixture
def console() -> Iterator[Console]:
    """No page of a test may break the content security policy, or complain of anything else."""
    heard = Console()
    yield heard
    assert heard.messages == []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of one person, at a desk."""
    own = browser.new_context(viewport=DESK)
    yield own
    own.close()


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    """A trader of whom no worker says anything: what it would say, a test does."""
    return trader("BTC-USD", "ETH-USD", is_paused=False)


@pytest.fixture
def socket(context: BrowserContext, anna: User) -> Socket:
    """What her page hears."""
    one = Socket(anna)
    context.route_web_socket(re.compile("/ws/runtime/"), one.take)
    return one


@pytest.fixture
def page(
    context: BrowserContext, live_server: LiveServer, anna: User, socket: Socket, console: Console
) -> Iterator[Page]:
    """A page of hers, signed in, with a server and without a worker."""
    bring_session(context, anna, live_server.url)
    opened = context.new_page()
    console.hear(opened)
    yield opened
    opened.close()


@pytest.fixture
def panel(context: BrowserContext, livermore: Livermore, console: Console) -> Iterator[Page]:
    """The control panel of the demo user, signed in and live; running again afterwards."""
    page = context.new_page()
    console.hear(page)
    sign_in(page, livermore)
    put_right(page, livermore)  # whatever a test that failed has left
    yield page
    put_right(page, livermore)


def put_right(page: Page, livermore: Livermore) -> None:
    """Let the demo user's runtime run, in the mode of the demo."""
    status = eventually(livermore.status)
    if status["state"] == "paused" or status["mode"] != MODE:
        page.goto(f"{livermore.url}/admin/control/")
    if status["state"] == "paused":
        page.get_by_role("button", name="Resume").click()
    if status["mode"] != MODE:
        page.locator("#cp-mode").click()
        dialog = page.get_by_role("dialog", name="Switch mode")
        dialog.get_by_role("radio", name=MODE).check()
        dialog.get_by_role("button", name=f"Switch to {MODE}").click()
        expect(page.locator('#cp-status [data-slot="mode"]')).to_have_text(MODE)
    if page.locator("#cp-pill").count():
        expect(page.locator("#cp-pill")).to_contain_text("Running")


@pytest.fixture
def symbols(panel: Page, livermore: Livermore) -> Iterator[Page]:
    """The symbols page, live; the watchlist is as before afterwards."""
    api = Api(panel, livermore.url)
    before = api.settings()
    panel.goto(f"{livermore.url}/admin/symbols/")
    expect(panel.locator("#sy-filters")).to_be_visible()  # the modules are at work
    state = panel.locator('tr[data-key="coinbase:BTC-USD"] .sy-state')
    expect(state).to_contain_text("receiving", timeout=30_000)  # once it is warm
    yield panel
    if api.settings()["watchlist"] != before["watchlist"]:
        api.replace(before)


def sign_in(page: Page, livermore: Livermore) -> None:
    """As a person does it, from the front door."""
    page.goto(livermore.url)
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(livermore.password)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{livermore.url}/admin/control/")
    expect(page.locator('#cp-status [data-slot="heartbeat"]')).to_contain_text("ago")  # it ticks
