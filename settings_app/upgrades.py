"""Older documents become current ones: one pure function for each step.

Rule 1: reading upgrades, and never writes. The row keeps its version until it is next saved.
Rule 2: an upgraded document is always valid. What cannot be carried over is dropped, and each
    such thing is named in the notes, with its place.
Rule 3: a document newer than this program is refused, never guessed at.

Version 0 is the legacy file, version 1 the same with its version, version 2 the current schema.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from settings_app.documents import canonical, pointer, pointer_keys, unstorable
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew
from settings_app.schema.document import CURRENT_VERSION, Settings
from settings_app.schema.fields import ExchangeName
from settings_app.schema.markets import MOST_SYMBOLS
from settings_app.schema.validation import inspect, validate

Document = dict[str, Any]

EXCHANGES: Final[tuple[str, ...]] = get_args(ExchangeName)

# Words of other logging systems for our four levels.
VERBOSITY: Final[dict[str, str]] = {
    "trace": "debug",
    "verbose": "debug",
    "information": "info",
    "warn": "warning",
    "critical": "error",
    "fatal": "error",
}

# Facts that the runtime wrote, and a switch that means nothing where changes apply live.
DROPPED: Final[dict[str, str]] = {
    "portfolio_symbols_last_update": "dropped: a fact of the runtime, not a setting",
    "scanner_symbols_last_update": "dropped: a fact of the runtime, not a setting",
    "scanner_auto_restart_services": "dropped: every change is applied to the running runtime",
}

# Each round removes what the round before laid bare; nothing lies deeper than this.
MOST_REPAIRS = 16


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that an upgrade moved or dropped, and the place it had or would have had."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A valid current document, and what became of the one it was made from."""

    settings: Settings
    from_version: int
    notes: tuple[Note, ...]


def version_of(document: Any) -> int:
    """The version that a document says it has; 0 where it says nothing.

    Raises:
        SettingsInvalid: If that is not a version, or the document not an object.
        SettingsTooNew: If this program does not know it.
    """
    if not isinstance(document, Mapping):
        raise SettingsInvalid([FieldError("", "must be an object")])
    version = document.get("version", 0)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise SettingsInvalid([FieldError("/version", "must be a whole number, 0 or more")])
    if version > CURRENT_VERSION:
        raise SettingsTooNew(version, known=CURRENT_VERSION)
    return version


def upgrade(document: Any, *, sub: str) -> Upgraded:
    """Make an older document current.

    Args:
        document: Of any known version. It is not changed.
        sub: Whose document it is now; an older one says nothing reliable about that.

    Raises:
        SettingsInvalid: If it is current and not valid: there is no older shape to blame.
        SettingsTooNew: If a newer program wrote it.
    """
    version = version_of(document)
    if errors := unstorable(document):  # no row can hold it, so it comes from a file
        raise SettingsInvalid(errors)
    notes: list[Note] = []
    current = copy.deepcopy(dict(document))
    for step in STEPS[version:]:
        current = step(current, notes)
    if version == CURRENT_VERSION:
        return Upgraded(settings=validate(current), from_version=version, notes=())
    if current.get("sub", sub) != sub:
        notes.append(Note("/sub", "replaced: the document had another identity"))
    current["sub"] = sub
    settings = _repaired(current, notes)
    return Upgraded(settings=settings, from_version=version, notes=tuple(notes))


# ------------------------------------------------------------------------------ 0 → 1
def from_0_to_1(old: Document, notes: list[Note]) -> Document:
    """The legacy file says nothing about its version, and nothing else is different."""
    del notes
    return {**old, "version": 1}


# ------------------------------------------------------------------------------ 1 → 2
def from_1_to_2(old: Document, notes: list[Note]) -> Document:
    """Symbols gain their exchange; the scanner and the notifications get their sections."""
    new = {**old, "version": 2}
    for key, text in DROPPED.items():
        if key in new:
            del new[key]
            notes.append(Note(pointer(key), text))
    profile = _section(new, "perseus_profile", notes)
    exchanges = _exchanges(_section(new, "exchanges", notes), notes)
    new["exchanges"] = exchanges
    primary = _primary(profile.get("primary_exchange"), exchanges, notes)
    profile["primary_exchange"] = primary
    exchanges.setdefault(primary, {"enabled": False})
    if isinstance(locale := profile.get("locale"), str):
        profile["locale"] = locale.replace("_", "-")
    _move_notifications(profile, new, notes)
    _move_watchlist(new, primary, notes)
    _move_position_symbols(new, primary, notes)
    _move_scanner(new, notes)
    logging = _section(_section(new, "livermore_runtime", notes), "logging", notes)
    if isinstance(level := logging.get("verbosity_level"), str):
        logging["verbosity_level"] = VERBOSITY.get(level.lower(), level.lower())
    return new


STEPS: Final[tuple[Callable[[Document, list[Note]], Document], ...]] = (from_0_to_1, from_1_to_2)


def _section(parent: Document, key: str, notes: list[Note]) -> Document:
    """The object under a key, put there if there is none."""
    value = parent.get(key)
    if value is not None and not isinstance(value, dict):
        notes.append(Note(pointer(key), "dropped: it must be an object"))
        value = None
    section: Document = value or {}
    parent[key] = section
    return section


def _exchanges(old: Document, notes: list[Note]) -> Document:
    """Exchanges under their lower-case names; where two spellings meet, the first stays."""
    new: Document = {}
    for name in old:
        known = name.lower() if name.lower() in EXCHANGES else name
        if known in new:
            notes.append(Note(pointer("exchanges", name), f"dropped: {known} is there already"))
        else:
            new[known] = _section(old, name, notes)
            for key, value in tuple(new[known].items()):
                if value == "" and key.endswith("EnvironmentVariableName"):
                    del new[known][key]  # how the legacy file says that there is none
    return new


def _primary(name: Any, exchanges: Document, notes: list[Note]) -> str:
    """The primary exchange: as said, else the first that is known and configured."""
    if isinstance(name, str) and name.lower() in EXCHANGES:
        return name.lower()
    primary = next((one for one in exchanges if one in EXCHANGES), EXCHANGES[0])
    if name is not None:
        at = pointer("perseus_profile", "primary_exchange")
        notes.append(Note(at, f"replaced by {primary}: the exchange is not known"))
    return primary


def _move_notifications(profile: Document, new: Document, notes: list[Note]) -> None:
    notifications = _section(new, "notifications", notes)
    if "discord_integration" in profile:
        discord = _section(profile, "discord_integration", notes)
        notifications["discord"] = profile.pop("discord_integration")
        notes.append(Note("/perseus_profile/discord_integration", "moved to notifications"))
        if not discord.get("webhook_url_environment_variable"):
            discord.pop("webhook_url_environment_variable", None)
            if discord.get("enabled"):
                notes.append(Note("/notifications/discord", "switched off: it names no webhook"))
            discord["enabled"] = False
    if "notification_preferences" in profile:
        text = str(profile.pop("notification_preferences")).lower().replace("e-mail", "email")
        notes.append(Note("/perseus_profile/notification_preferences", "moved to notifications"))
        for channel in ("email", "push"):
            if re.search(rf"\b{channel}\b", text):
                notifications[channel] = {"enabled": False}
                notes.append(Note(pointer("notifications", channel), "off: it has no address yet"))


def _move_watchlist(new: Document, primary: str, notes: list[Note]) -> None:
    rows: dict[str, Document] = {}
    for key, categories in (("symbols", []), ("sparse_symbols", ["sparse"])):
        if key in new:
            notes.append(Note(pointer(key), f"moved to the watchlist, on {primary}"))
            for symbol in _symbols(new.pop(key)):
                row = {"symbol": symbol, "exchange": primary, "enabled": True}
                rows.setdefault(canonical(symbol), {**row, "categories": list(categories)})
    new["watchlist"] = _cut("watchlist", rows, notes)


def _move_position_symbols(new: Document, primary: str, notes: list[Note]) -> None:
    rows: dict[str, Document] = {
        canonical(symbol): {"symbol": symbol, "exchange": primary}
        for symbol in _symbols(new.get("position_symbols"))
    }
    if rows:
        notes.append(Note("/position_symbols", f"each is on {primary} now"))
    new["position_symbols"] = _cut("position_symbols", rows, notes)


def _symbols(value: Any) -> list[Any]:
    """What stands for symbols, in capitals; what is none is told by the schema."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [one.strip().upper() if isinstance(one, str) else one for one in values]


def _cut(key: str, rows: dict[str, Document], notes: list[Note]) -> list[Document]:
    if len(rows) > MOST_SYMBOLS:
        notes.append(Note(pointer(key), f"cut to its first {MOST_SYMBOLS} symbols"))
    return list(rows.values())[:MOST_SYMBOLS]


def _move_scanner(new: Document, notes: list[Note]) -> None:
    scanner = _section(new, "scanner", notes)
    for key, name in (
        ("scanner_to_maintain_symbols_enabled", "enabled"),
        ("scanner_exchange", "exchange"),
    ):
        if key in new:
            value = new.pop(key)
            scanner[name] = value.lower() if isinstance(value, str) else value
            notes.append(Note(pointer(key), f"moved to /scanner/{name}"))


# ------------------------------------------------------------------------------ repairs
def _repaired(document: Document, notes: list[Note]) -> Settings:
    """The settings, once everything is removed from ``document`` that they cannot hold."""
    settings, errors = inspect(document)
    for _ in range(MOST_REPAIRS):
        if settings is not None:
            return settings
        _remove_all(document, errors, notes)
        settings, errors = inspect(document)
    raise SettingsInvalid(errors)


def _remove_all(document: Document, errors: list[FieldError], notes: list[Note]) -> None:
    """Remove what the errors point at, from the last to the first: so places stay true."""
    removed: list[list[str]] = []
    dropped: list[Note] = []
    for error in reversed(errors):
        keys = pointer_keys(error.pointer)
        if any(keys[: len(gone)] == gone for gone in removed):
            continue  # its row went with a later error; another row stands there now
        kept = _existing(document, keys)
        if kept:
            _remove(document, kept)
            removed.append(kept)
        if kept == keys:  # else something is missing that an earlier note has told of
            dropped.append(Note(error.pointer, f"dropped: it {error.message}"))
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
