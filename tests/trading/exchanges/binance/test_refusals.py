"""What each error of Binance means to who asked."""

from __future__ import annotations

import json

import pytest

from trading.core.errors import (
    ExchangeError,
    KeyRefused,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.binance import Binance
from trading.exchanges.binance.refusals import (
    LONGEST_TEXT,
    SHORTEST_BAN_SECONDS,
    SPARED_SECONDS,
    refusal,
)
from trading.exchanges.ports import Response


def refused(
    status: int, code: int | None = None, text: str = "words", signed: bool = False, **headers: str
) -> ExchangeError:
    body = text if code is None else json.dumps({"code": code, "msg": text})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(Response(status=status, headers=named, body=body.encode()), signed=signed)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -1121, Rejected),
        (400, -1120, Rejected),
        (400, -1102, Rejected),
        (404, None, Rejected),
        (429, -1003, RateLimited),
        (418, -1003, RateLimited),
        (400, -1003, RateLimited),
        (403, None, RateLimited),
        (400, -1034, RateLimited),
        (400, -1021, Unreachable),
        (400, -1007, Unreachable),
        (408, None, Unreachable),
        (500, None, Unreachable),
        (502, None, Unreachable),
        (302, None, Unreachable),
        (401, -2015, Unreachable),
        (400, -1022, Unreachable),
        (401, None, Unreachable),
    ],
)
def test_each_answer_is_one_kind_of_error(
    status: int, code: int | None, kind: type[ExchangeError]
) -> None:
    assert type(refused(status, code)) is kind


@pytest.mark.parametrize(
    ("status", "code"), [(401, -2015), (401, -2014), (400, -1022), (401, None)]
)
def test_key_is_refused_where_one_was_shown(status: int, code: int | None) -> None:
    assert type(refused(status, code, signed=True)) is KeyRefused


@pytest.mark.parametrize("status", [418, 429])
def test_limit_is_waited_out_for_as_long_as_the_venue_says(status: int) -> None:
    error = refused(status, -1003, retry_after="37")

    assert isinstance(error, RateLimited)
    assert error.retry_after == 37.0


def test_ban_without_an_end_lasts_as_long_as_the_shortest() -> None:
    error = refused(418, -1003)

    assert isinstance(error, RateLimited)
    assert error.retry_after == SHORTEST_BAN_SECONDS


@pytest.mark.parametrize(
    ("used", "seconds"), [("5400", 0.0), ("5401", SPARED_SECONDS), ("", 0.0), ("x", 0.0)]
)
def test_weight_that_is_nearly_used_up_is_spared(used: str, seconds: float) -> None:
    headers = {"x-mbx-used-weight-1m": used}
    response = Response(status=200, headers=headers, body=b"{}")
    assert Binance().spare_seconds(response) == seconds


def test_words_are_kept_short_and_on_one_line() -> None:
    assert str(refused(400, -1100, "a\nb  c")) == "binance: 400 -1100: a b c"
    assert len(str(refused(400, -1100, "x" * 1_000))) < LONGEST_TEXT + 30
    assert "an HTML page" in str(refused(502, text="<html>"))
    assert "no text" in str(refused(500, text=""))


def test_answer_that_is_not_as_documented_is_malformed() -> None:
    with pytest.raises(Malformed, match="as documented"):
        Binance().server_time(Response(status=200, headers={}, body=b"[]"))
