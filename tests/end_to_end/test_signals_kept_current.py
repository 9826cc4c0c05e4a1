"""How the list of signals is kept current: by what the line tells, and by what it could not tell.

The page is served without a worker: what it would write and tell, the tests do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

import pytest
from django.utils import timezone
from playwright.sync_api import APIResponse, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from control.protocol import State
from settings_app.models import User
from tests.control.alerts import delivery, signal
from tests.control.running import eventually
from tests.end_to_end.sockets import Socket
from trading.models import Alert, Delivery

NEWEST = re.compile(r"/api/alerts\?limit=50$")
FAILED = re.compile(r"/api/alerts\?state=failed")
REASON = "the webhook is gone"
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

    def sent(self, *alerts: Alert) -> None:
        """Give these a delivery that waits."""
        for alert in alerts:
            delivery(alert, due_at=timezone.now())

    def end(self, alert: Alert, state: str) -> None:
        """Let an alert's delivery end in a state, and tell nobody."""
        reason = REASON if state == "failed" else ""
        alert.deliveries.update(state=state, reason=reason, attempts=1, settled_at=timezone.now())
        Alert.objects.filter(pk=alert.pk).update(state=state)

    def tell_end(self, *alerts: Alert, state: str) -> None:
        """Say that alerts are in another state, and return once the page has heard it."""
        for alert in alerts:
            self._socket.send({"type": "alert", "id": alert.pk, "state": state})
        self._socket.tell(state=State.PAUSED)
        expect(self.page.locator("#lv-header-state")).to_have_attribute("data-state", "paused")

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


# ---------------------------------------------------------------------- what becomes of it
def says_that_it_failed(row: Locator) -> bool:
    """Whether a row says so in all its parts."""
    expect(row.locator("[data-slot=state]")).to_have_text("Failed")
    expect(row.locator("[data-slot=note]")).to_have_text(f"Discord: {REASON}")
    expect(row.get_by_role("button", name="Retry")).to_be_visible()
    return True


def test_what_waits_behind_the_bar_comes_as_it_is_by_then(signals: Signals) -> None:
    signals.write(1)
    signals.open("?kind=level")
    [alert] = signals.write(1, "pending")
    signals.sent(alert)
    signals.tell(alert)
    expect(signals.bar).to_have_text("1 new signal")
    signals.end(alert, "failed")
    with signals.page.expect_response(FAILED):  # the page has looked what this is about
        signals.tell_end(alert, state="failed")
    signals.page.keyboard.press("n")
    assert says_that_it_failed(signals.row(alert))


def test_what_became_of_a_signal_may_be_told_before_the_page_has_read_it(
    signals: Signals,
) -> None:
    with signals.page.expect_response(NEWEST):  # what opening it asks for
        signals.open()
    held: list[tuple[Route, APIResponse]] = []
    signals.page.route(NEWEST, lambda route: held.append((route, route.fetch())))
    [alert] = signals.write(1, "pending")
    signals.sent(alert)
    signals.tell(alert)
    eventually(lambda: signals.page.evaluate("true") and held)  # which takes what came
    signals.end(alert, "failed")
    with signals.page.expect_response(FAILED):  # the page has looked what this is about
        signals.tell_end(alert, state="failed")
    for route, response in held:
        route.fulfill(response=response)
    assert says_that_it_failed(signals.row(alert))


def test_what_became_of_listed_signals_while_there_was_no_line_is_read_afterwards(
    signals: Signals, socket: Socket
) -> None:
    failed, delivered = signals.write(2, "pending")
    signals.sent(failed, delivered)
    signals.open()
    socket.send({"type": "weather"})  # it has a line
    expect(signals.row(delivered)).to_contain_text("Waiting")
    socket.cut()
    signals.end(failed, "failed")
    signals.end(delivered, "delivered")
    socket.mend()
    expect(signals.row(delivered)).to_contain_text("Delivered")
    assert says_that_it_failed(signals.row(failed))
    expect(signals.page.locator("#sg-failed")).to_contain_text("1 delivery failed")


def test_rows_far_down_that_moved_together_say_why_and_can_be_tried_again(
    signals: Signals,
) -> None:
    oldest = signals.write(6, "pending")
    signals.sent(*oldest)
    signals.open()
    newer = signals.write(120)
    signals.tell(newer[-1])
    assert signals.listed(*oldest, *newer)
    for alert in oldest:
        signals.end(alert, "failed")
    signals.tell_end(*oldest, state="failed")
    for alert in oldest:
        assert says_that_it_failed(signals.row(alert))


def test_rows_that_the_question_would_no_longer_find_are_brought_up_too(
    signals: Signals,
) -> None:
    failed = signals.write(6)
    signals.sent(*failed)
    for alert in failed:
        signals.end(alert, "failed")
    signals.open("?state=failed")
    retries = signals.page.get_by_role("button", name="Retry", exact=True)
    expect(retries).to_have_count(6)
    signals.page.get_by_role("button", name="Retry all").click()
    expect(retries).to_have_count(0)
    assert {one.state for one in Delivery.objects.all()} == {Delivery.State.WAITING}
    assert signals.listed(*failed)
