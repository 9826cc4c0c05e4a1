"""The commands with which docs/api.md finds a market, run as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

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


def test_a_market_is_found_and_looked_at_as_the_manual_says(
    demo: User, live_server: LiveServer, tmp_path: Path
) -> None:
    _, sign_in, api, *_ = shown_commands()
    finding = shown_commands("Symbols")[0]
    script = "\n".join([sign_in, api.partition("\n\n")[0], finding])
    done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    found, market = answers_in(done.stdout)
    assert found["markets"][0]["symbol"] == market["symbol"] == "BTC-USD"
    assert market["onWatchlist"]
