"""What a REST answer of KuCoin holds, and what one that is no success means to the caller.

Rule 1: every answer is an envelope with a code; it counts, and not the status of HTTP, which is
    200 for many a refusal too.
Rule 2: every status and every code of the venue ends in one class of the error tree.
Rule 3: the words of the venue are kept, on one line and short: they end in a trader's status.

Source: www.kucoin.com/docs, error codes and rate limit, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from trading.core.errors import (
    ExchangeError,
    KeyRefused,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.kucoin.frames import NAME
from trading.exchanges.ports import Response

LONGEST_TEXT = 200
SUCCESS = "200000"
LEAST_SHARE = 0.1
"""Of a window's weight. This program's own requests leave more of it: others ask too."""

SPARED_SECONDS = 5.0

_LIMIT_CODES = frozenset({"429000"})
# A time outside of the window, which is signed anew when it is asked again; and the inside's.
_PASSING_CODES = frozenset({"400002", "500000"})
# Header missing, key unknown, passphrase, signature, address not allowed, permission missing, key
# too old, version of the key, user frozen.
_KEY_CODES = frozenset(
    {
        "400001",
        "400003",
        "400004",
        "400005",
        "400006",
        "400007",
        "400008",
        "400009",
        "411100",
    }
)

Shape = TypeVar("Shape")


class _Envelope(msgspec.Struct):
    code: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    msg: str | None = None


_envelopes = msgspec.json.Decoder(_Envelope)


def read(
    response: Response, decoder: msgspec.json.Decoder[Shape], *, signed: bool = False
) -> Shape:
    """What a good answer holds.

    Args:
        signed: Whether the request proved a key.

    Raises:
        ExchangeError: What :func:`refusal` says, or Malformed if it is not as documented.
    """
    envelope = _envelope(response.body)
    if response.status != 200 or (envelope is not None and envelope.code != SUCCESS):
        raise refusal(response, signed=signed)
    if envelope is None:
        raise Malformed(NAME, "answer must be an envelope with a code")
    try:
        return decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(NAME, f"answer must be as documented: {error}") from error


def refusal(response: Response, *, signed: bool = False) -> ExchangeError:
    """The error that an answer without success amounts to.

    429 comes with the time until the window begins anew; without it, from a venue that is
    overloaded, and may be asked again at once. 403 without an envelope is the firewall's, which
    counts requests too. Where nothing was signed no key can be wrong: that it is refused passes.

    Args:
        signed: Whether the request proved a key.
    """
    envelope, status = _envelope(response.body), response.status
    code = "" if envelope is None else envelope.code
    text = f"{status} {_words(envelope, response)}"
    if status == 429 or code in _LIMIT_CODES:
        return RateLimited(NAME, text, _retry_after(response.headers))
    if status == 401 or code in _KEY_CODES:
        return KeyRefused(NAME, text) if signed else Unreachable(NAME, text)
    if status == 403 and envelope is None:
        return RateLimited(NAME, f"{text} (the firewall answers so)")
    if code in _PASSING_CODES or status == 408 or not (status == 200 or 400 <= status < 500):
        return Unreachable(NAME, text)
    return Rejected(NAME, text)


def spare_seconds(response: Response) -> float:
    """Some seconds where all behind the address have nearly used up the weight of this window."""
    names = ("limit", "remaining", "reset")
    limit, left, reset = (response.headers.get(f"gw-ratelimit-{name}", "") for name in names)
    if not (limit.isdecimal() and left.isdecimal() and int(left) < int(limit) * LEAST_SHARE):
        return 0.0
    return min(SPARED_SECONDS, int(reset) / 1_000) if reset.isdecimal() else SPARED_SECONDS


def _envelope(body: bytes) -> _Envelope | None:
    """None for plain text, HTML and anything else."""
    try:
        return _envelopes.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _words(envelope: _Envelope | None, response: Response) -> str:
    if envelope is not None:
        return _line(f"{envelope.code}: {envelope.msg or 'no words'}")
    kind = response.headers.get("content-type", "")
    is_page = "html" in kind or response.body.lstrip()[:1] == b"<"
    return "an HTML page" if is_page else _line(response.body.decode(errors="replace"))


def _line(text: str) -> str:
    line = " ".join(text.split()) or "no text"
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the window of the limit begins anew, which the venue tells in milliseconds."""
    text = headers.get("gw-ratelimit-reset", "")
    return float(text) / 1_000 if text.isdecimal() else None
