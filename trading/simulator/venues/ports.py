"""What the server needs of a venue, and what it hands over.

Rule 1: values and protocols only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

# What a venue may answer instead of what was asked for.
Trouble = Literal["throttled", "business", "unauthorized", "internal", "bad_gateway", "malformed"]


class Moment(NamedTuple):
    """One instant on both clocks."""

    now_ns: int  # simulated time, nanoseconds since 1970
    steady: float  # real seconds, for cadences and limits; it never goes back
    skew_ns: int = 0  # how far the venue's clock is ahead of what happens on it

    @property
    def now_us(self) -> int:
        """Simulated time, microseconds since 1970."""
        return self.now_ns // 1_000

    @property
    def told_ns(self) -> int:
        """What the venue says the time is, and judges tokens by."""
        return self.now_ns + self.skew_ns


class Frame(NamedTuple):
    """One text frame for a client; ``channel`` is what faults select by."""

    channel: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A REST request as data."""

    method: str
    path: str  # from the root, without the query
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    def first(self, name: str) -> str | None:
        """The first value of a query key."""
        return next((value for key, value in self.query if key == name), None)

    def every(self, name: str) -> list[str]:
        """All values of a repeated query key."""
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A REST answer as data."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Session(Protocol):
    """One WebSocket connection's worth of state. It does not outlive its socket."""

    def receive(self, text: str, at: Moment) -> list[Frame]:
        """Take one message of the client; what to send for it, in order."""

    def throttled(self) -> list[Frame]:
        """What to send for a message beyond the limit, which is not obeyed."""

    def advance(
        self, at: Moment, muted: frozenset[str], late: frozenset[str] = frozenset()
    ) -> list[Frame]:
        """What is due now.

        Args:
            at: Now.
            muted: Products that stay silent, and what they do is lost.
            late: Products that stay silent, and what they do is told when they no longer are.
        """

    def pinged(self, at: Moment) -> None:
        """The client sent a ping; it is answered by the server."""

    def ponged(self, at: Moment) -> None:
        """The client answered a ping."""

    def ping_due(self, at: Moment) -> bytes | None:
        """What to send a ping with now, if one is due."""

    def farewell(self, at: Moment) -> list[Frame]:
        """What the venue says before it goes away; nothing, where it just goes."""

    def close_code(self, at: Moment) -> int | None:
        """The code to close with if the venue would hang up now, else None."""


class Venue(Protocol):
    """One exchange: its limits, its REST answers, its WebSocket sessions."""

    name: str
    label: str  # for people
    rest_path: str  # what the client's REST base address ends with
    websocket_path: str  # and the address of its WebSocket
    requests_per_second: float  # of one address, for what needs no key
    private_requests_per_second: float  # of the owner of the keys
    connections_per_second: float  # of one address
    messages_per_second: float  # of one address, all connections together

    def answer(self, ask: Ask, at: Moment) -> Answer: ...

    def is_private(self, ask: Ask) -> bool:
        """Whether a request needs a key, and counts with those that do."""

    def throttled(self) -> Answer:
        """The answer to a request beyond the limit."""

    def troubled(self, trouble: Trouble) -> Answer:
        """The answer to a request that meets with this trouble."""

    def new_session(self, at: Moment, query: Mapping[str, str]) -> Session:
        """A session for a connection accepted now, whose address had this query."""
