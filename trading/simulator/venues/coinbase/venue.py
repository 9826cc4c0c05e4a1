"""Coinbase Advanced Trade as one venue: sessions, answers and limits over one world.

Rule 1: it only puts the pieces together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trading.simulator.chance import key
from trading.simulator.venues.coinbase import accounts, rest
from trading.simulator.venues.coinbase.keys import SimulatedKey, signed
from trading.simulator.venues.coinbase.session import CoinbaseSession
from trading.simulator.venues.ports import Answer, Ask, Moment, Trouble
from trading.simulator.world import World


class Coinbase:
    """Coinbase Advanced Trade: its market data, and the accounts of who holds a key.

    The limits are those the exchange documents for WebSockets and those its clients work with for
    REST: 10 requests a second for each address, and 30 for each user with a key.

    Args:
        world: What is told.
        keys: Whose tokens are believed; none if not given.
        client_id: Whether envelopes carry the ``client_id`` of older captures.
    """

    name = "coinbase"
    label = "Coinbase"
    rest_path = rest.PREFIX
    websocket_path = ""
    requests_per_second = 10.0
    private_requests_per_second = 30.0
    connections_per_second = 8.0
    messages_per_second = 8.0

    def __init__(
        self, world: World, *, keys: Iterable[SimulatedKey] = (), client_id: bool = False
    ) -> None:
        self._world = world
        self._keys = {key.name: key for key in keys}
        self._client_id = client_id
        # A machine of theirs has been up for hours or days when one reaches it.
        self._uptime = 20_000 + key(world.seed, "uptime") % 200_000
        self._began: float | None = None

    def answer(self, ask: Ask, at: Moment) -> Answer:
        """The answer to one REST request."""
        if rest.is_public(ask):
            return rest.answer(self._world, ask, at)
        return accounts.answer(self._world, self._keys, ask, at)

    def is_private(self, ask: Ask) -> bool:
        """Whether a request needs a key."""
        return not rest.is_public(ask)

    def throttled(self) -> Answer:
        """The answer to a request beyond the limit."""
        return rest.THROTTLED

    def troubled(self, trouble: Trouble) -> Answer:
        """The answer to a request that meets with this trouble."""
        return rest.TROUBLES[trouble]

    def new_session(self, at: Moment, query: Mapping[str, str]) -> CoinbaseSession:
        """A session for a connection accepted now."""
        if self._began is None:
            self._began = at.steady
        uptime = self._uptime + int(at.steady - self._began)
        del query
        return CoinbaseSession(
            self._world, at, uptime=uptime, client_id=self._client_id, opens=self._opens
        )

    def _opens(self, token: str, at: Moment) -> str | None:
        """Whose orders a token of a subscription shows; None: nobody's."""
        known = signed(self._keys, token, at)
        return None if known is None or not known.can_view else accounts.user_id(self._world)
