"""The commands with which docs/api.md scans, run as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.livermore.test_api_commands import PASSWORD, answers_in, run, shown_commands


@pytest.fixture
def demo(transactional_db: None, redis_url: str) -> User:
    """Somebody who can sign in by password."""
    user = trader("BTC-USD", username="demo")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_a_scan_is_made_and_approved_as_the_manual_says(
    demo: User, live_server: LiveServer, tmp_path: Path
) -> None:
    _, sign_in, api, *_ = shown_commands()
    [chapter] = shown_commands("The scanner")
    script = "\n".join([sign_in, api.partition("\n\n")[0], chapter])
    done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    *_, shown, applied, scanner = answers_in(done.stdout)
    assert shown["state"] == "previewed"
    assert (applied["added"], applied["applied"]) == (["ETH-USD", "SOL-USD"], False)
    assert scanner["lastApproved"]["id"] == shown["id"]
    watchlist = services.read(demo.pk).document.watchlist
    assert [one.symbol for one in watchlist] == ["BTC-USD", "ETH-USD", "SOL-USD"]
