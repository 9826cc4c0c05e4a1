"""What the control panel says while something is away, and when it is back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.end_to_end.conftest import Console
from tests.end_to_end.running import Livermore
from tests.end_to_end.test_control_panel import WATCH

BACK_MS = 40_000  # a lease has to run out before another worker may take it


class Line:
    """The page's socket, which can be cut and mended."""

    def __init__(self) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []

    def carry(self, socket: WebSocketRoute) -> None:
        """Take a socket that the page opens."""
        if self.is_cut:
            socket.close()
            return
        socket.connect_to_server()
        self._open.append(socket)

    def cut(self) -> None:
        """End what is open, and let nothing through."""
        self.is_cut = True
        for socket in self._open:
            socket.close()
        self._open.clear()


@pytest.fixture
def line(context: BrowserContext) -> Line:
    one = Line()
    context.route_web_socket(re.compile("/ws/runtime/"), one.carry)
    return one


@pytest.fixture
def cuttable(line: Line, panel: Page) -> Iterator[Page]:
    """The panel, whose socket goes through the line."""
    yield panel
    line.is_cut = False


def test_a_lost_connection_is_said_to_be_the_pages_own_and_heals(
    cuttable: Page, line: Line
) -> None:
    line.cut()
    notice = cuttable.locator('[data-notice="reconnecting"]')
    expect(notice).to_contain_text("This page has lost its connection to the server")
    expect(cuttable.locator("#cp-pill")).to_contain_text("Reconnecting")
    expect(cuttable.locator("body")).to_have_class(re.compile("cp-old"))
    expect(cuttable.locator("#cp-map-age")).to_contain_text("as of")
    expect(cuttable.locator("#cp-exchanges")).to_contain_text("was connected")
    line.is_cut = False
    expect(notice).to_be_hidden()
    expect(cuttable.locator("#cp-pill")).to_contain_text("Running")
    expect(cuttable.locator("body")).not_to_have_class(re.compile("cp-old"))


def test_a_line_on_which_nothing_comes_any_more_is_the_pages_own_trouble_too(
    panel: Page, console: Console
) -> None:
    """A network that is gone ends no socket: what is sent is lost, and nothing says so."""
    panel.context.set_offline(True)
    notice = panel.locator('[data-notice="reconnecting"]')
    expect(notice).to_be_visible(timeout=BACK_MS)
    panel.context.set_offline(False)
    expect(notice).to_be_hidden()
    expect(panel.locator("#cp-pill")).to_contain_text("Running")
    console.messages[:] = [one for one in console.messages if "ERR_INTERNET" not in one]


def test_a_killed_runtime_is_stale_then_offline_and_a_pause_is_recorded_for_the_next(
    context: BrowserContext, livermore: Livermore, console: Console, panel: Page
) -> None:
    panel.evaluate(WATCH)
    with livermore.killed_runtime():
        stale = panel.locator('[data-notice="stale"]')
        expect(stale).to_contain_text("No heartbeat")
        expect(panel.locator('[data-notice="offline"]')).to_be_visible(timeout=30_000)
        expect(panel).to_have_title(re.compile("^Offline"))
        panel.keyboard.press("p")
        newest = panel.locator("#cp-commands tr").first
        expect(newest).to_contain_text("Recorded")
    expect(panel.locator("#cp-pill")).to_contain_text("Paused", timeout=BACK_MS)
    seen = [note["shown"] for note in panel.evaluate("window.seen")]
    order = [state for before, state in zip(["", *seen], seen, strict=False) if before != state]
    assert order.index("No heartbeat") < order.index("Offline") < order.index("Paused")
    panel.keyboard.press("p")
    expect(panel.locator("#cp-pill")).to_contain_text("Running", timeout=BACK_MS)
