"""Who saved which settings, when: kept in the admin's own log, with the revision.

Rule 1: places, never values: a value could be a secret in the wrong field. Of what was there
    before, a keyed digest is kept, by which a later save can tell that somebody has not touched it.
Rule 2: written in the statement of the save, so the log and the document cannot disagree.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from settings_app.documents import ABSENT, canonical
from settings_app.errors import Change
from settings_app.models import User

DIGITS = 16  # of a digest: 64 bits; it tells "the same" from "another", nothing more
MOST_SAVES = 1_000  # that are looked through for one rebase; a page that old is read again

# The second half of the statement that saves (`settings_app.writing`).
RECORD: Final = """
    INSERT INTO django_admin_log
           (action_time, user_id, content_type_id, object_id, object_repr, action_flag,
            change_message)
    VALUES (statement_timestamp(), %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A save as the log has it.

    Args:
        change: What to tell people of it.
        digests: For each of its paths, the digest of what was there before; none where an older
            program wrote the entry.
    """

    change: Change
    digests: tuple[str, ...]


def values_to_record(
    user_id: int,
    username: str,
    *,
    by: User,
    revision: int,
    before: Iterable[tuple[str, Any]],
    origin: str,
) -> tuple[Any, ...]:
    """The parameters of :data:`RECORD`.

    The admin shows such an entry as: Changed /watchlist for settings "revision 7".

    Args:
        user_id: Whose settings were saved.
        username: Their name as it is now.
        by: Who saved them.
        revision: The revision that the save made.
        before: JSON Pointers to what changed, each with what was there before.
        origin: Where the change came from.
    """
    pairs = tuple(before)
    changed = {
        "name": "settings",
        "object": f"revision {revision}",
        "fields": [path for path, _ in pairs],
    }
    message = {
        "changed": changed,
        "settings_revision": revision,
        "origin": origin,
        "before": [digest(user_id, revision, path, value) for path, value in pairs],
    }
    content_type = ContentType.objects.get_for_model(User).pk  # kept in memory by Django
    return by.pk, content_type, str(user_id), username, CHANGE, json.dumps([message])


def digest(user_id: int, revision: int, path: str, value: Any) -> str:
    """What the log keeps of a value that a save replaced.

    The key is `SECRET_KEY`. User, revision and path are part of it, so that equal values in
    different places or at different times do not show as equal.
    """
    text = "" if value is ABSENT else canonical(value)
    told = f"settings_app.history\n{user_id}\n{revision}\n{path}\n{text}"
    key = settings.SECRET_KEY.encode()
    return hmac.digest(key, told.encode(), "sha256").hex()[:DIGITS]


def saves_since(user_id: int, base: int, current: int) -> tuple[Logged, ...]:
    """The saves of a user's settings after revision ``base``, oldest first.

    Entries that were removed from the log are missing; of more than `MOST_SAVES` saves, only the
    newest are told.
    """
    most = min(max(0, current - base), MOST_SAVES)
    entries = (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(user_id),
            action_flag=CHANGE,
            change_message__contains='"settings_revision"',
        )
        .select_related("user")
        .order_by("-id")[:most]
    )
    saves = [_logged(entry) for entry in reversed(entries)]
    return tuple(save for save in saves if save.change.revision > base)


def _logged(entry: LogEntry) -> Logged:
    message: dict[str, Any] = json.loads(entry.change_message)[0]
    change = Change(
        revision=message["settings_revision"],
        paths=tuple(message["changed"]["fields"]),
        by=entry.user.get_username(),
        at=entry.action_time,
    )
    return Logged(change=change, digests=tuple(message.get("before", ())))
