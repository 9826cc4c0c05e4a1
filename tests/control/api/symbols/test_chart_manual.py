"""The commands with which docs/api.md looks at symbols and charts, run as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from settings_app.models import User
from tests.control.conftest import trader
from tests.control.running import running_worker, status_when
from tests.livermore.test_api_commands import PASSWORD, answers_in, run, shown_commands
from trading.net.endpoints import Endpoints


@pytest.fixture
def demo(transactional_db: None, redis_url: str) -> User:
    """A trader who can sign in by password."""
    user = trader("BTC-USD", username="demo", is_paused=False)
    user.set_password(PASSWORD)
    user.save()
    return user


def test_symbols_and_charts_are_read_as_the_manual_says(
    demo: User, live_server: LiveServer, endpoints: dict[str, Endpoints], tmp_path: Path
) -> None:
    _, sign_in, api, *_ = shown_commands()
    chapter = shown_commands("Status and charts")
    assert len(chapter) == 1
    script = "\n".join([sign_in, api.partition("\n\n")[0], *chapter])
    with running_worker(endpoints):
        status_when(demo, lambda status: [one.live for one in status.symbols] == ["receiving"])
        done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    warming, candles, indicators, heat_map = answers_in(done.stdout)
    assert warming["symbols"] == []
    assert len(candles["candles"]) == len(indicators["points"]) == 100
    assert [row["symbol"] for row in heat_map["symbols"]] == ["BTC-USD"]
