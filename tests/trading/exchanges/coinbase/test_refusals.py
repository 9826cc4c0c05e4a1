"""What a refusal means where a key was proved; public answers are in ``test_rest``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trading.core.errors import (
    ExchangeError,
    KeyDoubted,
    KeyRefused,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.coinbase.refusals import refusal
from trading.exchanges.ports import Response

SCOPES = {"error": "PERMISSION_DENIED", "error_details": "Missing required scopes", "message": ""}
FUNDS = "[PORTFOLIO_ERROR_CODE_INSUFFICIENT_FUNDS] insufficient funds"
THROTTLED = {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}

SIGNED: list[tuple[int, Any, type[ExchangeError], str]] = [
    (400, {"error": "INVALID_ARGUMENT", "error_details": "bad cursor"}, Rejected, "bad cursor"),
    (400, {"error": "INVALID_ARGUMENT", "error_details": None}, Rejected, "INVALID_ARGUMENT"),
    (401, "Unauthorized\n", KeyDoubted, "Unauthorized"),
    (401, "", KeyDoubted, "no text"),
    (401, "<html>denied</html>", KeyDoubted, "HTML page"),
    (401, {"error": "unauthorized", "code": 16, "message": "no"}, KeyRefused, "unauthorized: no"),
    (401, {"code": 16, "message": "invalid token"}, KeyRefused, "invalid token"),
    (401, {"errors": [{"id": "expired", "message": None}]}, KeyRefused, "expired"),
    (403, SCOPES, KeyRefused, "Missing required scopes"),
    (403, {"error": "PERMISSION_DENIED", "message": "no"}, KeyRefused, "PERMISSION_DENIED: no"),
    (403, {"code": 7, "message": "no"}, KeyRefused, "no"),
    (403, {"error": "unknown", "message": "barred"}, Rejected, "barred"),
    (403, "<html>blocked</html>", Rejected, "HTML page"),
    (404, {"error": "NOT_FOUND", "message": "account"}, Rejected, "NOT_FOUND: account"),
    (408, "", Unreachable, "no text"),
    (429, THROTTLED, RateLimited, "Too many requests"),
    (429, "slow down", RateLimited, "slow down"),
    (429, {"error": "unknown", "message": FUNDS}, Rejected, "INSUFFICIENT_FUNDS"),
    (429, {"errors": [{"id": "unknown", "message": FUNDS}]}, Rejected, "INSUFFICIENT_FUNDS"),
    (429, FUNDS, Rejected, "INSUFFICIENT_FUNDS"),
    (500, {"error": "INTERNAL"}, Unreachable, "INTERNAL"),
    (502, "<html><h1>Bad Gateway</h1></html>", Unreachable, "HTML page"),
    (503, {"errors": []}, Unreachable, "no text"),
    (504, {"errors": None, "message": "late"}, Unreachable, "late"),
]


@pytest.mark.parametrize(("status", "body", "error", "words"), SIGNED)
def test_refusal_of_a_signed_request_says_what_the_caller_does(
    status: int, body: Any, error: type[ExchangeError], words: str
) -> None:
    encoded = body if isinstance(body, str) else json.dumps(body)
    response = Response(status=status, headers={}, body=encoded.encode())

    told = refusal(response, signed=True)

    assert type(told) is error
    assert str(told).startswith(f"coinbase: {status} ")
    assert words in str(told)


@pytest.mark.parametrize(("status", "body", "error", "words"), SIGNED)
def test_no_key_is_to_blame_where_none_was_proved(
    status: int, body: Any, error: type[ExchangeError], words: str
) -> None:
    encoded = body if isinstance(body, str) else json.dumps(body)

    told = refusal(Response(status=status, headers={}, body=encoded.encode()))

    assert not isinstance(told, KeyRefused)
    assert words in str(told)
    assert isinstance(told, error) or issubclass(error, KeyRefused)
