"""Who saved which settings, when: kept in the admin's own log, with the revision.

Rule 1: places, never values: a value could be a secret in the wrong field.
Rule 2: written in the transaction of the save, so the log and the document cannot disagree.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from settings_app.errors import Change
from settings_app.models import User


def record(user: User, *, by: User, revision: int, paths: tuple[str, ...], origin: str) -> None:
    """Note a save. The admin shows it as: Changed /watchlist for settings "revision 7".

    Args:
        user: Whose settings were saved.
        by: Who saved them.
        revision: The revision that the save made.
        paths: JSON Pointers to what changed.
        origin: Where the change came from.
    """
    changed = {"name": "settings", "object": f"revision {revision}", "fields": list(paths)}
    message = [{"changed": changed, "settings_revision": revision, "origin": origin}]
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.get_username(),
        action_flag=CHANGE,
        change_message=json.dumps(message),
    )


def changes_since(user: User, revision: int) -> tuple[Change, ...]:
    """The saves of a user's settings after ``revision``, oldest first."""
    entries = (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(user.pk),
            action_flag=CHANGE,
            change_message__contains='"settings_revision"',
        )
        .select_related("user")
        .order_by("-id")[: max(0, user.settings_revision - revision)]
    )
    changes = [_change(entry) for entry in reversed(entries)]
    return tuple(change for change in changes if change.revision > revision)


def _change(entry: LogEntry) -> Change:
    message: dict[str, Any] = json.loads(entry.change_message)[0]
    return Change(
        revision=message["settings_revision"],
        paths=tuple(message["changed"]["fields"]),
        by=entry.user.get_username(),
        at=entry.action_time,
    )
