"""The commands with which docs/api.md steers a runtime, run as they stand there."""

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


def test_the_runtime_is_steered_as_the_manual_says(
    demo: User, live_server: LiveServer, endpoints: dict[str, Endpoints], tmp_path: Path
) -> None:
    _, sign_in, api, *_ = shown_commands()
    chapter = shown_commands("Steer the runtime over HTTP")
    assert len(chapter) == 4
    api_function = api.partition("\n\n")[0]
    script = "\n".join([sign_in, api_function, *chapter])
    with running_worker(endpoints):
        status_when(demo, lambda status: status.state == "running")
        done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    paused, resumed, read, batch, status, history = answers_in(done.stdout)
    assert paused["success"]
    assert resumed["success"]
    assert read == resumed
    assert [answer["sent"] for answer in batch] == [True, True]
    assert status["sub"] == demo.sub
    assert {entry["command"] for entry in history["entries"]} >= {"pause", "resume"}
