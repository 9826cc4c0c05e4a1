"""What saving settings tells a runtime, and what that one does about it."""

from __future__ import annotations

import json
import threading
from typing import Any

from control import client, reloads, wire
from control.protocol import Command, RuntimeStatus, commands_of
from settings_app import services
from settings_app.models import User
from settings_app.signals import settings_saved
from tests.control.running import PATIENCE_SECONDS, RunningWorker, status_when


def commands_to(user: User) -> list[dict[str, Any]]:
    """Every command in a user's stream, oldest first."""
    reloads.flush()
    with wire.connect() as redis:
        entries: Any = redis.xrange(commands_of(user.sub))
    return [json.loads(fields["command"]) for _, fields in entries]


def watchlist(*symbols: str) -> dict[str, Any]:
    """A patch that makes these the watchlist."""
    return {"watchlist": [{"symbol": symbol, "exchange": "coinbase"} for symbol in symbols]}


def watches(*symbols: str) -> Any:
    """Whether a status tells of these symbols and no others."""

    def holds(status: RuntimeStatus) -> bool:
        return {row.symbol for row in status.symbols} == set(symbols)

    return holds


def test_a_save_asks_its_own_users_runtime_to_reload_and_says_what_was_saved(
    anna: User, bela: User
) -> None:
    saved = services.patch(anna.pk, watchlist("SOL-USD"), by=anna, origin="api")
    (command,) = commands_to(anna)
    assert command["command"] == "reload-settings"
    assert command["source"] == "system"
    assert command["payload"] == {"revision": saved.revision, "origin": "api"}
    assert commands_to(bela) == []


def test_saves_that_redis_cannot_follow_are_one_reload_of_the_newest(anna: User) -> None:
    holding = threading.Event()
    reloads._sender.submit(holding.wait, PATIENCE_SECONDS)  # as a slow Redis would
    for symbol in ("SOL-USD", "XRP-USD", "ADA-USD"):
        saved = services.patch(anna.pk, watchlist(symbol), by=anna)  # and is not held up by it
    # Two saves may be told of in either order: their commits are ordered, not what follows those.
    told = {"user_id": anna.pk, "sub": anna.sub, "origin": "admin"}
    settings_saved.send(sender=User, revision=saved.revision - 1, **told)
    holding.set()
    (command,) = commands_to(anna)
    assert command["payload"]["revision"] == saved.revision


def test_a_save_that_changes_nothing_asks_for_nothing(anna: User) -> None:
    services.patch(anna.pk, {}, by=anna)
    assert commands_to(anna) == []


def test_a_saved_watchlist_is_watched_without_a_new_connection(
    anna: User, worker: RunningWorker
) -> None:
    before = status_when(anna, watches("BTC-USD", "ETH-USD"))
    saved = services.patch(anna.pk, watchlist("ETH-USD", "SOL-USD"), by=anna)
    after = status_when(anna, watches("ETH-USD", "SOL-USD"))
    assert after.settings_revision == saved.revision
    assert after.epoch == before.epoch
    assert [link.reconnects for link in after.exchanges] == [0]


def test_a_reload_of_a_revision_that_is_in_effect_does_nothing_and_says_so(
    anna: User, worker: RunningWorker
) -> None:
    revision = status_when(anna, watches("BTC-USD", "ETH-USD")).settings_revision
    answer = client.send(anna, Command.RELOAD_SETTINGS, {"revision": revision, "origin": "admin"})
    assert answer.result is not None
    assert answer.result.success
    assert answer.result.message == f"nothing had changed; revision {revision} is applied already"
