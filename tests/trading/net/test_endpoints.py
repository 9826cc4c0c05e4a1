"""Addresses of this machine and of others."""

from __future__ import annotations

import pytest

from trading.net.endpoints import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8001/api/v3/brokerage", True),
        ("ws://localhost:9", True),
        ("ws://[::1]:9/", True),
        ("wss://advanced-trade-ws.coinbase.com", False),
        ("https://127.0.0.1.example.org/", False),
        ("http://10.0.0.1/", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
