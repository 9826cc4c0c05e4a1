"""The commands with which docs/api.md exports and imports a watchlist, run as they stand there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings as Configuration
from pytest_django.live_server_helper import LiveServer

from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.livermore.test_api_commands import PASSWORD, answers_in, run, shown_commands
from trading.net.endpoints import Endpoints


@pytest.fixture
def demo(transactional_db: None, redis_url: str) -> User:
    """Somebody who can sign in by password."""
    user = trader("BTC-USD", username="demo")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_a_watchlist_is_exported_and_imported_as_the_manual_says(
    demo: User,
    live_server: LiveServer,
    tmp_path: Path,
    settings: Configuration,
    endpoints: dict[str, Endpoints],
) -> None:
    settings.EXCHANGES = endpoints
    _, sign_in, api, *_ = shown_commands()
    [chapter] = shown_commands("Import and export of the watchlist")
    script = "\n".join([sign_in, api.partition("\n\n")[0], chapter])
    done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    [file] = tmp_path.glob("livermore-watchlist-*.csv")
    assert "BTC-USD,coinbase,true," in file.read_text()
    *_, shown, applied = answers_in(done.stdout)
    assert shown["message"] == "1 added, 1 unknown"
    assert (applied["added"], applied["applied"]) == (1, False)
    watchlist = services.read(demo.pk).document.watchlist
    assert [(one.symbol, one.categories) for one in watchlist] == [
        ("BTC-USD", ()),
        ("SOL-USD", ("fast", "layer 1")),
    ]
