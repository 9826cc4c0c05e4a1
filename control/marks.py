"""How the pages show what became of an alert: a word, a colour and a picture for each state.

Rule 1: the word alone says everything: colour and picture only repeat it. The same rules as
    ``STATES`` of ``marks.js``.
Rule 2: only what needs somebody is loud: what waits, and what was held back by the trader's own
    wish, is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from trading.models import Alert, Delivery

Tone = Literal["ok", "warn", "bad", "off"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as it is shown.

    Args:
        glyph: The name of an icon of ``_icons.html``.
    """

    word: str
    tone: Tone
    glyph: str


LOOKS: Final[Mapping[str, tuple[Tone, str]]] = {
    "pending": ("off", "starting"),
    "waiting": ("off", "starting"),
    "sending": ("off", "play"),
    "delivered": ("ok", "ok"),
    "uncertain": ("warn", "unknown"),
    "failed": ("bad", "x"),
    "missed": ("warn", "stale"),
    "quiet": ("off", "moon"),
    "muted": ("off", "muted"),
    "recorded": ("off", "recorded"),
}


SAYS_NOTHING: Final = frozenset({"pending", "recorded"})
"""States that a list of signals does not mark: most are in one of them, and nothing is amiss."""


def mark_of_alert(state: str) -> Mark:
    """The mark of an alert's state."""
    return Mark(Alert.State(state).label, *LOOKS[state])


def mark_of_delivery(state: str) -> Mark:
    """The mark of a delivery's state; what there is to explain stands in the reason."""
    return Mark(Delivery.State(state).label.partition(":")[0], *LOOKS[state])
