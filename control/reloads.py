"""Saving settings asks the runtime to apply them."""

from __future__ import annotations

from typing import Any

import structlog

from control import client
from control.protocol import Command
from settings_app.signals import settings_saved

log = structlog.get_logger(__name__)


def connect() -> None:
    """Listen for saved settings; called once when the apps are ready."""
    settings_saved.connect(_ask_for_reload, dispatch_uid="control.reloads")


def _ask_for_reload(*, user_id: int, sub: str, revision: int, origin: str, **_: Any) -> None:
    user = client.Recipient(pk=user_id, sub=sub)
    saved = {"revision": revision, "origin": origin}
    try:
        client.send(user, Command.RELOAD_SETTINGS, saved, source="system", wait=None)
    except client.NotSent as exc:
        # The worker's poll sees the new revision within seconds anyway.
        log.warning("settings.reload_not_sent", sub=sub, reason=str(exc))
