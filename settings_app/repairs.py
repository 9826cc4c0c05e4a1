"""What becomes of the parts of an older document that are wrong: they go, and are named.

Rule 1: nothing is switched on, and nothing is made up: a repair removes, switches off, or chooses
    among what is there.
Rule 2: each repair is noted with its place. No note repeats what stood there, and none names a key
    that looks like a secret.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from settings_app.documents import pointer, pointer_keys, set_at, unstorable
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema.document import Settings
from settings_app.schema.rules import (
    KEY,
    PASSPHRASE,
    SECRET,
    broken_rules,
    enabled_exchanges,
    has_keys,
    missing_names,
)
from settings_app.schema.secrecy import disguised_secrets, looks_secret
from settings_app.schema.validation import shaped, unacceptable

Document = dict[str, Any]

# Each round removes what the round before laid bare; nothing lies deeper than this.
MOST_REPAIRS: Final = 16

# Where an enabled channel has its address.
ADDRESSES: Final = {
    "email": ("address", "it has no address"),
    "discord": ("webhook_url_environment_variable", "it names no webhook"),
    "push": ("url_environment_variable", "it names no service"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that an upgrade moved or dropped, and the place it had or would have had."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}"


def without_secrets(document: Any, notes: list[Note]) -> Document:
    """A copy of a document without the texts and the keys in it that look like secrets.

    Raises:
        SettingsInvalid: If no row could hold it.
    """
    if unstorable(document):
        raise SettingsInvalid(unacceptable(document))
    clean: Document = copy.deepcopy(dict(document))
    if disguised_secrets(clean):
        _remove_secret_keys(clean, "", notes)
        _remove_all(clean, disguised_secrets(clean), notes)
    return clean


def _remove_secret_keys(value: Any, at: str, notes: list[Note]) -> None:
    if isinstance(value, dict):
        for key in [key for key in value if looks_secret(key, is_name=True)]:
            del value[key]
            notes.append(Note(at, "a key of it was dropped: it looked like a secret"))
    members = value.items() if isinstance(value, Mapping) else ()
    rows = enumerate(value) if isinstance(value, list) else ()
    for key, member in (*members, *rows):
        _remove_secret_keys(member, at + pointer(key), notes)


def repaired(document: Document, notes: list[Note]) -> Settings:
    """The settings, once everything is removed from ``document`` that they cannot hold.

    Args:
        document: In the current shape, without secrets. It is changed.
        notes: Gains one for each repair.
    """
    errors: list[FieldError] = []
    for _ in range(MOST_REPAIRS):
        settings, errors = shaped(document)
        if settings is not None:
            errors = list(broken_rules(settings))
            if not errors:
                return settings
            settled = _settled(document, settings, notes)
            if settled is not document:
                document = settled
                continue
        _remove_all(document, errors, notes)
    raise SettingsInvalid(errors)


# ------------------------------------------------------------------------------ broken rules
def _settled(document: Document, settings: Settings, notes: list[Note]) -> Document:
    """The document with the rules kept that more is known of than a place to remove."""
    document = _without_half_keys(document, settings, notes)
    document = _with_a_used_primary(document, settings, notes)
    if settings.scanner.enabled and settings.scanner.exchange not in enabled_exchanges(settings):
        notes.append(Note("/scanner/enabled", "switched off: its exchange is not enabled"))
        document = set_at(document, "/scanner/enabled", value=False)
    if settings.load_positions_from_exchange and not any(
        map(has_keys, settings.exchanges.values())
    ):
        at = "/load_positions_from_exchange"
        notes.append(Note(at, "switched off: no enabled exchange has the names of its keys"))
        document = set_at(document, at, value=False)
    for channel, (key, reason) in ADDRESSES.items():
        section = getattr(settings.notifications, channel)
        if section is not None and section.enabled and not getattr(section, key):
            at = pointer("notifications", channel)
            notes.append(Note(at, f"switched off: {reason}"))
            document = set_at(document, at + "/enabled", value=False)
    return document


def _without_half_keys(document: Document, settings: Settings, notes: list[Note]) -> Document:
    for name, exchange in settings.exchanges.items():
        if any(missing_names(name, exchange)):
            at = pointer("exchanges", name)
            text = "the names of its keys were dropped: one of them was missing"
            notes.append(Note(at, text))
            for key in (KEY, SECRET, PASSPHRASE):
                document = set_at(document, at + pointer(key), None)
    return document


def _with_a_used_primary(document: Document, settings: Settings, notes: list[Note]) -> Document:
    primary, enabled = settings.perseus_profile.primary_exchange, enabled_exchanges(settings)
    if primary in enabled or (not enabled and primary in settings.exchanges):
        return document
    chosen = next(iter([*enabled, *settings.exchanges]))
    at = pointer("perseus_profile", "primary_exchange")
    notes.append(Note(at, f"replaced by {chosen}: {primary} is not enabled"))
    return cast("Document", set_at(document, at, chosen))


# ------------------------------------------------------------------------------ wrong values
def _remove_all(document: Document, errors: list[FieldError], notes: list[Note]) -> None:
    """Remove what the errors point at, from the last to the first: so places stay true."""
    removed: list[list[str]] = []
    dropped: list[Note] = []
    told = {note.pointer for note in notes}
    for error in reversed(errors):
        keys = pointer_keys(error.pointer)
        if any(keys[: len(gone)] == gone for gone in removed):
            continue  # its row went with a later error; another row stands there now
        kept = _existing(document, keys)
        if kept:
            _remove(document, kept)
            removed.append(kept)
        if kept == keys:
            dropped.append(Note(error.pointer, f"dropped: it {error.message}"))
        elif kept and error.pointer not in told:  # else that went in an earlier round
            missing = pointer(*keys[len(kept) :]).removeprefix("/")
            dropped.append(Note(pointer(*kept), f"dropped: its {missing} {error.message}"))
    notes += reversed(dropped)


def _existing(document: Document, keys: list[str]) -> list[str]:
    """As much of a path as leads to something."""
    value: Any = document
    for depth, key in enumerate(keys):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return keys[:depth]
    return keys


def _remove(document: Document, keys: list[str]) -> None:
    parent: Any = document
    for key in keys[:-1]:
        parent = parent[int(key)] if isinstance(parent, list) else parent[key]
    del parent[int(keys[-1]) if isinstance(parent, list) else keys[-1]]
