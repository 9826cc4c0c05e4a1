"""What KuCoin gives out before each dial."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.trading.exchanges.kucoin.test_rest import answer
from trading.core.errors import Malformed
from trading.exchanges.kucoin.sessions import KucoinSessions
from trading.exchanges.ports import Response

SESSIONS = KucoinSessions()
TOKEN = "2neA+iu/YvA=="


def test_leave_is_asked_for_without_a_key_and_weighs_what_the_venue_says() -> None:
    request = SESSIONS.request()
    assert (request.method, request.path, request.weight) == ("POST", "/api/v1/bullet-public", 10)
    assert not request.headers


def ticket(text: str = TOKEN, endpoint: str = "wss://ws.example.com/endpoint") -> Response:
    server = {
        "endpoint": endpoint,
        "encrypt": True,
        "protocol": "websocket",
        "pingInterval": 18_000,
        "pingTimeout": 10_000,
    }
    return answer({"token": text, "instanceServers": [server]})


def test_address_to_dial_is_the_one_told_with_the_token_encoded() -> None:
    url = SESSIONS.address(ticket(), "0123abcd")

    assert url == "wss://ws.example.com/endpoint?token=2neA%2Biu%2FYvA%3D%3D&connectId=0123abcd"
    assert dict(parse_qsl(urlsplit(url).query))["token"] == TOKEN


@pytest.mark.parametrize(
    "wrong",
    [
        ticket(text=""),
        ticket(endpoint=""),
        ticket(endpoint="nowhere"),
        ticket(endpoint="wss://[ws.example.com/"),
        ticket(endpoint="wss://ws.example.com:65536/"),
        ticket(endpoint="wss://ws.example.com/#endpoint"),
        answer({"token": "x", "instanceServers": []}),
        answer(None),
    ],
)
def test_answer_without_an_address_is_malformed(wrong: Response) -> None:
    with pytest.raises(Malformed):
        SESSIONS.address(wrong, "0123abcd")
