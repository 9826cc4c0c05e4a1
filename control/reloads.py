"""Saving settings asks the runtime to apply them.

Rule 1: a save waits for PostgreSQL alone. What asks for the reload is sent beside it, from a thread
    of its own: a Redis that hangs delays no save.
Rule 2: what is asked for is the newest revision. Saves that follow each other faster than Redis
    takes them are one reload.
Rule 3: a reload that could not be sent is not lost: the worker's poll sees the revision.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from control import client
from control.client import Recipient
from control.protocol import Command, Origin
from settings_app.signals import settings_saved

log = structlog.get_logger(__name__)

# What a runtime saves while it carries out a command is in effect when the command is answered.
APPLIED_BY_THE_RUNTIME = frozenset({Command.ADD_SYMBOL, Command.REMOVE_SYMBOL, Command.UNDO})
SAVED = Origin(who="", via="settings")

# One thread keeps the order. The interpreter waits for it on the way out.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reloads")
_lock = threading.Lock()
_waiting: dict[Recipient, dict[str, Any]] = {}


def connect() -> None:
    """Listen for saved settings; called once when the apps are ready."""
    settings_saved.connect(_ask_for_reload, dispatch_uid="control.reloads")


def flush() -> None:
    """Wait until everything that was saved so far has been asked for."""
    _sender.submit(int).result()


def _ask_for_reload(*, user_id: int, sub: str, revision: int, origin: str, **_: Any) -> None:
    if origin in APPLIED_BY_THE_RUNTIME:
        return
    user = Recipient(pk=user_id, sub=sub)
    with _lock:
        before = _waiting.get(user)
        if before is None or before["revision"] < revision:
            _waiting[user] = {"revision": revision, "origin": origin}
    if before is None:
        _sender.submit(_send, user)


def _send(user: Recipient) -> None:
    with _lock:
        saved = _waiting.pop(user)
    try:
        client.send(user, Command.RELOAD_SETTINGS, saved, source="system", origin=SAVED, wait=None)
    except client.NotSent as exc:
        log.warning("settings.reload_not_sent", sub=user.sub, reason=str(exc), **saved)
    except Exception:
        log.exception("settings.reload_not_sent", sub=user.sub, **saved)
