"""JSON values as such: pointers, merge patches, differences, the canonical text.

Rule 1: nothing here knows what a setting means.
Rule 2: pure functions; what they are given is never changed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from settings_app.errors import FieldError

MOST_LEVELS = 32  # of nesting; the deepest setting stands on the sixth

# What PostgreSQL cannot hold in jsonb: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def pointer(*keys: str | int) -> str:
    """The JSON Pointer (RFC 6901) to a place: ``pointer("a/b", 0)`` is ``/a~1b/0``."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def pointer_keys(text: str) -> list[str]:
    """The keys that a JSON Pointer is made of; indices of lists stay text."""
    return [key.replace("~1", "/").replace("~0", "~") for key in text.split("/")[1:]]


def canonical(value: Any) -> str:
    """One text for one value: sorted keys, no white space. Equal values have equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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


def changed_paths(before: Any, after: Any) -> tuple[str, ...]:
    """JSON Pointers to what differs, in order. A list counts as one value.

    A list is one value because a merge patch can only replace it whole: two changes inside one
    list are a conflict, not two changes.
    """
    return tuple(_differences(before, after, ""))


def _differences(before: Any, after: Any, at: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            if key in before and key in after:
                yield from _differences(before[key], after[key], at + pointer(key))
            else:
                yield at + pointer(key)
    elif canonical(before) != canonical(after):
        yield at


def unstorable(value: Any) -> list[FieldError]:
    """What PostgreSQL or JSON itself could not hold, in document order."""
    return list(_unstorable(value, "", 0))


def _unstorable(value: Any, at: str, level: int) -> Iterator[FieldError]:
    if level > MOST_LEVELS:
        yield FieldError(at, f"must not be nested deeper than {MOST_LEVELS} levels")
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
