"""JSON values as such: strict reading, pointers, merge patches, the canonical text.

Rule 1: nothing here knows what a setting means.
Rule 2: pure functions; what they are given is never changed.
Rule 3: an error tells the place and the rule, and never repeats what stood there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, NoReturn

from settings_app.errors import FieldError, SettingsInvalid

MOST_LEVELS = 32  # of nesting; the deepest setting stands on the sixth

TOO_DEEP = f"must not be nested deeper than {MOST_LEVELS} levels"
NO_POINTER = "the path must be a JSON Pointer such as /scanner/top_n"

# What PostgreSQL cannot hold in jsonb: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPES = re.compile(r"~(?![01])")  # RFC 6901, section 3: what a tilde must not stand before
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")  # RFC 6901, section 4: no leading zeros
# A key that is no plain word may be a secret that was pasted: no pointer of ours names it.
_WORD = re.compile(r"[A-Za-z_-]{1,40}")


class Absent(Enum):
    """The type of :data:`ABSENT`; null is a value of JSON and cannot say it."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT  # nothing stands at this place


# ---------------------------------------------------------------------- reading
class _Repeating(dict[str, Any]):
    """An object in whose text some key stood twice."""

    repeated: tuple[str, ...] = ()


def decode(text: str | bytes) -> Any:
    """Read JSON strictly, so that nothing in it is silently lost or changed.

    Args:
        text: Bytes must be UTF-8; a byte order mark is accepted.

    Raises:
        SettingsInvalid: For what is no JSON (with its line and column), a key that stands twice
            in one object, NaN and infinity, texts and nesting that PostgreSQL cannot hold.
    """
    try:
        written = text.decode("utf-8-sig") if isinstance(text, bytes) else text.lstrip("\ufeff")
        value = json.loads(written, object_pairs_hook=_object)
    except UnicodeDecodeError:
        _refuse("must be UTF-8")
    except json.JSONDecodeError as exc:
        _refuse(f"must be JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})")
    except RecursionError:
        _refuse(TOO_DEEP)
    except ValueError:  # Python reads whole numbers of up to 4,300 digits
        _refuse("must not hold a number with thousands of digits")
    if errors := unstorable(value) or list(_repetitions(value, "")):
        raise SettingsInvalid(errors)
    return value


def _refuse(message: str) -> NoReturn:
    raise SettingsInvalid([FieldError("", message)]) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    repeating = _Repeating(value)
    repeating.repeated = tuple(key for key in value if keys.count(key) > 1)
    return repeating


def _repetitions(value: Any, at: str) -> Iterator[FieldError]:
    if isinstance(value, _Repeating):
        for key in value.repeated:
            yield FieldError(_below(at, key), "must not be in its object twice")
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _repetitions(member, _below(at, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _repetitions(member, at + pointer(index))


def _below(at: str, key: str) -> str:
    return at + pointer(key) if _WORD.fullmatch(key) else at


# ---------------------------------------------------------------------- pointers
def pointer(*keys: str | int) -> str:
    """The JSON Pointer (RFC 6901) to a place: ``pointer("a/b", 0)`` is ``/a~1b/0``."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def pointer_keys(text: str) -> list[str]:
    """The keys that a JSON Pointer is made of; indices of lists stay text."""
    return [key.replace("~1", "/").replace("~0", "~") for key in text.split("/")[1:]]


def at(document: Any, path: str) -> Any:
    """What stands at a JSON Pointer; ABSENT where nothing does.

    Raises:
        SettingsInvalid: If the path is no JSON Pointer.
    """
    value = document
    for key in _checked_keys(path):
        if isinstance(value, Mapping):
            value = value.get(key, ABSENT)
        elif isinstance(value, list | tuple) and (index := _index(key)) < len(value):
            value = value[index]
        else:
            return ABSENT
    return value


def set_at(document: Any, path: str, value: Any) -> Any:
    """The document with another value at a JSON Pointer.

    Args:
        path: Objects on the way that are missing are made; ``/-`` behind a list is a new row.
        value: None removes: a member goes back to its default, a row of a list is gone.

    Raises:
        SettingsInvalid: If the path is no JSON Pointer, or leads through a row that is not there
            or through a value that has no members.
    """
    keys = _checked_keys(path)
    return value if not keys else _with(document, keys, 0, value)


def _with(parent: Any, keys: list[str], depth: int, value: Any) -> Any:
    """``parent``, which stands behind the first ``depth`` keys, with the value below it."""
    if depth == len(keys):
        return ABSENT if value is None else value
    if parent is ABSENT:
        if value is None:
            return ABSENT  # nothing to remove: make no parents either
        parent = [] if keys[depth] == "-" else {}
    if isinstance(parent, list | tuple):
        return _with_row(list(parent), keys, depth, value)
    if not isinstance(parent, Mapping):
        message = "must be an object or a list for the path to lead on"
        raise SettingsInvalid([FieldError(_spoken(keys[:depth]), message)])
    key = keys[depth]
    new = _with(parent.get(key, ABSENT), keys, depth + 1, value)
    others = {one: member for one, member in parent.items() if one != key}
    return others if new is ABSENT else {**parent, key: new}


def _with_row(rows: list[Any], keys: list[str], depth: int, value: Any) -> list[Any]:
    key = keys[depth]
    if key == "-" and value is not None:
        return [*rows, _with(ABSENT, keys, depth + 1, value)]
    index = _index(key)
    if index >= len(rows):
        raise SettingsInvalid([FieldError(_spoken(keys[:depth]), _no_row(len(rows)))])
    new = _with(rows[index], keys, depth + 1, value)
    return [*rows[:index], *([] if new is ABSENT else [new]), *rows[index + 1 :]]


def _checked_keys(path: str) -> list[str]:
    if (path and not path.startswith("/")) or _ESCAPES.search(path):
        _refuse(NO_POINTER)
    if _UNSTORABLE.search(path):
        _refuse("the path must not hold NUL or half a surrogate pair")
    if path.count("/") > MOST_LEVELS:
        _refuse(TOO_DEEP)
    return pointer_keys(path)


def _index(key: str) -> int:
    """The index that a key says; one behind every list where it says none."""
    return int(key) if _INDEX.fullmatch(key) else 10**9


def _no_row(rows: int) -> str:
    known = f"its rows are 0 to {rows - 1}" if rows else "it has no rows"
    return f"has no such row: {known}; a new one is added at -"


def _spoken(keys: list[str]) -> str:
    """A pointer to a place, or to the nearest one around it that may be named."""
    spoken = ""
    for key in keys:
        if not _WORD.fullmatch(key) and not _INDEX.fullmatch(key):
            break
        spoken += pointer(key)
    return spoken


# ---------------------------------------------------------------------- the canonical text
def canonical(value: Any) -> str:
    """One text for one value: sorted keys, no white space. Equal values have equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------- merge patches
def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a merge patch: objects merge, null removes, anything else (lists too) replaces.

    Source: RFC 7396, section 2.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


# ---------------------------------------------------------------------- what can be stored
def unstorable(value: Any) -> list[FieldError]:
    """What PostgreSQL or JSON itself could not hold, in document order."""
    # Nearly every document is storable, and telling that is ten times as fast as telling where.
    return [] if _is_storable(value, MOST_LEVELS) else list(_unstorable(value, "", 0))


def _is_storable(value: Any, levels: int) -> bool:
    if isinstance(value, str):
        return value.isprintable() or not _UNSTORABLE.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return levels >= 0 and all(
            (key.isprintable() or not _UNSTORABLE.search(key)) and _is_storable(member, levels - 1)
            for key, member in value.items()
        )
    if isinstance(value, list | tuple):
        return levels >= 0 and all(_is_storable(member, levels - 1) for member in value)
    return levels >= 0


def _unstorable(value: Any, at: str, level: int) -> Iterator[FieldError]:
    if level > MOST_LEVELS:
        yield FieldError(at, TOO_DEEP)
    elif isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield FieldError(at, "must not hold NUL or half a surrogate pair")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield FieldError(at, "must be a finite number")
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if _UNSTORABLE.search(key):
                yield FieldError(at, "must not hold NUL or half a surrogate pair in a key")
            else:
                yield from _unstorable(member, at + pointer(key), level + 1)
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from _unstorable(member, at + pointer(index), level + 1)
