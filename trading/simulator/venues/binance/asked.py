"""Reading what a request asks for, and the refusals it may earn.

Rule 1: a value that is none ends the reading with the code that the venue gives to it.

Source: github.com/binance/binance-spot-api-docs, errors.md (2026-07-21).
"""

from __future__ import annotations

import msgspec

from trading.simulator.venues.ports import Answer, Ask

_LEGAL = "^[\\\\w\\\\-._&&[^a-z]]{1,50}$"


class Refused(Exception):
    """Ends the reading of a request with the answer it earns."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        body = msgspec.json.encode({"code": code, "msg": message})
        self.answer = Answer(status=status, body=body)


def mandatory(ask: Ask, name: str) -> str:
    """A value that must be there. Raises: Refused."""
    value = ask.first(name)
    if not value:
        raise Refused(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    return value


def integer(ask: Ask, name: str, default: int) -> int:
    """A decimal value. Raises: Refused if it is none."""
    value = ask.first(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise Refused(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
        )
    return int(value)


def symbol(ask: Ask) -> str:
    """An id of the venue's, in its capitals. Raises: Refused."""
    value = mandatory(ask, "symbol")
    if value != value.upper() or len(value) > 50 or "/" in value:
        raise Refused(
            -1100, f"Illegal characters found in parameter 'symbol'; legal range is '{_LEGAL}'."
        )
    return value
