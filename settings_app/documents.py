"""JSON values as such: strict reading, pointers, merge patches, the canonical text.

Rule 1: nothing here knows what a setting means.
Rule 2: pure functions; what they are given is never changed.
Rule 3: an error tells the place and the rule, and never repeats what stood there. Its pointer is
    made by :func:`told`, and ends before a key that may be a secret.
Rule 4: what is wrong a million times is told a hundred times: nothing looks for the rest.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import islice
from typing import Any, Final, NoReturn

from settings_app.errors import FieldError, SettingsInvalid

MOST_ERRORS = 100  # that anybody is told of
MOST_LEVELS = 32  # of nesting; the deepest setting stands on the sixth
MOST_BITS = 14_284  # of a whole number: Python writes and reads up to 4,300 digits

TOO_DEEP = f"must not be nested deeper than {MOST_LEVELS} levels"
NO_POINTER = "the path must be a JSON Pointer such as /scanner/top_n"

# What PostgreSQL cannot hold in jsonb: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPES = re.compile(r"~(?![01])")  # RFC 6901, section 3: what a tilde must not stand before
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")  # RFC 6901, section 4: no leading zeros
# A key that is no plain word may be a secret that was pasted: no pointer of ours names it. A
# number between underscores makes no secret of min_volume_24h_quote.
_WORD = re.compile(r"(?=.{1,40}\Z)(?:[A-Za-z_-]|(?<=_)[0-9]{1,2}[a-z]?(?=_|\Z))+")

_UNNAMED = "has a key that is not repeated here: what stands there"


class Absent(Enum):
    """The type of :data:`ABSENT`; null is a value of JSON and cannot say it."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT  # nothing stands at this place


# ---------------------------------------------------------------------- telling errors
Place = Sequence[str | int]  # the keys and indices that lead to a value
Finding = tuple[Place, str]  # a place, and what is wrong there; nobody was told yet


def is_word(key: str) -> bool:
    """Whether a key may be named although nobody has looked for secrets yet."""
    return _WORD.fullmatch(key) is not None


def told(
    findings: Iterable[Finding],
    *,
    may_name: Callable[[str], bool] = is_word,
    most: int | None = MOST_ERRORS,
) -> list[FieldError]:
    """Findings as people may read them.

    Args:
        findings: Not one is taken more than is needed.
        may_name: Whether a pointer may repeat a key; else it ends before it.
        most: How many are told, those that read the same only once; that there are more is told in
            one more.
    """
    found = iter(findings)
    errors = [_told(place, message, may_name) for place, message in islice(found, most)]
    errors = list(dict.fromkeys(errors))
    if next(found, None) is not None:
        errors.append(FieldError("", "has more errors than are told here"))
    return errors


def _told(place: Place, message: str, may_name: Callable[[str], bool]) -> FieldError:
    for depth, key in enumerate(place):
        if isinstance(key, str) and not may_name(key):
            return FieldError(pointer(*place[:depth]), f"{_UNNAMED} {message}")
    return FieldError(pointer(*place), message)


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
    repeating: list[_Repeating] = []
    try:
        written = text.decode("utf-8-sig") if isinstance(text, bytes) else text.lstrip("\ufeff")
        value = json.loads(written, object_pairs_hook=partial(_object, repeating))
    except UnicodeDecodeError:
        _refuse("must be UTF-8")
    except json.JSONDecodeError as exc:
        _refuse(f"must be JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})")
    except RecursionError:
        _refuse(TOO_DEEP)
    except ValueError:  # Python reads whole numbers of up to 4,300 digits
        _refuse("must not hold a number with thousands of digits")
    if errors := unstorable(value) or (told(_repetitions(value, ())) if repeating else []):
        raise SettingsInvalid(errors)
    return value


def _refuse(message: str) -> NoReturn:
    raise SettingsInvalid([FieldError("", message)]) from None


def _object(repeating: list[_Repeating], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    marked = _Repeating(value)
    times = Counter(key for key, _ in pairs)
    marked.repeated = tuple(key for key in value if times[key] > 1)
    repeating.append(marked)
    return marked


def _repetitions(value: Any, place: tuple[str | int, ...]) -> Iterator[Finding]:
    if isinstance(value, _Repeating):
        for twice in value.repeated:
            yield (*place, twice), "must not be in its object twice"
    for key, member in _members(value):
        yield from _repetitions(member, (*place, key))


def _members(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


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
        raise SettingsInvalid(_told_of_path(keys[:depth], message))
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
        raise SettingsInvalid(_told_of_path(keys[:depth], _no_row(len(rows))))
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


def _told_of_path(keys: list[str], message: str) -> list[FieldError]:
    return told([([int(key) if _INDEX.fullmatch(key) else key for key in keys], message)])


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
    """What PostgreSQL or JSON itself could not hold, in document order, as people may read it."""
    return told(find_unstorable(value))


def find_unstorable(value: Any) -> Iterator[Finding]:
    """What PostgreSQL or JSON itself could not hold, in document order."""
    # Nearly every document is storable, and telling that is ten times as fast as telling where.
    return iter(()) if survey(value).is_storable else _unstorable(value, ())


@dataclass(frozen=True, slots=True)
class Survey:
    """What one quick look at a JSON value tells; the figures hold only of what is storable.

    Args:
        is_storable: Nothing in it is unstorable.
        values: How many there are in its objects and lists.
        longest_key: Letters of the longest key.
    """

    is_storable: bool
    values: int = 0
    longest_key: int = 0


def survey(value: Any) -> Survey:
    """Look at everything in a value once, level by level, without a thought for its place."""
    keys: set[str] = set()
    texts: set[str] = set()  # each is looked at once, however often it stands there
    members, values = [value], 0
    for _ in range(MOST_LEVELS + 1):
        below: list[Any] = []
        for member in members:
            if isinstance(member, str):
                texts.add(member)
            elif isinstance(member, dict):
                keys.update(member)
                below += member.values()
            elif isinstance(member, list | tuple):
                below += member
            elif not _is_number_storable(member):
                return Survey(is_storable=False)
        members = below
        values += len(members)
        if not members:
            break
    if members or not all(map(_is_text_storable, texts | keys)):
        return Survey(is_storable=False)
    return Survey(is_storable=True, values=values, longest_key=max(map(len, keys), default=0))


def _is_number_storable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or value.bit_length() <= MOST_BITS


def _is_text_storable(text: str) -> bool:
    return text.isprintable() or not _UNSTORABLE.search(text)


def _unstorable(value: Any, place: tuple[str | int, ...]) -> Iterator[Finding]:
    if len(place) > MOST_LEVELS:
        yield place, TOO_DEEP
    elif isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield place, "must not hold NUL or half a surrogate pair"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield place, "must be a finite number"
    elif isinstance(value, int) and value.bit_length() > MOST_BITS:
        yield place, "must be a smaller number"
    for key, member in _members(value) if len(place) <= MOST_LEVELS else ():
        if isinstance(key, str) and _UNSTORABLE.search(key):
            yield place, "must not hold NUL or half a surrogate pair in a key"
        else:
            yield from _unstorable(member, (*place, key))
