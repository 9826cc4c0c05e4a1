"""Reading what a request asks for, and the refusals it may earn.

Rule 1: a value that is none ends the reading with the answer that production gives to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trading.simulator.venues.ports import Answer, Ask


class Refused(Exception):
    """Ends the reading of a request with the answer it earns."""

    def __init__(self, status: int, body: Mapping[str, str]) -> None:
        super().__init__(body)
        self.answer = Answer(status=status, body=msgspec.json.encode(body))


def enum(ask: Ask, name: str, known: Mapping[str, int] | tuple[str, ...]) -> str | None:
    """A query value out of a fixed set, None if absent. Raises: Refused."""
    value = ask.first(name)
    if value is not None and value not in known:
        message = f'parsing field "{name}": "{value}" is not a valid value'
        raise Refused(400, error("unknown", message))
    return value


def integer(ask: Ask, name: str, default: int | None = None) -> int:
    """A decimal query value. Raises: Refused if it is none, or absent without a default."""
    value = ask.first(name)
    if value is None and default is not None:
        return default
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 18:
        raise invalid(f"{name} argument is invalid")
    return int(value)


def invalid(message: str) -> Refused:
    """The refusal of a bad value."""
    return Refused(400, error("INVALID_ARGUMENT", message))


def error(name: str, message: str) -> dict[str, str]:
    """The body of most refusals."""
    return {"error": name, "error_details": message, "message": message}
