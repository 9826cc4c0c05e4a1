"""How the watchlist is kept current: by what the line tells, and by what the server answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.control.running import eventually
from tests.end_to_end.running import Livermore
from tests.end_to_end.test_symbols_page import row

MANY = 500
NAMES = {"v": "macdV"}  # of a status, and what the API calls it
COUNT_TOUCHES = """() => {
  const records = [];
  const observer = new MutationObserver((more) => records.push(...more));
  observer.observe(document.querySelector("#sy-rows"), {
    attributes: true, childList: true, characterData: true, subtree: true,
  });
  window.touches = () => {
    const counts = {};
    records.push(...observer.takeRecords());
    for (const { type, attributeName } of records.splice(0)) {
      const name = `${type} ${attributeName ?? ""}`.trim();
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
}"""
"""Gives ``touches()``: what has been changed of the rows since it was last asked, and how often."""


def as_reports(told: list[dict[str, Any]], said: str) -> list[dict[str, Any]]:
    """What the API says of the symbols of a status; ``said`` stands in each row as its category."""
    return [
        {
            "exchange": one["exchange"],
            "symbol": one["symbol"],
            "state": "receiving",
            "row": at,
            "enabled": True,
            "categories": [said],
            "held": False,
            "mending": False,
            "timeframes": {
                name: {NAMES.get(key, key): value for key, value in cell.items()}
                for name, cell in one["tf"].items()
            },
            "equivalents": [],
        }
        for at, one in enumerate(told)
    ]


def answer(route: Route, status: dict[str, Any], said: str = "") -> None:
    """Answer as the API would that has this status."""
    runtime = {name: status[name] for name in ("epoch", "stateVersion", "at")}
    reports = as_reports(status["symbols"], said or f"answered {status['stateVersion']}")
    body = {"symbols": reports, "sources": [], "runtime": runtime}
    route.fulfill(content_type="application/json", body=json.dumps(body))


class Served:
    """A page whose server answers as it is told to, and that shows one symbol, which nobody trades.

    Args:
        page: The symbols page.
    """

    def __init__(self, page: Page, livermore: Livermore) -> None:
        self._page, self._livermore = page, livermore
        self._status = livermore.status()
        self._waiting: list[Route] = []
        row_of_it = row(page, "S0-USD")
        self.cells, self._tag = row_of_it.locator("[data-tf]"), row_of_it.locator("[data-tags]")
        page.route("**/api/symbols", self._hold)
        first = self.status(0, 100.0)
        self.ask(first)
        self.answer(first)
        page.evaluate(COUNT_TOUCHES)

    def status(self, version: int, value: float, *timeframes: str) -> dict[str, Any]:
        """A status, the later the higher its version, in which every timeframe has this value."""
        cell = {"v": value, "stage": "rallying", "liquidity": "high"}
        timeframes = timeframes or tuple(self._status["timeframes"])
        [first, *_] = self._status["symbols"]
        one = {**first, "symbol": "S0-USD", "tf": dict.fromkeys(timeframes, cell)}
        return {
            **self._status,
            "stateVersion": 3_000_000 + version,
            "timeframes": timeframes,
            "symbols": [one],
        }

    def tell(self, status: dict[str, Any]) -> None:
        """Let the line tell this."""
        self._livermore.tell("status", status)

    def ask(self, status: dict[str, Any]) -> None:
        """Let the line tell this, and of other settings than before: the page asks the server."""
        self._status["settingsRevision"] += 1
        self.tell({**status, "settingsRevision": self._status["settingsRevision"]})
        eventually(lambda: self._page.evaluate("true") and self._waiting)  # which takes what came

    def answer(self, status: dict[str, Any]) -> None:
        """Answer what was asked, from this status."""
        answer(self._waiting.pop(0), status)
        expect(self._tag).to_have_text(f"answered {status['stateVersion']}")

    def _hold(self, route: Route) -> None:
        self._waiting.append(route)

    def touches(self) -> dict[str, int]:
        """What has been changed of the rows since it was last asked, and how often."""
        touches: dict[str, int] = self._page.evaluate("() => window.touches()")
        return touches


@pytest.fixture
def served(symbols: Page, livermore: Livermore) -> Served:
    return Served(symbols, livermore)


def title(value: int, timeframe: str = "1m") -> str:
    return f"{timeframe} rallying +{value}"


def test_an_answer_takes_nothing_back_that_the_line_has_told_since(served: Served) -> None:
    told = served.status(1, 133.0)
    served.ask(told)
    served.tell(served.status(2, 140.0))
    expect(served.cells.first).to_have_attribute("title", title(140))
    served.answer(told)
    assert served.cells.first.get_attribute("title") == title(140)


def test_the_line_takes_nothing_back_that_an_answer_knew_first(served: Served) -> None:
    served.ask(served.status(1, 133.0))
    served.answer(served.status(3, 140.0))
    expect(served.cells.first).to_have_attribute("title", title(140))
    served.touches()
    served.tell(served.status(2, 135.0))
    served.tell(served.status(4, 141.0))
    expect(served.cells.first).to_have_attribute("title", title(141))
    assert served.touches() == {"attributes title": served.cells.count()}


def test_the_stages_of_another_mode_are_there_also_where_an_answer_told_them_first(
    served: Served,
) -> None:
    served.ask(served.status(1, 133.0))
    switched = served.status(2, 140.0, "1m", "4h")
    served.answer(switched)
    served.tell(switched)
    expect(served.cells).to_have_count(2)
    expect(served.cells.last).to_have_attribute("title", title(140, "4h"))


def test_of_five_hundred_rows_only_what_moved_is_touched(
    symbols: Page, livermore: Livermore
) -> None:
    status = livermore.status()
    told = [{**status["symbols"][0], "symbol": f"S{number}-USD"} for number in range(MANY)]
    status = {**status, "symbols": told}
    symbols.route("**/api/symbols", lambda route: answer(route, status, "core"))
    last = row(symbols, f"S{MANY - 1}-USD").locator('[data-tf="1m"]')

    def show(version: int, *values: float) -> None:
        """Tell a status with these values of the shortest timeframe, the last one a new one."""
        for one, value in zip(told, values, strict=True):
            cell = {"v": value, "stage": "rallying", "liquidity": "high"}
            one["tf"] = {**one["tf"], "1m": cell}
        status["stateVersion"] = version
        livermore.tell("status", status)
        expect(last).to_have_attribute("title", f"1m rallying +{values[-1]:.0f}", timeout=30_000)

    show(2_000_000, *([133.0] * MANY))
    expect(symbols.locator("#sy-rows tr")).to_have_count(MANY)
    expect(symbols.locator("#sy-count")).to_have_text(f"{MANY} symbols · {MANY} receiving")
    symbols.evaluate(COUNT_TOUCHES)
    show(2_000_001, *([140.0] * MANY))  # in the same zone
    assert symbols.evaluate("() => window.touches()") == {"attributes title": MANY}
    show(2_000_002, *([140.0] * (MANY - 1)), 141.0)
    assert symbols.evaluate("() => window.touches()") == {"attributes title": 1}
