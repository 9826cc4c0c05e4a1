"""Exports as files that a browser saves.

Rule 1: all that was asked for or nothing: a file that silently lacks somebody is worse than none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from settings_app import services
from settings_app.errors import SettingsError
from settings_app.models import User


class NotExported(Exception):
    """The settings of one user cannot be read; the text names them and says why."""


def download(users: Sequence[User]) -> HttpResponse:
    """The settings of one user as JSON, of several as a zip of such files.

    Raises:
        NotExported: If the settings of any of them cannot be read.
    """
    today = timezone.now().date().isoformat()
    if len(users) == 1:
        [user] = users
        name = file_name(user.get_username(), today)
        return attachment(name, "application/json", export_text(user).encode())
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for user in users:
            # By id: two names may be one file on some systems, or have no ASCII letter at all.
            file.writestr(file_name(user.get_username(), str(user.pk)), export_text(user))
    return attachment(f"livermore-settings-{today}.zip", "application/zip", archive.getvalue())


def file_name(username: str, ending: str) -> str:
    """A file's name for a user's export; what of the user's name is ASCII stands in it."""
    parts = ("livermore-settings", slugify(username)[:40], ending)
    return "-".join(part for part in parts if part) + ".json"


def export_text(user: User) -> str:
    """A user's export as the text of a file.

    Raises:
        NotExported: If the settings cannot be read.
    """
    try:
        return as_text(services.export(user.pk))
    except SettingsError as exc:
        raise NotExported(f"The settings of {user.get_username()} cannot be read: {exc}") from exc


def as_text(export: Mapping[str, Any]) -> str:
    """An export as people and other programs read it."""
    return json.dumps(export, indent=2, ensure_ascii=False) + "\n"


def attachment(name: str, kind: str, content: bytes) -> HttpResponse:
    """An answer that a browser saves under this name."""
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(
        content, content_type=kind, headers={"Content-Disposition": disposition or "attachment"}
    )
