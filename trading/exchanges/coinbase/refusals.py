"""What a REST answer of Coinbase that is no success means to the caller.

Rule 1: every status and every recorded shape of a body ends in one class of the error tree.
Rule 2: the words of the venue are kept, on one line and short: they end in a trader's status.

Source: docs.cdp.coinbase.com, error responses and rate limits, read 2026-11-20; bodies as
recorded from production in 2023 to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trading.core.errors import ExchangeError, RateLimited, Rejected, Unreachable
from trading.exchanges.coinbase.frames import NAME
from trading.exchanges.ports import Response

LONGEST_TEXT = 200


class _Item(msgspec.Struct):
    id: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    """All shapes in one: a list of errors, a named error, or a gRPC status with a number."""

    errors: list[_Item] = []
    error: str = ""
    error_details: str = ""
    message: str = ""
    code: int | None = None


_bodies = msgspec.json.Decoder(_Body)


def refusal(response: Response) -> ExchangeError:
    """The error that an answer other than 200 amounts to.

    Two traps of the venue: 429 is also the status of business errors, which never pass; and a
    throttled request for candles has been answered by a bare 401. Everything asked here is
    public, so no key can be wrong, and a 401 without a body of JSON counts as throttling.
    """
    body = _body(response.body)
    text = f"{response.status} {_words(body, response)}"
    if response.status == 429 and not _is_business(body):
        return RateLimited(NAME, text, _retry_after(response.headers))
    if response.status == 401 and body is None:
        return RateLimited(NAME, f"{text} (throttled requests are answered so)")
    if response.status == 408 or not 400 <= response.status < 500:
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
        return _line(f"{first.id}: {first.message}")
    details = body.error_details or body.message
    return _line(f"{body.error}: {details}" if body.error and details else body.error or details)


def _is_business(body: _Body | None) -> bool:
    """Whether a 429 speaks of an account, as in ``[PORTFOLIO_ERROR_CODE_…]``."""
    return body is not None and "_ERROR_CODE_" in f"{body.error_details} {body.message}"


def _line(text: str) -> str:
    line = " ".join(text.split()) or "no text"
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, where the venue says so; it has not been seen to."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
