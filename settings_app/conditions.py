"""Conditions of HTTP requests: entity tags, read strictly.

Rule 1: the tag of a settings document is its revision in quotes. It is a strong one.
Rule 2: what RFC 9110 does not allow is an error, never skipped: a condition that is misread would
    overwrite what it was to protect.

Source: RFC 9110, sections 8.8.3 (tags), 13.1.1 (If-Match), 13.1.2 (If-None-Match).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A member of a list (section 5.6.1: it may be empty), up to its comma or the end.
_MEMBER = re.compile(r'[ \t]*(?:(?P<weak>W/)?"(?P<tag>[!#-~\x80-\xff]*)"[ \t]*)?(?:,|\Z)')
_REVISION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Tag:
    """An entity tag, without its quotes."""

    text: str
    is_weak: bool = False

    @property
    def revision(self) -> int | None:
        """The revision it stands for; None where it is none of ours."""
        return int(self.text) if _REVISION.fullmatch(self.text) else None


@dataclass(frozen=True, slots=True)
class Tags:
    """What ``If-Match`` or ``If-None-Match`` says.

    Args:
        tags: In the order of the header.
        is_any: It says ``*``: whatever there is.
    """

    tags: tuple[Tag, ...] = ()
    is_any: bool = False

    @property
    def strong_revisions(self) -> tuple[int, ...]:
        """The revisions that a strong comparison can match: weak tags never do."""
        return tuple(
            tag.revision for tag in self.tags if not tag.is_weak and tag.revision is not None
        )

    def matches_weakly(self, revision: int) -> bool:
        """Whether one of them stands for this revision, weak or strong."""
        return self.is_any or any(tag.revision == revision for tag in self.tags)


def parse_tags(header: str) -> Tags:
    """Read the value of ``If-Match`` or ``If-None-Match``.

    Raises:
        ValueError: If it is neither ``*`` nor a list of entity tags.
    """
    if header.strip(" \t") == "*":
        return Tags(is_any=True)
    tags, position = [], 0
    while position < len(header):
        member = _MEMBER.match(header, position)
        if member is None:
            raise ValueError('must be * or entity tags such as "7"')
        if member["tag"] is not None:
            tags.append(Tag(member["tag"], is_weak=member["weak"] is not None))
        position = member.end()
    if not tags:
        raise ValueError("must name at least one entity tag")
    return Tags(tuple(tags))


def tag_of(revision: int) -> str:
    """The entity tag of a revision, as it stands in a header."""
    return f'"{revision}"'
