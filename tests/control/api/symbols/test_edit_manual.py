"""The commands with which docs/api.md changes a watchlist, run as they stand there."""

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


def test_a_watchlist_is_changed_as_the_manual_says(
    demo: User, live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.api.symbols.editing.WAIT_SECONDS", 0.0)  # no runtime is there
    _, sign_in, api, *_ = shown_commands()
    [chapter] = shown_commands("Changing the watchlist")
    script = "\n".join([sign_in, api.partition("\n\n")[0], chapter])
    done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    added, altered, disabled, removed = answers_in(done.stdout)
    assert [one["outcome"] for one in added["symbols"]] == ["done", "done"]
    revisions = [one["revision"] for one in (added, altered, disabled, removed)]
    assert revisions == list(range(revisions[0], revisions[0] + 4))
    watchlist = services.read(demo.pk).document.watchlist
    assert [(one.symbol, one.enabled, one.categories) for one in watchlist] == [
        ("SOL-USD", False, ("fast",)),
        ("BTC-USD", True, ()),
    ]
