"""Older documents become current ones: one pure function for each step.

Rule 1: reading upgrades, and never writes. The row keeps its version until it is next saved.
Rule 2: an upgraded document is always valid. What cannot be carried over is dropped, and each
    such thing is named in the notes, with its place (`settings_app.repairs`).
Rule 3: a converted one is not repaired: a file is taken whole, or refused with what is wrong.
Rule 4: a document newer than this program is refused, never guessed at.

Version 0 is the legacy file, version 1 the same with its version, version 2 the current schema.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from settings_app import repairs
from settings_app.documents import canonical, pointer, pointer_keys, told
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew
from settings_app.repairs import Note
from settings_app.schema.document import CURRENT_VERSION, Settings
from settings_app.schema.fields import ExchangeName
from settings_app.schema.legacy import DROPPED, NEWER
from settings_app.schema.markets import MOST_SYMBOLS
from settings_app.schema.validation import may_name, unacceptable, validate

__all__ = ["Converted", "Note", "Upgraded", "convert", "upgrade", "version_of"]

Document = dict[str, Any]

EXCHANGES: Final[tuple[str, ...]] = get_args(ExchangeName)

CHANNELS: Final = ("email", "discord", "push")

# Words of other logging systems for our four levels.
VERBOSITY: Final[dict[str, str]] = {
    "trace": "debug",
    "verbose": "debug",
    "information": "info",
    "warn": "warning",
    "critical": "error",
    "fatal": "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A valid current document, and what became of the one it was made from."""

    settings: Settings
    from_version: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A document in the current shape, which nobody has validated yet.

    Args:
        notes: What was moved, and what is no setting any more.
    """

    document: Document
    from_version: int
    notes: tuple[Note, ...]


@dataclass(slots=True)
class Report:
    """What the steps did, and what they could not carry over.

    Args:
        is_strict: What cannot be carried over is an error, else it is dropped and noted.
    """

    is_strict: bool
    notes: list[Note] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)

    def note(self, at: str, message: str) -> None:
        """Something was moved, or means nothing any more."""
        self.notes.append(Note(at, message))

    def wrong(self, at: str, message: str, *, instead: str | None = None) -> None:
        """Something is not what it must be.

        Args:
            at: Its place in the older document.
            message: What it must be.
            instead: What happens where that is no error.
        """
        if self.is_strict:
            self.errors.append(FieldError(at, message))
        else:
            self.note(at, instead or f"dropped: it {message}")


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
    """Make an older document current, whatever state it is in.

    Args:
        document: Of any known version. It is not changed.
        sub: Whose document it is now; an older one says nothing reliable about that.

    Raises:
        SettingsInvalid: If it is current and not valid: there is no older shape to blame. Or if
            no row could hold it.
        SettingsTooNew: If a newer program wrote it.
    """
    version = version_of(document)
    if version == CURRENT_VERSION:
        return Upgraded(settings=validate(document), from_version=version, notes=())
    report = Report(is_strict=False)
    clean = repairs.without_secrets(document, report.notes)
    current = _converted(clean, version, report)
    if current.get("sub", sub) != sub:
        report.note("/sub", "replaced: the document had another identity")
    current["sub"] = sub
    settings = repairs.repaired(current, report.notes)
    return Upgraded(settings=settings, from_version=version, notes=tuple(report.notes))


def convert(document: Any) -> Converted:
    """Bring a file into the current shape. What is wrong in it stays, for validation to name.

    Args:
        document: Of any known version. It is not changed.

    Raises:
        SettingsInvalid: If something in it fits no place of the current shape, with its place in
            the file. Or if it holds a secret, or what no row could hold.
        SettingsTooNew: If a newer program wrote it.
    """
    version = version_of(document)
    if errors := unacceptable(document):
        raise SettingsInvalid(errors)
    if errors := _misdated(document, version):
        raise SettingsInvalid(errors)
    report = Report(is_strict=True)
    current = _converted(document, version, report)
    if report.errors:
        found = ((pointer_keys(error.pointer), error.message) for error in report.errors)
        raise SettingsInvalid(told(found, may_name=may_name))
    return Converted(document=current, from_version=version, notes=tuple(report.notes))


def _misdated(document: Document, version: int) -> list[FieldError]:
    """Why a file cannot be of the version that it says, or is taken for because it says none.

    Upgrading it all the same would drop what it holds, and reset what it does not.
    """
    if version == CURRENT_VERSION:
        return []
    whose = f"of version {version}" if "version" in document else "without a version"
    errors = [
        FieldError(pointer(key), f"is not in a document {whose}: put {CURRENT_VERSION} at /version")
        for key in NEWER
        if key in document
    ]
    if not errors and not document.keys() - {"version", "sub"}:
        errors = [FieldError("", "is empty: to get the defaults, reset the settings instead")]
    return errors


def _converted(document: Any, version: int, report: Report) -> Document:
    current = copy.deepcopy(dict(document))
    for step in STEPS[version:]:
        current = step(current, report)
    return current


# ------------------------------------------------------------------------------ 0 → 1
def from_0_to_1(old: Document, report: Report) -> Document:
    """The legacy file says nothing about its version, and nothing else is different."""
    del report
    return {**old, "version": 1}


# ------------------------------------------------------------------------------ 1 → 2
def from_1_to_2(old: Document, report: Report) -> Document:
    """Symbols gain their exchange; the scanner and the notifications get their sections."""
    new = {**old, "version": 2}
    for key, reason in DROPPED.items():
        if key in new:
            del new[key]
            report.note(pointer(key), f"dropped: {reason}")
    profile = _section(new, "perseus_profile", report)
    exchanges = _exchanges(_section(new, "exchanges", report), report)
    new["exchanges"] = exchanges
    primary = _primary(profile.get("primary_exchange"), exchanges, report)
    profile["primary_exchange"] = primary
    # A file that says nothing of exchanges means the default. A row does not: its column, by which
    # workers find whom to host, says that none is enabled (`settings_app.models`).
    exchanges.setdefault(primary, {"enabled": report.is_strict and "exchanges" not in old})
    if isinstance(locale := profile.get("locale"), str):
        profile["locale"] = locale.replace("_", "-")
    _move_notifications(profile, new, report)
    _move_watchlist(new, primary, report)
    _move_position_symbols(new, primary, report)
    _move_scanner(new, report)
    runtime = _section(new, "livermore_runtime", report)
    logging = _section(runtime, "logging", report, within=("livermore_runtime",))
    if isinstance(level := logging.get("verbosity_level"), str):
        logging["verbosity_level"] = VERBOSITY.get(level.lower(), level.lower())
    return new


STEPS: Final[tuple[Callable[[Document, Report], Document], ...]] = (from_0_to_1, from_1_to_2)


def _section(
    parent: Document, key: str, report: Report, *, within: tuple[str, ...] = ()
) -> Document:
    """The object under a key, put there if there is none."""
    value = parent.get(key)
    if value is not None and not isinstance(value, dict):
        report.wrong(pointer(*within, key), "must be an object")
        value = None
    section: Document = value or {}
    parent[key] = section
    return section


def _exchanges(old: Document, report: Report) -> Document:
    """Exchanges under their lower-case names; where two spellings meet, the first stays."""
    new: Document = {}
    for name in old:
        known = name.lower() if name.lower() in EXCHANGES else name
        if known in new:
            text = f"must be there once: {known} is there already"
            report.wrong(
                pointer("exchanges", name), text, instead=f"dropped: {known} is there already"
            )
        else:
            new[known] = _section(old, name, report, within=("exchanges",))
            for key, value in tuple(new[known].items()):
                if value == "" and key.endswith("EnvironmentVariableName"):
                    del new[known][key]  # how the legacy file says that there is none
    return new


def _primary(name: Any, exchanges: Document, report: Report) -> str:
    """The primary exchange: as said, else the first that is known and configured."""
    if isinstance(name, str) and name.lower() in EXCHANGES:
        return name.lower()
    primary = next((one for one in exchanges if one in EXCHANGES), EXCHANGES[0])
    if name is not None:
        report.wrong(
            pointer("perseus_profile", "primary_exchange"),
            f"must be one of {', '.join(EXCHANGES)}",
            instead=f"replaced by {primary}: the exchange is not known",
        )
    return primary


def _move_notifications(profile: Document, new: Document, report: Report) -> None:
    notifications = _section(new, "notifications", report)
    if "discord_integration" in profile:
        at = pointer("perseus_profile", "discord_integration")
        discord = _section(profile, "discord_integration", report, within=("perseus_profile",))
        del profile["discord_integration"]
        if discord.get("webhook_url_environment_variable") in ("", None):
            discord.pop("webhook_url_environment_variable", None)
        _move(at, discord, notifications, ("notifications", "discord"), report)
    if "notification_preferences" in profile:
        at = pointer("perseus_profile", "notification_preferences")
        text = profile.pop("notification_preferences")
        if isinstance(text, str):
            _move_preferences(at, text, notifications, report)
        else:
            report.wrong(at, "must be a text")


def _move_preferences(at: str, text: str, notifications: Document, report: Report) -> None:
    """Make of a sentence the channels that it names."""
    words = text.lower().replace("e-mail", "email")
    named = [one for one in CHANNELS if re.search(rf"\b{one}\b", words)]
    report.note(
        at, "moved to /notifications" if named else "dropped: it names no channel that there is"
    )
    for channel in named:
        if channel not in notifications:
            notifications[channel] = {"enabled": False}
            report.note(pointer("notifications", channel), "off: it has no address yet")


def _move(at: str, value: Any, section: Document, place: tuple[str, str], report: Report) -> None:
    """Put the value of an older key into a section, and tell of what stood there."""
    name, there = place[-1], pointer(*place)
    present = section.get(name)
    if present is not None and not value and not isinstance(value, bool):
        report.note(at, f"dropped: it is empty, and {there} is there already")
        return
    if present is not None and canonical(present) != canonical(value):
        report.note(there, f"replaced by {at}")
    section[name] = value
    report.note(at, f"moved to {there}")


def _move_watchlist(new: Document, primary: str, report: Report) -> None:
    """Rows that are there already stay in front; of a symbol that stands twice, one row stays."""
    rows: list[Any] = _listed("watchlist", new.get("watchlist"), report)
    known: dict[str, Document] = {}
    for row in rows:
        if isinstance(row, dict):
            known.setdefault(canonical([row.get("symbol"), row.get("exchange")]), row)
    for key, categories in (("symbols", []), ("sparse_symbols", ["sparse"])):
        if key in new:
            report.note(pointer(key), f"moved to the watchlist, on {primary}")
            for symbol in _symbols(key, new.pop(key), report):
                row = {"symbol": symbol, "exchange": primary, "enabled": True, "categories": []}
                there = known.setdefault(canonical([symbol, primary]), row)
                if there is row:
                    rows.append(row)
                _add_categories(there, categories)
    new["watchlist"] = _cut("watchlist", rows, report)


def _add_categories(row: Document, categories: list[str]) -> None:
    present = row.setdefault("categories", [])
    if isinstance(present, list):  # else the schema tells what is wrong with them
        present += [category for category in categories if category not in present]


def _move_position_symbols(new: Document, primary: str, report: Report) -> None:
    rows: dict[str, Document] = {
        canonical(symbol): {"symbol": symbol, "exchange": primary}
        for symbol in _symbols("position_symbols", new.get("position_symbols"), report)
    }
    if rows:
        report.note("/position_symbols", f"each is on {primary} now")
    new["position_symbols"] = _cut("position_symbols", list(rows.values()), report)


def _symbols(key: str, value: Any, report: Report) -> list[Any]:
    """What stands for symbols, in capitals; what is none is told by the schema."""
    listed = _listed(key, value, report)
    return [one.strip().upper() if isinstance(one, str) else one for one in listed]


def _listed(key: str, value: Any, report: Report) -> list[Any]:
    """The list under a key; an empty one if there is none."""
    if value is not None and not isinstance(value, list):
        report.wrong(pointer(key), "must be a list")
        value = None
    return value or []


def _cut(key: str, rows: list[Any], report: Report) -> list[Any]:
    if len(rows) > MOST_SYMBOLS:
        report.wrong(
            pointer(key),
            f"must hold at most {MOST_SYMBOLS} symbols",
            instead=f"cut to its first {MOST_SYMBOLS} symbols",
        )
    return rows[:MOST_SYMBOLS]


def _move_scanner(new: Document, report: Report) -> None:
    scanner = _section(new, "scanner", report)
    for key, name in (
        ("scanner_to_maintain_symbols_enabled", "enabled"),
        ("scanner_exchange", "exchange"),
    ):
        if key in new:
            value = new.pop(key)
            value = value.lower() if isinstance(value, str) else value
            _move(pointer(key), value, scanner, ("scanner", name), report)
