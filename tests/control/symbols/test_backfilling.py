"""Asking for the history of several symbols at once."""

from __future__ import annotations

import pytest

from control import client
from control.protocol import Origin
from control.symbols.backfilling import order
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import RunningWorker, status_when
from trading.core.market import Market

BTC, ETH = (Market("coinbase", f"{base}-USD") for base in ("BTC", "ETH"))
PANEL = Origin(who="anna", via="panel")


@pytest.mark.django_db
def test_without_a_runtime_it_is_sent_and_taken_by_none(redis_url: str) -> None:
    told = order(trader("BTC-USD"), [BTC, ETH], origin=PANEL, wait=0.0)
    assert (told.sent, told.taken, told.failed) == (2, 0, 0)
    assert told.message == "Sent, and taken by no runtime yet: 2."


@pytest.mark.django_db
def test_what_cannot_be_asked_for_is_told_with_its_reason(redis_url: str) -> None:
    told = order(trader("BTC-USD"), [Market("coinbase", "no such")], origin=PANEL, wait=0.0)
    assert (told.sent, told.failed) == (0, 1)
    assert "Not sent: 1" in told.message


def test_a_runtime_takes_all_of_them_and_they_stand_in_its_history(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, lambda status: status.state == "running")
    told = order(anna, [BTC, ETH], origin=PANEL, wait=10.0)
    assert (told.taken, told.message) == (2, "History asked for: 2.")
    status_when(anna, lambda status: len(status.backfill) == 2)
    entries = client.history(anna, limit=10).entries
    assert {one.command for one in entries} <= {"force-backfill"}
