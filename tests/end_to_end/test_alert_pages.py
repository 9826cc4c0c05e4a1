"""What is seen of alerts in the admin: on a desk and on a phone, light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from control.marks import mark_of_alert, mark_of_delivery
from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.end_to_end.barriers import serious_barriers
from tests.end_to_end.conftest import DESK, PHONE, Console
from tests.end_to_end.sessions import bring_session
from tests.settings_app.factories import UserFactory
from trading.models import Alert, Delivery, Mute

REASONS = {
    Delivery.State.WAITING: "Discord asks to wait 3 s",
    Delivery.State.UNCERTAIN: "no answer came within 10 s",
    Delivery.State.FAILED: "Discord has no such webhook any more: it was deleted",
    Delivery.State.QUIET: "outside your trading hours, 08:00 to 22:00 UTC",
    Delivery.State.MUTED: "muted until 2026-11-29 08:00 UTC",
}
WORDS = {
    "alert": [mark_of_alert(state).word for state in Alert.State],
    "delivery": [mark_of_delivery(state).word for state in Delivery.State],
    "mute": ["In effect", "Over"],
}


@pytest.fixture
def anna(transactional_db: None, redis_url: str) -> User:
    """A trader with an alert and a delivery in every state there is."""
    user: User = UserFactory.create(username="anna")
    now = timezone.now()
    for hour, state in enumerate(Alert.State):
        seen = now if state == Alert.State.DELIVERED else None
        told(
            user,
            hour=hour,
            state=state,
            acknowledged_at=seen,
            price=Decimal("97123.45"),
            direction="up" if hour % 2 else "down",
            symbol=("BTC-USD", "ETH-USD", "AVAX-USD")[hour % 3],
        )
    troubled(user, "The feed of Coinbase is stale: no trade for 2 min.")
    alert = told(user, hour=30, state="failed", symbol="SOL-USD", kind="momentum-shift")
    for hour, step in enumerate(Delivery.State):
        claimed: dict[str, Any] = {"claimed_until": now} if step == Delivery.State.SENDING else {}
        by = alert if hour < 3 else told(user, hour=40 + hour, state="delivered")
        channel = ("discord", "email", "push")[hour % 3]
        reason = REASONS.get(step, "")
        delivery(by, channel, state=step, reason=reason, attempts=hour, **claimed)
    until = now + timedelta(hours=8)
    Mute.objects.create(user=user, symbol="BTC-USD", kind="level", until=until)
    Mute.objects.create(user=user, exchange="coinbase", until=now - timedelta(hours=1))
    return user


@pytest.fixture
def console(console: Console) -> Iterator[Console]:
    """All but that this server, which serves pages alone, has no socket for them."""
    yield console
    console.messages[:] = [one for one in console.messages if "/ws/runtime/" not in one]


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer, anna: User, console: Console) -> Page:
    """A page of hers, signed in."""
    bring_session(context, anna, live_server.url)
    opened = context.new_page()
    console.hear(opened)
    return opened


def look(page: Page, name: str) -> None:
    """Keep a picture, where pictures are asked for."""
    if "LIVERMORE_SCREENSHOTS" in os.environ:
        folder = Path("test-results")
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)


def has_no_serious_barrier(page: Page, console: Console) -> bool:
    assert serious_barriers(page, console) == []
    return True


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_legible(
    page: Page, live_server: LiveServer, viewport: ViewportSize, scheme: str, console: Console
) -> None:
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for model, words in WORDS.items():
        page.goto(f"{live_server.url}/admin/trading/{model}/")
        look(page, f"{model}-{viewport['width']}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), model
        for word in words:
            expect(page.locator("#result_list .lv-st", has_text=word).first).to_be_visible()
        assert has_no_serious_barrier(page, console)
    page.goto(f"{live_server.url}/admin/trading/alert/?kind__exact=momentum-shift")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator(".inline-group")).to_contain_text("Being sent")
    look(page, f"alert-page-{viewport['width']}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert has_no_serious_barrier(page, console)
    page.goto(f"{live_server.url}/admin/trading/mute/add/")
    look(page, f"mute-page-{viewport['width']}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert has_no_serious_barrier(page, console)
