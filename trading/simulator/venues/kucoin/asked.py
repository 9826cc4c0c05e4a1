"""Reading what a request asks for, and the refusals it may earn.

Rule 1: a refusal is an envelope with a code; the status of HTTP is 200 for most.

Source: www.kucoin.com/docs, error codes, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trading.simulator.venues.ports import Answer, Ask

SUCCESS, PARAMETER, NOT_FOUND, LIMIT = "200000", "400100", "404000", "429000"


class Refused(Exception):
    """Ends the reading of a request with the answer it earns."""

    def __init__(self, code: str, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.answer = refusal(code, message, status=status)


def refusal(code: str, message: str, *, status: int = 200) -> Answer:
    """An envelope that says no."""
    return Answer(status=status, body=msgspec.json.encode({"code": code, "msg": message}))


def success(data: Any) -> Answer:
    """An envelope that holds data."""
    return Answer(status=200, body=msgspec.json.encode({"code": SUCCESS, "data": data}))


def mandatory(ask: Ask, name: str) -> str:
    """A value that must be there. Raises: Refused."""
    value = ask.first(name)
    if not value:
        raise Refused(PARAMETER, f"Required parameter '{name}' is missing.")
    return value


def seconds(ask: Ask, name: str, default: int) -> int:
    """A time in unix seconds; 0 is none, as the venue's own client sends it. Raises: Refused."""
    value = ask.first(name) or "0"
    if not value.isascii() or not value.isdigit() or len(value) > 10:
        raise Refused(PARAMETER, f"Parameter '{name}' must be unix seconds.")
    return int(value) or default
