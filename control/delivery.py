"""A command body as Redis brings it: looked at once, and not believed.

Rule 1: pure. Nothing here refuses a command; what cannot be read is handed on as that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from control.inbox import LONGEST_ID, Unreadable
from control.protocol import FOREIGN, Origin, Posted

# Characters; room for a batch of hundreds. Whatever is longer is not looked into: reading sixteen
# megabytes would hold up everybody's commands for seconds.
LONGEST_BODY = 256_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One command body as it arrived, not yet read.

    Args:
        sub: Whose runtime is meant: the name of the stream or channel it came by.
        body: The JSON value, or the text where it is not JSON.
        entry_id: Its place in the stream; None when it came by a bare PUBLISH.
        arrived_ms: When it was sent: by Redis' clock for an entry, else None.
        origin: Who sent it, as far as that was said.
    """

    sub: str
    body: Any
    entry_id: str | None
    arrived_ms: int | None
    origin: Origin = FOREIGN


def read_json(text: str) -> Any:
    """The JSON value of a body, or why there is none."""
    if len(text) > LONGEST_BODY:
        return Unreadable(f"a body of {len(text):,} characters, more than {LONGEST_BODY:,}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unreadable("not JSON")


def posted_in(text: str) -> Posted | None:
    """What a sender has told of its entries; None where that cannot be read."""
    try:
        return Posted.model_validate_json(text)
    except ValidationError:
        return None


def origin_of(text: str | None) -> Origin:
    """Who sent an entry; a foreign program need not say, and may say nonsense."""
    try:
        return FOREIGN if text is None else Origin.model_validate_json(text)
    except ValidationError:
        return FOREIGN


def ids_in(body: Any) -> list[str]:
    """Every command id that can be read from a body, a batch's too, as far as it is kept."""
    items = body if isinstance(body, list) else [body]
    found = (item["id"] for item in items if isinstance(item, dict) and "id" in item)
    return [str(command_id)[:LONGEST_ID] for command_id in found]
