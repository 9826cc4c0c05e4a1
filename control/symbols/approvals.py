"""What a preview showed, kept for a while until the same user approves it.

Rule 1: a name in Redis holds the user's ``sub``: what one was shown is nothing to another.
Rule 2: an approval is good once: whoever takes it has it, and nobody else.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Final

import msgspec

from control import wire
from control.client import HasRuntime
from control.protocol import IMPORT_TTL_SECONDS, import_of
from control.symbols.previews import APPLICABLE, Preview

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_decoder = msgspec.json.Decoder(Preview)


def keep(user: HasRuntime, shown: Preview) -> str:
    """Keep what is to be approved; the approval, by which it is found again.

    Raises:
        redis.RedisError, OSError: If Redis does not take it.
    """
    approval = secrets.token_urlsafe(16)
    changing = tuple(row for row in shown.rows if row.outcome in APPLICABLE)
    text = msgspec.json.encode(replace(shown, rows=changing)).decode()
    wire.shared().set(import_of(user.sub, approval), text, ex=IMPORT_TTL_SECONDS)
    return approval


def kept(user: HasRuntime, approval: str) -> Preview | None:
    """What this user was shown, without the rows that change nothing; None if it is not kept.

    Raises:
        redis.RedisError, OSError: If Redis does not say.
    """
    if _FORM.fullmatch(approval) is None:
        return None
    text = wire.shared().get(import_of(user.sub, approval))
    try:
        return None if text is None else _decoder.decode(str(text))
    except msgspec.DecodeError:  # of another version of this program
        return None


def take(user: HasRuntime, approval: str) -> bool:
    """Use an approval up; False if somebody did already.

    Raises:
        redis.RedisError, OSError: If Redis does not say.
    """
    return bool(wire.shared().delete(import_of(user.sub, approval)))
