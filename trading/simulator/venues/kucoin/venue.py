"""KuCoin spot as one venue: sessions, answers and limits over one world.

Rule 1: it only puts the pieces together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trading.simulator.venues.kucoin import accounts, limits, listing, rest
from trading.simulator.venues.kucoin.accounts import SimulatedKey
from trading.simulator.venues.kucoin.asked import Refused, success
from trading.simulator.venues.kucoin.session import KucoinSession
from trading.simulator.venues.kucoin.tokens import Tokens
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World


class Kucoin:
    """KuCoin spot: its market data, and the accounts of who holds a key.

    Requests are weighed and messages counted by connection, both in here; the server counts only
    connections: thirty a minute.

    Args:
        world: What is told; all of it is listed.
        keys: Whose signatures are believed; none if not given.
        leniency: Factor on what may be asked in a window; 0 is no limit.
    """

    name = "kucoin"
    label = "KuCoin"
    rest_path = ""
    websocket_path = rest.WEBSOCKET_PATH
    requests_per_second = 0.0
    private_requests_per_second = 0.0
    connections_per_second = 0.5
    messages_per_second = 0.0

    def __init__(
        self, world: World, *, keys: Iterable[SimulatedKey] = (), leniency: float = 1.0
    ) -> None:
        self._world = world
        self._names = {listing.native(product): product for product in world.products.values()}
        self._keys = {key.name: key for key in keys}
        self._tokens = Tokens()
        self._public, self._private = limits.Pool(leniency), limits.Pool(leniency)

    def answer(self, ask: Ask, at: Moment) -> Answer:
        """The answer to one REST request."""
        pool = self._private if self.is_private(ask) else self._public
        refused, headers = pool.weighed(ask, at)
        answer = refused or self._answer(ask, at)
        return replace(answer, headers={**answer.headers, **headers})

    def is_private(self, ask: Ask) -> bool:
        """Whether a request needs a key."""
        return ask.path in accounts.PATHS

    def throttled(self) -> Answer:
        """The answer to a request beyond the limit."""
        return limits.OVERLOADED

    def troubled(self, trouble: Trouble) -> Answer:
        """The answer to a request that meets with this trouble."""
        return rest.TROUBLES[trouble]

    def new_session(self, at: Moment, query: Mapping[str, str]) -> KucoinSession:
        """A session for a connection accepted now, which is turned away without a good token."""
        is_admitted = self._tokens.use(query.get("token", ""), at.steady)
        return KucoinSession(
            self._world, self._names, at, name=query.get("connectId", ""), is_admitted=is_admitted
        )

    def _answer(self, ask: Ask, at: Moment) -> Answer:
        try:
            if self.is_private(ask):
                return success(accounts.data(self._world, self._keys, ask, at))
            return success(rest.data(self._world, self._names, self._tokens, ask, at))
        except Refused as refused:
            return refused.answer
