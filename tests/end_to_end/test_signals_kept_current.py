"""How the list of signals is kept current: by what the line tells, and by what it could not tell.

The page is served without a worker: what it would write and tell, the tests do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from settings_app.models import User
from tests.control.alerts import signal
from tests.end_to_end.sockets import Socket
from trading.models import Alert

IDS = "rows => rows.map(row => Number(row.dataset.alert))"


class Signals:
    """A trader's signals page, and who writes what it lists."""

    def __init__(self, page: Page, url: str, user: User, socket: Socket) -> None:
        self.page, self._url, self._user, self._socket = page, url, user, socket
        self._hours: Iterator[int] = count()
        self.rows = page.locator("#sg-rows tr")
        self.bar = page.locator("#sg-new")

    def open(self, query: str = "") -> None:
        """Open the page, asked for this."""
        self.page.goto(f"{self._url}/admin/signals/{query}")

    def write(self, number: int, state: str = "recorded") -> list[Alert]:
        """Write so many signals, all at once, oldest first."""
        hours = (next(self._hours) for _ in range(number))
        return Alert.objects.bulk_create(
            [signal(self._user, hour=hour, state=state) for hour in hours]
        )

    def tell(self, alert: Alert) -> None:
        """Say that a signal has fired."""
        self._socket.send({"type": "signal", "id": alert.pk})

    def row(self, alert: Alert) -> Locator:
        """Where a signal is listed."""
        return self.page.locator(f'#sg-rows tr[data-alert="{alert.pk}"]')

    def listed(self, *alerts: Alert) -> bool:
        """Whether these are listed, the newest on top, and nothing else is."""
        expect(self.rows).to_have_count(len(alerts))
        shown: list[int] = self.rows.evaluate_all(IDS)
        return shown == sorted((alert.pk for alert in alerts), reverse=True)


@pytest.fixture
def signals(page: Page, live_server: LiveServer, anna: User, socket: Socket) -> Signals:
    return Signals(page, live_server.url, anna, socket)


# ---------------------------------------------------------------------- what is new
def test_more_new_signals_than_one_answer_holds_leave_no_hole(signals: Signals) -> None:
    before = signals.write(3)
    signals.open()
    missed = signals.write(280)
    signals.tell(missed[-1])
    assert signals.listed(*before, *missed)


def test_all_new_signals_wait_for_who_has_asked_for_something(signals: Signals) -> None:
    before = signals.write(3)
    signals.open("?kind=level")
    missed = signals.write(120)
    signals.tell(missed[-1])
    expect(signals.bar).to_have_text("120 new signals")
    [last] = signals.write(1)
    signals.tell(last)
    expect(signals.bar).to_have_text("121 new signals")
    assert signals.listed(*before)
    signals.page.keyboard.press("n")
    assert signals.listed(*before, *missed, last)


def test_more_new_signals_than_the_list_holds_are_a_page_anew(signals: Signals) -> None:
    before = signals.write(3)
    signals.open()
    missed = signals.write(301)
    signals.tell(missed[-1])
    expect(signals.bar).to_have_text("More than 300 new signals: to the newest")
    assert signals.listed(*before)
    signals.bar.click()
    assert signals.listed(*missed[-50:])
    expect(signals.bar).to_be_hidden()
