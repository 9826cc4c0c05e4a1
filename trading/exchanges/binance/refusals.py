"""What a REST answer of Binance holds, and what one that is no success means to the caller.

Rule 1: every status and every code of the venue ends in one class of the error tree.
Rule 2: the words of the venue are kept, on one line and short: they end in a trader's status.

Source: github.com/binance/binance-spot-api-docs, errors.md and rest-api.md (2026-07-21).
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
from trading.exchanges.binance.frames import NAME
from trading.exchanges.ports import Response

LONGEST_TEXT = 200
SHORTEST_BAN_SECONDS = 120.0

MOST_WEIGHT = 5_400
"""Of 6,000 a minute. All of this program's own requests together are below it: others ask too."""

SPARED_SECONDS = 5.0

# Too many requests, too many orders, too many connections.
_LIMIT_CODES = frozenset({-1003, -1015, -1034})
# Unknown, disconnected, an answer of the inside that made no sense, timed out, busy, going down;
# and a time outside of the window, which is signed anew when it is asked again.
_PASSING_CODES = frozenset({-1000, -1001, -1006, -1007, -1008, -1016, -1021})
# Unauthorised, the signature is wrong, the key is none, the key may not do this from here.
_KEY_CODES = frozenset({-1002, -1022, -2014, -2015})

Shape = TypeVar("Shape")


class _Body(msgspec.Struct):
    code: int = 0
    msg: str = ""


_bodies = msgspec.json.Decoder(_Body)


def read(
    response: Response, decoder: msgspec.json.Decoder[Shape], *, signed: bool = False
) -> Shape:
    """What a good answer holds.

    Args:
        signed: Whether the request proved a key.

    Raises:
        ExchangeError: What :func:`refusal` says, or Malformed if it is not as documented.
    """
    if response.status != 200:
        raise refusal(response, signed=signed)
    try:
        return decoder.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(NAME, f"answer must be as documented: {error}") from error


def refusal(response: Response, *, signed: bool = False) -> ExchangeError:
    """The error that an answer other than 200 amounts to.

    429 and 418 (a ban, by address, of two minutes to three days) say for how long; whoever asks
    in between is banned for longer. 403 is the firewall's, which counts requests too. Where nothing
    was signed no key can be wrong: that it is refused passes.

    Args:
        signed: Whether the request proved a key.
    """
    body, status = _body(response.body), response.status
    text = f"{status} {_words(body, response)}"
    if status in {418, 429} or body.code in _LIMIT_CODES:
        least = SHORTEST_BAN_SECONDS if status == 418 else None
        return RateLimited(NAME, text, _retry_after(response.headers) or least)
    if status == 401 or body.code in _KEY_CODES:
        return KeyRefused(NAME, text) if signed else Unreachable(NAME, text)
    if status == 403 and not body.code:
        return RateLimited(NAME, f"{text} (the firewall answers so)")
    if body.code in _PASSING_CODES or status == 408 or not 400 <= status < 500:
        return Unreachable(NAME, text)
    return Rejected(NAME, text)


def spare_seconds(response: Response) -> float:
    """Some seconds where this minute's weight is nearly used up by all behind the address."""
    used = response.headers.get("x-mbx-used-weight-1m", "")
    return SPARED_SECONDS if used.isdecimal() and int(used) > MOST_WEIGHT else 0.0


def _body(body: bytes) -> _Body:
    """The body's code and words; neither for plain text, HTML and anything else."""
    try:
        return _bodies.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Body()


def _words(body: _Body, response: Response) -> str:
    if body.code:
        return _line(f"{body.code}: {body.msg}")
    kind = response.headers.get("content-type", "")
    is_page = "html" in kind or response.body.lstrip()[:1] == b"<"
    return "an HTML page" if is_page else _line(response.body.decode(errors="replace"))


def _line(text: str) -> str:
    line = " ".join(text.split()) or "no text"
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, as the venue says them with both."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
