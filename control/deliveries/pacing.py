"""When what waits in a channel goes, and whether as a digest: a market-wide move is one message.

Rule 1: pure: what was sent and what waits in, what to do next out.
Rule 2: a few alerts go at once. When more than ``more_than`` fall within ``within_seconds``, what
    comes then waits until so long has passed since the last message, and goes as one with a table.
Rule 3: what Livermore says of itself waits for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_IN_DIGEST = 200


@dataclass(frozen=True, slots=True)
class Send:
    """Send the oldest of what waits, so many, each told whole."""

    notices: int


@dataclass(frozen=True, slots=True)
class SendDigest:
    """Send the oldest of what waits, so many, as one digest."""

    notices: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing yet."""

    seconds: float


Step = Send | SendDigest | Hold


def next_step(
    waiting: int,
    sent_ago: Sequence[float],
    *,
    most: int,
    more_than: int,
    within_seconds: float,
) -> Step:
    """What to do with what waits.

    Args:
        waiting: Notices that wait now, at least one.
        sent_ago: How many seconds ago each notice of the last while was sent.
        most: How many the channel takes at once, told whole.
        more_than: Of the settings: so many within the window are told one by one.
        within_seconds: Of the settings: the window.
    """
    recent = [ago for ago in sent_ago if ago < within_seconds]
    if waiting + len(recent) <= more_than:
        return Send(min(waiting, most))
    if waiting > more_than:
        return SendDigest(min(waiting, MOST_IN_DIGEST))
    return Hold(within_seconds - min(recent))
