"""Everything that can be wrong with a settings document, grouped by what the caller does.

SettingsError
    SettingsInvalid   show the field errors to whoever wrote the document
    SettingsTooNew    upgrade the program; the row was left alone
    StaleRevision     read again, then offer the change on top of the newer document (412)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class FieldError:
    """What is wrong at one place of a document.

    Args:
        pointer: JSON Pointer (RFC 6901) to the value; ``""`` is the whole document.
        message: A sentence for people. It never repeats a text value: that may be a secret.
    """

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the document'}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One save of a document: its revision, what it touched, who did it and when."""

    revision: int
    paths: tuple[str, ...]
    by: str  # username
    at: datetime


class SettingsError(Exception):
    """Any refusal of this room."""


class SettingsInvalid(SettingsError):
    """The document breaks a rule; ``errors`` says where and which, in document order."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors)))


class SettingsTooNew(SettingsError):
    """A newer program wrote the document; this one neither reads nor rewrites it."""

    def __init__(self, version: int, *, known: int) -> None:
        self.version = version
        self.known = known
        super().__init__(
            f"The settings have version {version}, this program knows versions up to {known}: "
            "install the newer program again. Nothing was changed."
        )


class StaleRevision(SettingsError):
    """The document was saved since the caller read it, and both touched the same place.

    Args:
        base: The revision that the caller's change was made on.
        current: The revision of the document now.
        changes: The saves since ``base`` that the log still has, oldest first.
        conflicts: JSON Pointers to what both touched. None: the log cannot tell what was.
        offered: The caller's whole document with what the others saved elsewhere, to be looked at
            and saved again; None where the change was no whole document or nothing can be told.
    """

    def __init__(
        self,
        *,
        base: int,
        current: int,
        changes: Iterable[Change] = (),
        conflicts: Iterable[str] = (),
        offered: Any = None,
    ) -> None:
        self.base = base
        self.current = current
        self.changes = tuple(changes)
        self.conflicts = tuple(conflicts)
        self.offered = offered
        told = f"The settings are at revision {current}, the change was made on revision {base}"
        if self.conflicts:
            why = "and both changed the same places"
        elif base > current:
            why = "which never was"
        else:
            why = "and the log does not reach back to it"
        super().__init__(f"{told}, {why}. Read the settings again and repeat the change.")
