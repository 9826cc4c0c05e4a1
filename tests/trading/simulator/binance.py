"""Sessions and questions that the tests of the simulated Binance share."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.trading.simulator.worlds import NOW_US, SEED, moment
from trading.simulator.venues.binance import listing
from trading.simulator.venues.binance.accounts import SimulatedKey
from trading.simulator.venues.binance.session import BinanceSession
from trading.simulator.venues.binance.venue import Binance
from trading.simulator.venues.ports import Answer, Ask
from trading.simulator.world import World

KEY = SimulatedKey(name="KeyOfTheTests", secret="SecretOfTheTests")
SECOND = 1_000_000


@cache
def world() -> World:
    """One world for all tests of this venue."""
    return World(SEED, listing.products(40))


class Client:
    """A connection to the venue, and both clocks in step."""

    def __init__(self, **query: str) -> None:
        self.venue = Binance(world())
        self.now_us, self.steady = NOW_US, 1_000.0
        self.session: BinanceSession = self.venue.new_session(self.at, query)

    @property
    def at(self) -> Any:
        return moment(self.now_us, self.steady)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """What comes in that time, looked at four times a second as the server does."""
        told: list[dict[str, Any]] = []
        for _ in range(round(seconds * 4)):
            self.now_us += SECOND // 4
            self.steady += 0.25
            told += self.look()
        return told

    def look(self) -> list[dict[str, Any]]:
        return [json.loads(f.text) for f in self.session.advance(self.at, frozenset())]

    def ask(self, method: str, *params: str, number: Any = 1) -> dict[str, Any]:
        """The answer to a control message."""
        text = json.dumps({"method": method, "params": list(params), "id": number})
        return self.say(text)

    def say(self, text: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.session.receive(text, self.at)[-1].text)
        return answer


def asked(path: str, **query: str) -> Answer:
    """The answer to a request."""
    venue = Binance(world(), keys=[KEY])
    ask = Ask(method="GET", path=path, query=list(query.items()))
    return venue.answer(ask, moment())


def body(path: str, **query: str) -> Any:
    """The body of a good answer."""
    answer = asked(path, **query)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)
