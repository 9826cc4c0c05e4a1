"""Commands as people type them: ``add-symbol BTC-USD``, ``clear-cache timeframe 1h``.

Rule 1: pure. Words become a payload; whether that is a good one is the client's to say.
Rule 2: what a word means is its place, and never guessed from what it looks like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from control.protocol import Command

# For each command its words in order; "..." takes the rest as a list.
WORDS: Final[Mapping[str, Sequence[str]]] = {
    Command.SWITCH_MODE: ("mode",),
    Command.ADD_SYMBOL: ("symbol",),
    Command.REMOVE_SYMBOL: ("symbol",),
    Command.FORCE_BACKFILL: ("symbol", "timeframes..."),
    Command.CLEAR_CACHE: ("scope",),
}
# What follows the scope of clear-cache.
SCOPES: Final[Mapping[str, Sequence[str]]] = {
    "all": (),
    "symbol": ("symbol",),
    "timeframe": ("timeframe", "symbol"),
}


class Unclear(Exception):
    """There are more words than the command has a place for; the text says what it takes."""


def payload_of(command: str, words: Sequence[str], *, exchange: str | None) -> dict[str, Any]:
    """The payload that some words mean.

    Raises:
        Unclear: If the command has no place for one of them.
    """
    names = list(WORDS.get(command, ()))
    if command == Command.CLEAR_CACHE and words:
        names += SCOPES.get(words[0], ())
    payload: dict[str, Any] = {}
    left = list(words)
    for name in names:
        if not left:
            break
        if name.endswith("..."):
            payload[name.removesuffix("...")], left = left, []
        else:
            payload[name] = left.pop(0)
    if left:
        takes = " ".join(name.upper() for name in names) or "no words"
        raise Unclear(f"{command} takes {takes}; '{left[0]}' has no place")
    if exchange is not None:
        payload["exchange"] = exchange
    return payload


def usage() -> str:
    """What may follow each command, in one line."""
    told = [
        f"{command} {' '.join(names).upper()}"
        for command, names in WORDS.items()
        if command != Command.CLEAR_CACHE
    ]
    scopes = [
        f"{Command.CLEAR_CACHE} {scope} {' '.join(names).upper()}".strip()
        for scope, names in SCOPES.items()
    ]
    return ", ".join([*told, *scopes])
