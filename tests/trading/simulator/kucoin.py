"""Sessions and questions that the tests of the simulated KuCoin share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.trading.simulator.worlds import NOW_US, SEED, moment
from trading.exchanges.kucoin import Kucoin as Exchange
from trading.exchanges.kucoin.sessions import KucoinSessions
from trading.exchanges.ports import Request, Response
from trading.simulator.venues.kucoin import listing
from trading.simulator.venues.kucoin.session import KucoinSession
from trading.simulator.venues.kucoin.venue import Kucoin
from trading.simulator.venues.ports import Ask, Moment
from trading.simulator.world import World

EXCHANGE = Exchange()
SESSIONS = KucoinSessions()
SECOND = 1_000_000


@cache
def world() -> World:
    """One world for all tests of this venue."""
    return World(SEED, listing.products(40))


def answered(venue: Kucoin, request: Request, at: Moment | None = None) -> Response:
    """What the program would get."""
    ask = Ask(
        method=request.method,
        path=request.path,
        query=list(request.query.items()),
        headers={"host": "127.0.0.1:1", **request.headers},
    )
    answer = venue.answer(ask, moment() if at is None else at)
    return Response(status=answer.status, headers=answer.headers, body=answer.body)


class Client:
    """A connection to the venue, and both clocks in step."""

    def __init__(self, query: Mapping[str, str] | None = None) -> None:
        self.venue = Kucoin(world())
        self.now_us, self.steady = NOW_US, 1_000.0
        self.session: KucoinSession = self.venue.new_session(
            self.at, self.ticket() if query is None else query
        )

    def ticket(self) -> dict[str, str]:
        """What admits to a connection, by the program's own way to ask for it."""
        url = SESSIONS.address(answered(self.venue, SESSIONS.request(), self.at), "abc")
        return dict(parse_qsl(urlsplit(url).query))

    @property
    def at(self) -> Moment:
        return moment(self.now_us, self.steady)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """What comes in that time, looked at four times a second as the server does."""
        told: list[dict[str, Any]] = []
        for _ in range(round(seconds * 4)):
            self.now_us += SECOND // 4
            self.steady += 0.25
            told += self.look()
        return told

    def look(self, muted: frozenset[str] = frozenset(), late: frozenset[str] = frozenset()) -> Any:
        return [json.loads(f.text) for f in self.session.advance(self.at, muted, late)]

    def ask(self, verb: str, topic: str = "", number: Any = 1, **more: Any) -> list[dict[str, Any]]:
        """The answer to a message."""
        message = {"id": number, "type": verb, "topic": topic, "response": True} | more
        return self.say(json.dumps(message))

    def say(self, text: str) -> list[dict[str, Any]]:
        return [json.loads(frame.text) for frame in self.session.receive(text, self.at)]
