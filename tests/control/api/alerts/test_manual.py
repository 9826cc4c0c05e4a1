"""The commands with which docs/api.md reads and steers alerts, run as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from settings_app.models import User
from tests.control.alerts import delivery, told
from tests.control.deliveries.worker import worker_saying
from tests.livermore.test_api_commands import PASSWORD, answers_in, run, shown_commands
from tests.settings_app.factories import UserFactory
from trading.models import Delivery


@pytest.fixture
def demo(transactional_db: None, redis_url: str) -> User:
    """Somebody who can sign in by password."""
    discord = {"enabled": True, "webhook_url_environment_variable": "DISCORD_WEBHOOK"}
    document = {"notifications": {"discord": discord}}
    user: User = UserFactory.create(username="demo", document=document)
    user.set_password(PASSWORD)
    user.save()
    return user


def test_alerts_are_read_and_steered_as_the_manual_says(
    demo: User, live_server: LiveServer, tmp_path: Path
) -> None:
    alert = told(demo, timeframe="4h", state="failed")
    delivery(alert, state="failed")
    _, sign_in, api, *_ = shown_commands()
    chapter = shown_commands("Alerts")
    assert len(chapter) == 4
    script = "\n".join([sign_in, api.partition("\n\n")[0], *chapter])
    with worker_saying(Delivery.State.DELIVERED):
        done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    failed, found, retried, muted, mutes, tried = answers_in(done.stdout)
    assert [one["id"] for one in failed["alerts"]] == [alert.pk]
    assert [one["id"] for one in found["alerts"]] == [alert.pk]
    [file] = tmp_path.glob("livermore-alerts-*.csv")
    assert "through +150" in file.read_text()
    assert retried == {"retried": 1}
    assert (muted["symbol"], muted["kind"]) == ("DOGE-USD", "momentum-shift")
    assert mutes == {"mutes": [muted]}
    assert (tried["channel"], tried["state"]) == ("discord", "delivered")
