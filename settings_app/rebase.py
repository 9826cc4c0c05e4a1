"""A change that was made on an older revision, carried over to the document as it is now.

Rule 1: pure: documents and log entries in, a document or the places of a conflict out.
Rule 2: what the log cannot prove is a conflict. Nobody's change is ever lost for a guess.
Rule 3: a list is one value (`differences.changed_paths`).

A merge needs the base, and the base is kept nowhere. Of each place that was changed since, the log
has a digest of what stood there before: enough to tell whether the caller has touched it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from settings_app.differences import ABSENT, changed_paths, overlaps
from settings_app.documents import at, pointer, pointer_keys, set_at
from settings_app.history import Logged

# From the revision of a save, a path and a value to what the log would hold of it.
Digest = Callable[[int, str, Any], str]


@dataclass(frozen=True, slots=True)
class Merged:
    """A whole document with the changes of others in it; where there are conflicts, it has the
    caller's side of them, and nobody may store it unasked.
    """

    document: Any
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Base:
    """What is known of a place as it was at the base; ``digest`` is None where nothing is."""

    path: str
    revision: int
    digest: str | None


def reaches_back(saves: Sequence[Logged], *, base: int, current: int) -> bool:
    """Whether the log has every save from ``base`` to ``current``."""
    revisions = [save.change.revision for save in saves]
    return base < current and revisions == list(range(base + 1, current + 1))


def conflicts(paths: Iterable[str], saves: Iterable[Logged]) -> tuple[str, ...]:
    """Those of a change's own paths that touch what was saved since its base."""
    saved = {path for save in saves for path in save.change.paths}
    return tuple(path for path in paths if any(overlaps(path, other) for other in saved))


def merge(wanted: Any, current: Any, saves: Iterable[Logged], digest: Digest) -> Merged:
    """Carry a whole document over to the one that is stored now.

    Args:
        wanted: The caller's document, every setting spelt out.
        current: The stored one, spelt out likewise.
        saves: Every save since the caller's base, oldest first.
        digest: Makes the log's digests.
    """
    document, found = wanted, []
    for base in _bases(saves):
        theirs, ours = at(current, base.path), at(wanted, base.path)
        if not changed_paths(ours, theirs):
            continue
        if base.digest is None or digest(base.revision, base.path, ours) != base.digest:
            found.append(base.path)
        elif theirs is not ABSENT and not _has_place(wanted, base.path):
            found.append(base.path)  # the caller removed what surrounds it
        else:
            document = set_at(document, base.path, None if theirs is ABSENT else theirs)
    return Merged(document, tuple(found))


def _bases(saves: Iterable[Logged]) -> list[_Base]:
    """Every place that was changed since the base, with what the log knows of it then."""
    bases: dict[str, _Base] = {}
    for save in saves:
        digests: Sequence[str | None] = save.digests or [None] * len(save.change.paths)
        for path, digest in zip(save.change.paths, digests, strict=True):
            if any(path == one or path.startswith(one + "/") for one in bases):
                continue  # what it was at the base, an earlier save has told
            inside = [one for one in bases if one.startswith(path + "/")]
            for one in inside:
                del bases[one]
            # Something inside had changed already: this digest is not of the base.
            known = None if inside else digest
            bases[path] = _Base(path, save.change.revision, known)
    return list(bases.values())


def _has_place(document: Any, path: str) -> bool:
    return isinstance(at(document, pointer(*pointer_keys(path)[:-1])), dict)
