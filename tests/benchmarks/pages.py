"""What a page costs a browser: until it is seen, and with every status.

Rule 1: the times are the browser's own: what driving it takes is not in them. Scripts are counted
    in processor time, which a busy machine stretches least.
Rule 2: nothing is cached, and what is sent is compressed as ``make run`` sends it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from django.core.management import call_command
from playwright.sync_api import Page, sync_playwright

from control import wire
from control.protocol import RuntimeStatus, status_of
from livermore.embedded.ports import LOOPBACK
from settings_app.models import User
from tests.benchmarks import broadcasts, processes
from tests.benchmarks.measuring import Contest, Figure, Side, Spread
from tests.benchmarks.people import cookie_of, trader

SYMBOLS, FEW = 500, 30
ROWS = [f"COIN{number}-USD" for number in range(SYMBOLS)]
MOST_KB = 300
KEPT_SECONDS = 600
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

PAINT = """() => new Promise((resolve) => {
  const [seen] = performance.getEntriesByName("first-contentful-paint");
  if (seen) resolve(seen.startTime);
  else new PerformanceObserver((list) => {
    const [entry] = list.getEntriesByName("first-contentful-paint");
    if (entry) resolve(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})"""
SENT = """() => [
  ...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource"),
].map((entry) => entry.transferSize)"""
WATCH = """(selector) => {
  window.drawn = new Promise((resolve) => {
    const node = [...document.querySelectorAll(selector)].at(-1);
    new MutationObserver((_, observer) => {
      observer.disconnect();
      setTimeout(resolve, 50); // what follows the status is counted as well
    }).observe(node, { attributes: true, childList: true, characterData: true, subtree: true });
  });
}"""
PANEL, SYMBOLS_PAGE = "/admin/control/", "/admin/symbols/"


SCRIPTS = frozenset(
    {"EvaluateScript", "EventDispatch", "FunctionCall", "RunMicrotasks", "TimerFire"}
)
DRAWING = frozenset({"Layout", "Paint", "PrePaint", "UpdateLayoutTree"})
# In a task of the page's own: what the driver evaluates is not counted as its scripts.
PARSE = """() => new Promise((resolve) => setTimeout(() => {
  JSON.parse(window.text);
  resolve();
}))"""


class NoBrowser(Exception):
    """There is no Chromium on this machine."""


@dataclass(frozen=True, slots=True)
class Told(Side):
    """A side whose call tells itself how many milliseconds it took."""

    def round(self, calls: int) -> list[float]:
        """How many milliseconds each of some calls took."""
        self.before()
        return [float(str(self.call())) for _ in range(calls)]


# ---------------------------------------------------------------------- what is measured
@contextmanager
def first_paint(path: str) -> Iterator[Contest]:
    """Until something of a page is seen, and until a bare line of the same server is."""
    anna = trader(f"paint {path}", *ROWS[:FEW])
    told(anna, a_status(anna, FEW))
    with ExitStack() as stack:
        address, page = stack.enter_context(a_browser(anna))
        sent: list[list[int]] = []

        def paint(path: str) -> float:
            page.goto(f"{address}{path}", wait_until="load")
            return float(page.evaluate(PAINT))

        def whole() -> float:
            painted = paint(path)
            sent.append(page.evaluate(SENT))
            return painted

        def note() -> str:
            size = max(map(sum, sent)) / 1_024
            return f"sent   {size:.0f} KB in {len(sent[-1])} answers   budget {MOST_KB} KB"

        yield Contest(Told(whole), Told(lambda: paint("/healthz")), note)


@contextmanager
def scripting(path: str, *, last: str) -> Iterator[Contest]:
    """What a status of many symbols costs in scripts, and what reading its JSON alone does.

    Args:
        last: Selects what such a status changes last; of several nodes the last is meant.
    """
    anna = trader(f"scripting {path}", *ROWS)
    versions = count(2)
    told(anna, a_status(anna, SYMBOLS))
    with ExitStack() as stack:
        address, page = stack.enter_context(a_browser(anna))
        page.goto(f"{address}{path}", wait_until="load")
        page.wait_for_selector(last)
        page.evaluate("text => { window.text = text; }", a_status(anna, SYMBOLS).to_json())
        drawing: list[float] = []

        def status() -> float:
            page.evaluate(WATCH, last)
            moved = a_status(anna, SYMBOLS, version=next(versions))
            with traced(page) as events:
                told(anna, moved)
                page.evaluate("() => window.drawn")
            drawing.append(spent(events, DRAWING))
            return spent(events, SCRIPTS)

        def parse() -> float:
            with traced(page) as events:
                page.evaluate(PARSE)
            return spent(events, SCRIPTS)

        def note() -> str:
            spread = Spread.of(drawing)
            return f"style and layout {spread.median:.1f} ms (p90 {spread.p90:.1f}) beside it"

        yield Contest(Told(status), Told(parse), note)


# ---------------------------------------------------------------------- what it takes
@contextmanager
def a_browser(user: User) -> Iterator[tuple[str, Page]]:
    """A web process, and a page of a browser that is signed in there as this user."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NoBrowser("no Chromium on this machine (Debian: apt-get install chromium)")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the driver keeps a loop in this thread
    call_command("collectstatic", interactive=False, verbosity=0)
    with ExitStack() as stack:
        web = stack.enter_context(processes.web())
        address = f"http://{LOOPBACK}:{web.port}"
        driver = stack.enter_context(sync_playwright())
        with everywhere():
            browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        stack.callback(browser.close)
        context = browser.new_context(viewport={"width": 1360, "height": 900})
        for pair in cookie_of(user).split("; "):
            name, _, value = pair.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        yield address, page


@contextmanager
def everywhere() -> Iterator[None]:
    """Let what is started in here run where the machine likes, as a person's browser does."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    yield
    os.sched_setaffinity(0, ours)


@contextmanager
def traced(page: Page) -> Iterator[list[dict[str, Any]]]:
    """What the browser did meanwhile, by its own tracing; there at the end."""
    browser = page.context.browser
    assert browser is not None
    events: list[dict[str, Any]] = []
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    yield events
    events.extend(json.loads(browser.stop_tracing())["traceEvents"])


def spent(events: list[dict[str, Any]], names: frozenset[str]) -> float:
    """Milliseconds of processor time in these; what is inside another one is not counted twice."""
    ended: dict[tuple[int, int], int] = {}
    total = 0
    for event in sorted(
        (one for one in events if one["name"] in names and one["ph"] == "X"),
        key=lambda one: one["ts"],
    ):
        thread = (event["pid"], event["tid"])
        if event["ts"] >= ended.get(thread, 0):
            total += event.get("tdur", event["dur"])
            ended[thread] = event["ts"] + event["dur"]
    return total / 1_000


def told(user: User, status: RuntimeStatus) -> None:
    """Let this be the last that the user's runtime has said, and tell every page of it."""
    key, text = status_of(user.sub), status.to_json()
    wire.shared().set(key, text, ex=KEPT_SECONDS)
    wire.shared().publish(key, text)


def a_status(user: User, symbols: int, *, version: int = 1) -> RuntimeStatus:
    """A status as a minute leaves it: every 1m cell has moved, and each fifth 5m cell."""
    chance = random.Random(version)
    status = broadcasts.a_status(user.sub)
    one = status.symbols[0]
    rows = []
    for number, symbol in enumerate(ROWS[:symbols]):
        moved = {"1m", "5m"} if number % 5 == version % 5 else {"1m"}
        cells = {
            timeframe: cell.model_copy(update={"v": chance.uniform(-300, 300)})
            if timeframe in moved
            else cell
            for timeframe, cell in one.tf.items()
        }
        rows.append(one.model_copy(update={"symbol": symbol, "tf": cells}))
    at = wire_time()
    changes = {"state_version": version, "symbols": rows, "at": at}
    return status.model_copy(update={**changes, "started_at": at, "since": at})


def wire_time() -> int:
    """A moment of the server's, so that the status is from now."""
    seconds, micros = wire.shared().time()
    return int(seconds) * 1_000 + int(micros) // 1_000


MEASURABLE = (
    *(
        Figure(
            name=f"{name}_paint",
            title=f"first contentful paint of {what}, and of a bare line of the same server",
            contest=partial(first_paint, path),
            most_ms=500.0,
            seconds=15.0,
        )
        for name, what, path in (
            ("panel", "the control panel", PANEL),
            ("settings", "the settings page", "/admin/settings/"),
            ("symbols", "the symbols page", SYMBOLS_PAGE),
            ("signals", "the signals page", "/admin/signals/"),
        )
    ),
    *(
        Figure(
            name=f"{name}_scripting",
            title=f"scripts on {what} for one status of {SYMBOLS} symbols, "
            "and for parsing its JSON alone",
            contest=partial(scripting, path, last=last),
            most_ms=10.0,
            seconds=15.0,
        )
        for name, what, path, last in (
            ("panel", "the control panel", PANEL, '#cp-map [data-tf="1m"].lv-z'),
            ("symbols", "the symbols page", SYMBOLS_PAGE, '#sy-rows [data-tf="1m"]'),
        )
    ),
)
FIGURES = MEASURABLE if shutil.which("chromium") else ()  # the other figures need no browser
