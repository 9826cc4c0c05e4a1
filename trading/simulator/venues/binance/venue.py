"""Binance spot as one venue: sessions, answers and limits over one world.

Rule 1: it only puts the pieces together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from trading.simulator.venues.binance import accounts, listing, rest
from trading.simulator.venues.binance.accounts import SimulatedKey
from trading.simulator.venues.binance.asked import Refused
from trading.simulator.venues.binance.limits import Weights
from trading.simulator.venues.binance.session import BinanceSession
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World


class Binance:
    """Binance spot: its market data, and the balances of who holds a key.

    Requests are weighed by the minute and messages counted by connection, both in here; the server
    counts only connections.

    Args:
        world: What is told; all of it is listed.
        keys: Whose signatures are believed; none if not given.
        leniency: Factor on what may be asked in a minute; 0 is no limit.
    """

    name = "binance"
    label = "Binance"
    rest_path = ""
    websocket_path = "/stream"
    requests_per_second = 0.0
    private_requests_per_second = 0.0
    connections_per_second = 1.0
    messages_per_second = 0.0

    def __init__(
        self, world: World, *, keys: Iterable[SimulatedKey] = (), leniency: float = 1.0
    ) -> None:
        self._world = world
        self._names = {listing.native(product): product for product in world.products.values()}
        self._keys = {key.name: key for key in keys}
        self._weights = Weights(leniency)

    def answer(self, ask: Ask, at: Moment) -> Answer:
        """The answer to one REST request."""
        answer = self._weights.refusal(ask, at) or self._answer(ask, at)
        return replace(answer, headers={**self._weights.headers(), **answer.headers})

    def is_private(self, ask: Ask) -> bool:
        """Whether a request needs a key."""
        return ask.path in accounts.PATHS

    def throttled(self) -> Answer:
        """The answer to a request beyond the limit."""
        return rest.THROTTLED

    def troubled(self, trouble: Trouble) -> Answer:
        """The answer to a request that meets with this trouble."""
        return rest.TROUBLES[trouble]

    def new_session(self, at: Moment, query: Mapping[str, str]) -> BinanceSession:
        """A session for a connection accepted now, with the streams that its address names."""
        streams = [name for name in query.get("streams", "").split("/") if name]
        return BinanceSession(self._world, self._names, at, streams)

    def _answer(self, ask: Ask, at: Moment) -> Answer:
        try:
            if self.is_private(ask):
                body = accounts.answer(self._world, self._keys, ask, at)
            else:
                body = rest.answer(self._world, self._names, ask, at)
        except Refused as refused:
            return refused.answer
        return Answer(status=200, body=msgspec.json.encode(body))
