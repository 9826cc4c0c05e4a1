"""What one user's stream and channel have brought so far.

Rule 1: pure bookkeeping; :mod:`control.mailbox` talks to Redis.
Rule 2: bounded, and forgotten with the user: no flood of one makes another's be forgotten.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field

REMEMBERED = 4_096


@dataclass(slots=True)
class Received:
    """One user's, for as long as they are hosted.

    Args:
        sub: Whose.
        reading: Held by whoever reads the stream, for one attempt and never while waiting.
        held: Entries delivered and not settled.
        newest: The last entry that was delivered; None where the first reading has to tell.
        early: Messages heard before the stream could be read; the oldest go first.
        has_gaps: Something is pending that is not in the stream any more.
    """

    sub: str
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    held: set[str] = field(default_factory=set)
    newest: str | None = None
    early: deque[str] = field(default_factory=lambda: deque(maxlen=100))
    has_gaps: bool = False
    _ids: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _texts: OrderedDict[int, int] = field(default_factory=OrderedDict)
    _expected: str | None = None

    def is_newer(self, entry_id: str) -> bool:
        """Whether an entry is behind all that was delivered; it counts as delivered from now on."""
        if self.newest is not None and _place(entry_id) <= _place(self.newest):
            return False  # it was looked at; it may be settled since
        self.newest = entry_id
        return True

    def expect(self, text: str) -> None:
        """Note that the message which comes next tells of nothing but what was delivered."""
        self._expected = text

    def was_expected(self, text: str) -> bool:
        """Whether a message is the one that was expected; it is once."""
        expected, self._expected = self._expected, None
        return text == expected

    def remember(self, ids: list[str]) -> None:
        """Note the commands of a body."""
        self._ids.update(dict.fromkeys(ids))
        while len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)

    def remember_text(self, text: str) -> None:
        """Note a body from the stream that has no id to know it by."""
        mark = hash(text)
        self._texts[mark] = self._texts.get(mark, 0) + 1
        while len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)

    def has(self, ids: list[str], text: str) -> bool:
        """Whether a published body is one that the stream has brought.

        A body without an id is that once for each time it was read; then it is another message.
        """
        if ids:
            return all(command_id in self._ids for command_id in ids)
        mark = hash(text)
        if not (count := self._texts.pop(mark, 0)):
            return False
        if count > 1:
            self._texts[mark] = count - 1
        return True


def _place(entry_id: str) -> tuple[int, int]:
    """Entries in order: milliseconds and a number within them."""
    at, _, number = entry_id.partition("-")
    return int(at), int(number)
