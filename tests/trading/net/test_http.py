"""What is asked again, and what is not, against a real server on loopback."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import httpx
import pytest
from aiohttp import web

from tests.trading.running import SwiftCoinbase
from trading.core.errors import (
    KeyDoubted,
    KeyRefused,
    Malformed,
    RateLimited,
    Rejected,
    Unreachable,
)
from trading.exchanges.coinbase.accounts import CoinbaseAccounts
from trading.exchanges.permissions import warnings
from trading.exchanges.ports import KeyPermissions, Request, Response
from trading.net.http import ExchangeHttp
from trading.simulator.server import serve

EXCHANGE = SwiftCoinbase()
TIME = '{"iso":"2026-09-30T02:37:29Z","epochSeconds":"1790735849","epochMillis":"1790735849298"}'
THROTTLED = '{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}'


class Venue:
    """Answers from a list, one after another, and remembers what it was asked."""

    def __init__(self, answers: Sequence[tuple[int, str]]) -> None:
        self._answers = list(answers)
        self.asked: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        status, body = self._answers.pop(0)
        return web.Response(status=status, text=body)


@asynccontextmanager
async def asking(
    *answers: tuple[int, str], exchange: SwiftCoinbase = EXCHANGE
) -> AsyncIterator[tuple[ExchangeHttp, Venue]]:
    """An HTTP shell and the server it talks to."""
    venue = Venue(answers)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", venue.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        async with ExchangeHttp(exchange, f"http://127.0.0.1:{port}/api") as http:
            yield http, venue
    finally:
        await runner.cleanup()


async def server_time(http: ExchangeHttp, attempts: int = 4) -> int:
    return await http.ask(EXCHANGE.server_time_request(), EXCHANGE.server_time, attempts=attempts)


async def test_answer_is_read_and_no_cache_is_wanted() -> None:
    async with asking((200, TIME)) as (http, venue):
        assert await server_time(http) == 1_790_735_849_298_000
    assert venue.asked[0].path == "/api/time"
    assert venue.asked[0].headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "trouble", [(500, '{"error":"INTERNAL"}'), (502, "<html>Bad Gateway</html>"), (429, THROTTLED)]
)
async def test_what_passes_is_asked_again(trouble: tuple[int, str]) -> None:
    async with asking(trouble, (200, TIME)) as (http, venue):
        assert await server_time(http) == 1_790_735_849_298_000
    assert len(venue.asked) == 2


class Sparing(SwiftCoinbase):
    """Coinbase, if an answer said that nearly everything is used up."""

    def spare_seconds(self, response: Response) -> float:
        return 0.4 if response.status == 200 else 0.0


async def test_whoever_asks_next_waits_where_nearly_everything_is_used_up() -> None:
    async with asking((200, TIME), (200, TIME), exchange=Sparing()) as (http, venue):
        await server_time(http)
        began = time.monotonic()
        await server_time(http)
        assert time.monotonic() - began >= 0.3
    assert len(venue.asked) == 2


async def test_a_no_is_not_asked_again() -> None:
    async with asking((404, '{"error":"NOT_FOUND","message":"no"}')) as (http, venue):
        with pytest.raises(Rejected):
            await server_time(http)
    assert len(venue.asked) == 1


async def test_nonsense_is_not_asked_again() -> None:
    async with asking((200, "[]")) as (http, venue):
        with pytest.raises(Malformed):
            await server_time(http)
    assert len(venue.asked) == 1


async def test_attempts_end() -> None:
    async with asking(*[(503, "")] * 3) as (http, venue):
        with pytest.raises(Unreachable):
            await server_time(http, attempts=2)
    assert len(venue.asked) == 2


async def test_only_get_is_asked_again() -> None:
    async with asking((429, THROTTLED)) as (http, venue):
        with pytest.raises(RateLimited):
            await http.ask(Request(method="POST", path="/time"), EXCHANGE.server_time)
    assert len(venue.asked) == 1


async def test_nobody_there_is_unreachable_and_says_whom() -> None:
    async with ExchangeHttp(EXCHANGE, "http://127.0.0.1:9/api") as http:
        with pytest.raises(Unreachable, match="coinbase: no answer"):
            await server_time(http, attempts=1)


UNAUTHORIZED = (401, "Unauthorized\n")
PERMISSIONS = '{"can_view":true,"can_trade":false,"can_transfer":false}'
ACCOUNTS = CoinbaseAccounts()


async def permissions(http: ExchangeHttp) -> KeyPermissions:
    """Signed by counting: the first sending carries 1, the second 2."""
    sendings = count(1)

    def sign(request: Request) -> Request:
        return replace(request, headers={"authorization": str(next(sendings))})

    return await http.ask(ACCOUNTS.permissions_request(), ACCOUNTS.permissions, sign=sign)


def signatures(venue: Venue) -> list[str]:
    return [request.headers["authorization"] for request in venue.asked]


@pytest.mark.parametrize("trouble", [UNAUTHORIZED, (502, "<html>"), (429, THROTTLED)])
async def test_what_is_asked_again_is_signed_anew(trouble: tuple[int, str]) -> None:
    async with asking(trouble, (200, PERMISSIONS)) as (http, venue):
        assert (await permissions(http)).can_view
    assert signatures(venue) == ["1", "2"]


async def test_key_that_is_refused_twice_without_a_reason_is_refused() -> None:
    async with asking(UNAUTHORIZED, (502, ""), UNAUTHORIZED) as (http, venue):
        with pytest.raises(KeyDoubted):
            await permissions(http)
    assert len(venue.asked) == 3


async def test_key_that_is_refused_with_a_reason_is_not_tried_again() -> None:
    async with asking((401, '{"code":16,"message":"no"}')) as (http, venue):
        with pytest.raises(KeyRefused, match="no"):
            await permissions(http)
    assert len(venue.asked) == 1


async def test_accounts_of_the_simulated_exchange_are_read_with_the_key_it_tells() -> None:
    async with (
        serve(seed=20, leniency=0) as simulator,
        ExchangeHttp(EXCHANGE, simulator.rest) as http,
        httpx.AsyncClient() as anybody,
    ):
        file = (await anybody.get(f"{simulator.admin}/key")).json()
        key = ACCOUNTS.read_key(name="", secret=json.dumps(file))

        def sign(request: Request) -> Request:
            at = simulator.clock.now_us() // 1_000_000
            return ACCOUNTS.signed(
                request, key, base=simulator.rest, at=at, nonce=secrets.token_hex(32)
            )

        reading = ACCOUNTS.reading()
        while (request := reading.request()) is not None:
            await http.ask(request, reading.receive, sign=sign)
        told = await http.ask(ACCOUNTS.permissions_request(), ACCOUNTS.permissions, sign=sign)

    assert warnings("coinbase", told) == []
    assert len(reading.accounts) > 250
    assert {"USD", "BTC", "REN"} <= {one.currency for one in reading.accounts if one.total}
