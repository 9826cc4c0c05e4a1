"""Reading and writing a user's settings: the only way to them.

Rule 1: what is read is a valid current document, whatever version is stored. Reading writes
    nothing.
Rule 2: what is written is validated whole, under the row's lock, in one transaction with its
    revision and its line in the log; listeners are told after the commit.
Rule 3: a save that changes nothing writes nothing and keeps the revision.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from settings_app import history
from settings_app.documents import changed_paths, merge_patch, unstorable
from settings_app.errors import FieldError, SettingsInvalid, StaleRevision
from settings_app.models import User
from settings_app.schema import (
    CURRENT_VERSION,
    Settings,
    default_document,
    parse_stored,
    validate,
)
from settings_app.signals import settings_saved
from settings_app.upgrades import Note, upgrade

__all__ = ["Saved", "Stored", "default_document", "patch", "read", "replace"]

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A user's settings as of one revision.

    Args:
        version: The version in which they are stored, which may be an older one.
        notes: What upgrading them on this read moved or dropped.
    """

    user_id: int
    sub: str
    document: Settings
    version: int
    revision: int
    updated_at: datetime
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a write did: nothing, where ``changed_paths`` is empty.

    Args:
        revision: The settings' revision now.
        changed_paths: JSON Pointers to what changed.
    """

    revision: int
    changed_paths: tuple[str, ...]
    document: Settings


def read(user_id: int) -> Stored:
    """A user's settings, made current.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsTooNew: If a newer program stored them.
        SettingsInvalid: If something else than this module stored them.
    """
    rows = User.objects.values_list(
        "sub",
        # The text: PostgreSQL's JSON goes to the validator without a detour over Python.
        Cast("settings", TextField()),
        "settings_version",
        "settings_revision",
        "settings_updated_at",
    )
    sub, text, version, revision, updated_at = rows.get(pk=user_id)
    notes: tuple[Note, ...] = ()
    if version == CURRENT_VERSION:
        document = parse_stored(text)
    else:
        upgraded = upgrade(json.loads(text), sub=sub)
        document, notes = upgraded.settings, upgraded.notes
    return Stored(
        user_id=user_id,
        sub=sub,
        document=document,
        version=version,
        revision=revision,
        updated_at=updated_at,
        notes=notes,
    )


def replace(
    user_id: int,
    document: Any,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Save a whole document of the current version.

    Args:
        document: What ``json.loads`` gives. A setting that it leaves out gets its default.
        by: Who saves; the log names them.
        base_revision: The revision that ``document`` was made from; None saves regardless.
        origin: Where the change comes from, for the log and the listeners.

    Raises:
        User.DoesNotExist: If there is no such user.
        SettingsInvalid: With every field error; nothing was written.
        SettingsTooNew: If a newer program stored what would be replaced.
        StaleRevision: If the settings were saved since ``base_revision``.
    """
    return _save(user_id, lambda _: document, by=by, base_revision=base_revision, origin=origin)


def patch(
    user_id: int,
    changes: Any,
    *,
    by: User,
    base_revision: int | None = None,
    origin: str = "admin",
) -> Saved:
    """Save a merge patch (RFC 7396): objects merge, null resets a setting to its default.

    Args and Raises are those of :func:`replace`.
    """
    if errors := unstorable(changes):  # before anything descends into it
        raise SettingsInvalid(errors)
    return _save(
        user_id,
        lambda before: merge_patch(before, changes),
        by=by,
        base_revision=base_revision,
        origin=origin,
    )


def _save(
    user_id: int,
    change: Callable[[Document], Any],
    *,
    by: User,
    base_revision: int | None,
    origin: str,
) -> Saved:
    with transaction.atomic():
        # Not the key: rows that point at the user (alerts) need not wait for a save.
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if base_revision is not None and base_revision != user.settings_revision:
            raise StaleRevision(
                base=base_revision,
                current=user.settings_revision,
                changes=history.changes_since(user, base_revision),
            )
        before = _current_document(user)
        settings = validate(change(before))
        if settings.sub != user.sub:
            raise SettingsInvalid([FieldError("/sub", "must be your own: it cannot be changed")])
        after = settings.to_document()
        paths = changed_paths(before, after)
        revision = user.settings_revision
        if paths:
            revision += 1
            _write(user, after, revision)
            history.record(user, by=by, revision=revision, paths=paths, origin=origin)
            announce = partial(
                settings_saved.send_robust,  # whoever listens: what is saved stays saved
                sender=User,
                user_id=user.pk,
                sub=user.sub,
                revision=revision,
                origin=origin,
            )
            transaction.on_commit(announce)
    return Saved(revision=revision, changed_paths=paths, document=settings)


def _current_document(user: User) -> Document:
    if user.settings_version == CURRENT_VERSION:
        stored: Document = user.settings
        return stored
    return upgrade(user.settings, sub=user.sub).settings.to_document()


def _write(user: User, document: Document, revision: int) -> None:
    User.objects.filter(pk=user.pk).update(
        settings=document,
        settings_version=CURRENT_VERSION,
        settings_revision=revision,
        settings_updated_at=timezone.now(),
    )
