"""What a REST answer of Coinbase holds, and what one that is no success means to the caller.

Rule 1: every status and every recorded shape of a body ends in one class of the error tree.
Rule 2: the words of the venue are kept, on one line and short: they end in a trader's status.

Source: docs.cdp.coinbase.com, error responses and rate limits, read 2026-11-20; bodies as
recorded from production in 2023 to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from trading.core.errors import (
    ExchangeError,
    KeyDoubted,
    KeyRefused,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.coinbase.frames import NAME
from trading.exchanges.ports import Response

LONGEST_TEXT = 200

Shape = TypeVar("Shape")


# Of a gRPC status: 7 is PERMISSION_DENIED, 16 UNAUTHENTICATED.
_KEY_CODES = frozenset({7, 16})
# The words of a 403 that is about the key; the venue's SDK looks for the second.
_KEY_WORDS = ("PERMISSION_DENIED", "Missing required scopes")


class _Item(msgspec.Struct):
    id: str | None = ""
    message: str | None = ""


class _Body(msgspec.Struct):
    """All shapes in one: a list of errors, a named error, or a gRPC status with a number."""

    errors: list[_Item] | None = None
    error: str | None = ""
    error_details: str | None = ""
    message: str | None = ""
    code: int | None = None


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

    Two traps of the venue: 429 is also the status of business errors, which never pass; and a
    throttled request has been answered by a bare 401. Where nothing was signed no key can be
    wrong, and a 401 without a body of JSON counts as throttling, with one as something that passes.
    Where the request was signed it may be either: the key is doubted, and whoever asked asks once
    more.

    Args:
        signed: Whether the request proved a key.
    """
    body = _body(response.body)
    text = f"{response.status} {_words(body, response)}"
    if response.status == 429 and not _is_business(response):
        return RateLimited(NAME, text, _retry_after(response.headers))
    if response.status == 401 and body is None:
        if signed:
            return KeyDoubted(NAME, text)
        return RateLimited(NAME, f"{text} (throttled requests are answered so)")
    if signed and _is_about_the_key(response, body):
        return KeyRefused(NAME, text)
    if response.status in {401, 408} or not 400 <= response.status < 500:
        return Unreachable(NAME, text)
    return Rejected(NAME, text)


def _body(body: bytes) -> _Body | None:
    """The body as JSON object; None for plain text, HTML and anything else."""
    try:
        return _bodies.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _words(body: _Body | None, response: Response) -> str:
    if body is None:
        kind = response.headers.get("content-type", "")
        is_page = "html" in kind or response.body.lstrip()[:1] == b"<"
        return "an HTML page" if is_page else _line(response.body.decode(errors="replace"))
    if body.errors:
        first = body.errors[0]
        return _line(_joined(first.id, first.message))
    return _line(_joined(body.error, body.error_details or body.message))


def _is_business(response: Response) -> bool:
    """Whether a 429 speaks of an account, as in ``[PORTFOLIO_ERROR_CODE_…]``, in any shape."""
    return b"_ERROR_CODE_" in response.body


def _is_about_the_key(response: Response, body: _Body | None) -> bool:
    """Whether no request with this key will do: a 401 that says why, or a 403 about its scopes.

    A 403 without these words is somebody else's: a firewall's page, an address that is barred.
    """
    if response.status == 401:
        return True
    if response.status != 403 or body is None:
        return False
    said = f"{body.error} {body.error_details} {body.message}"
    return body.code in _KEY_CODES or any(words in said for words in _KEY_WORDS)


def _joined(name: str | None, details: str | None) -> str:
    return ": ".join(part for part in (name, details) if part)


def _line(text: str) -> str:
    line = " ".join(text.split()) or "no text"
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, where the venue says so; it has not been seen to."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
