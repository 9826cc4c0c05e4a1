"""Saving settings, or a position, asks the runtime to apply them.

Rule 1: a save waits for PostgreSQL alone. What asks for the reload is sent beside it, from a thread
    of its own: a Redis that hangs delays no save.
Rule 2: what is asked for is the newest revision. Saves that follow each other faster than Redis
    takes them are one reload.
Rule 3: a reload that could not be sent is not lost: the worker's poll sees the revision. Positions
    have none: of them, the next reload or resume tells.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from control import client
from control.client import Recipient
from control.protocol import Command, Origin
from control.symbols import editing
from settings_app.models import User
from settings_app.signals import settings_saved
from trading.models import Position

log = structlog.get_logger(__name__)

# What a runtime saves while it carries out a command is in effect when the command is answered.
APPLIED_BY_THE_RUNTIME = frozenset({Command.ADD_SYMBOL, Command.REMOVE_SYMBOL, Command.UNDO})
SAVED = Origin(who="", via="settings")

# One thread keeps the order. The interpreter waits for it on the way out.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reloads")
_lock = threading.Lock()
_waiting: dict[Recipient, dict[str, Any]] = {}


def connect() -> None:
    """Listen for what is saved; called once when the apps are ready."""
    settings_saved.connect(_settings_saved, dispatch_uid="control.reloads")
    for moved in (post_save, post_delete):
        moved.connect(_position_moved, sender=Position, dispatch_uid="control.reloads")


def flush() -> None:
    """Wait until everything that was saved so far has been asked for."""
    _sender.submit(int).result()


def _settings_saved(*, user_id: int, sub: str, revision: int, origin: str, **_: Any) -> None:
    if origin not in APPLIED_BY_THE_RUNTIME and origin != editing.ORIGIN:
        saved = {"revision": revision, "origin": origin}
        _ask_for_reload(Recipient(pk=user_id, sub=sub), saved)


def _position_moved(*, instance: Position, **_: Any) -> None:
    """A position is watched in some modes; no revision tells of it."""
    transaction.on_commit(partial(_positions_moved, instance.user_id))


def _positions_moved(user_id: int) -> None:
    sub = User.objects.filter(pk=user_id).values_list("sub", flat=True).first()
    if sub is not None:  # else the user went with them
        _ask_for_reload(Recipient(pk=user_id, sub=sub), {"origin": "positions"})


def _ask_for_reload(user: Recipient, saved: dict[str, Any]) -> None:
    with _lock:
        before = _waiting.get(user)
        if before is None or before.get("revision", 0) < saved.get("revision", 0):
            _waiting[user] = saved
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
