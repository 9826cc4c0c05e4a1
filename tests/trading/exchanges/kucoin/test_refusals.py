"""What each error of KuCoin means to who asked."""

from __future__ import annotations

import json

import msgspec
import pytest

from trading.core.errors import (
    ExchangeError,
    KeyRefused,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.kucoin.refusals import (
    LONGEST_TEXT,
    SPARED_SECONDS,
    read,
    refusal,
    spare_seconds,
)
from trading.exchanges.ports import Response

ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)


def answer(status: int, code: str | None = None, text: str = "words", **headers: str) -> Response:
    body = text if code is None else json.dumps({"code": code, "msg": text})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body.encode())


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, "400100", Rejected),
        (200, "900001", Rejected),
        (200, "404000", Rejected),
        (404, None, Rejected),
        (400, "400001", Unreachable),
        (401, "400003", Unreachable),
        (401, None, Unreachable),
        (200, "429000", RateLimited),
        (429, "429000", RateLimited),
        (429, None, RateLimited),
        (403, None, RateLimited),
        (200, "400002", Unreachable),
        (200, "500000", Unreachable),
        (408, None, Unreachable),
        (500, None, Unreachable),
        (502, None, Unreachable),
        (302, None, Unreachable),
    ],
)
def test_each_answer_is_one_kind_of_error(
    status: int, code: str | None, kind: type[ExchangeError]
) -> None:
    with pytest.raises(kind) as raised:
        read(answer(status, code), ANYTHING)
    assert type(raised.value) is kind


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("code", [400001, *range(400003, 400010), 411100])
def test_key_is_refused_where_one_was_proved(status: int, code: int) -> None:
    assert type(refusal(answer(status, str(code)), signed=True)) is KeyRefused


def test_bare_401_of_a_signed_request_is_about_the_key() -> None:
    assert type(refusal(answer(401), signed=True)) is KeyRefused
    assert type(refusal(answer(200, "400002"), signed=True)) is Unreachable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"gw_ratelimit_reset": "1500"}, 1.5), ({}, None), ({"gw_ratelimit_reset": "soon"}, None)],
)
def test_limit_says_in_milliseconds_until_when(
    headers: dict[str, str], seconds: float | None
) -> None:
    error = refusal(answer(429, "429000", **headers))

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("limit", "left", "reset", "seconds"),
    [
        ("2000", "1999", "29000", 0.0),
        ("2000", "200", "29000", 0.0),
        ("2000", "199", "29000", SPARED_SECONDS),
        ("2000", "0", "1500", 1.5),
        ("2000", "0", "soon", SPARED_SECONDS),
        ("2000", "", "1500", 0.0),
        ("much", "0", "1500", 0.0),
    ],
)
def test_venue_that_is_nearly_used_up_is_spared(
    limit: str, left: str, reset: str, seconds: float
) -> None:
    told = answer(
        200,
        "200000",
        gw_ratelimit_limit=limit,
        gw_ratelimit_remaining=left,
        gw_ratelimit_reset=reset,
    )

    assert spare_seconds(told) == seconds


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"data": 1}', "<html>", '{"code": 200000}'])
def test_answer_without_an_envelope_is_malformed(body: str) -> None:
    with pytest.raises(Malformed, match="envelope"):
        read(Response(status=200, headers={}, body=body.encode()), ANYTHING)


def test_data_that_is_not_as_documented_is_malformed() -> None:
    numbers = msgspec.json.Decoder(int)
    for body in (b'{"code":"200000","data":"x"}', b'{"code":"200000"}'):
        with pytest.raises(Malformed, match="as documented"):
            read(Response(status=200, headers={}, body=body), numbers)


def test_words_are_kept_short_and_on_one_line() -> None:
    assert str(refusal(answer(200, "400100", "Unsupported\n trading pair."))) == (
        "kucoin: 200 400100: Unsupported trading pair."
    )
    assert str(refusal(answer(502, text="<html>…"))) == "kucoin: 502 an HTML page"
    assert str(refusal(answer(400, text=" "))) == "kucoin: 400 no text"
    assert len(str(refusal(answer(400, "400100", "x" * 999)))) < LONGEST_TEXT + 20
