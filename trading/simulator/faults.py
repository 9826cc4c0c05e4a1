"""What is broken on purpose, and for how long.

Rule 1: no I/O. The server asks before it accepts, answers or sends; tests and people order
    faults as data (``POST /_sim/faults``).
Rule 2: a fault is a small immutable value with a ``kind``; a new one is a class here, a case in
    ``Faults.inject`` and, where it needs one, a question that the server asks.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from trading.simulator.venues.ports import Frame, Trouble

Reached = Literal["websocket", "rest"]
Scope = Literal["all", "websocket", "rest"]
ABNORMAL_CLOSURE = 1006  # never sent in a close frame: the TCP connection just ends


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Anything that can be ordered."""


class Drop(Fault, frozen=True, tag="drop"):
    """Every open connection loses its next ``frames`` frames: a gap in its sequence numbers."""

    frames: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    channel: str | None = None  # as the frames name it; None: whichever come first


class Close(Fault, frozen=True, tag="close"):
    """Every open connection is closed with ``code``; 1006 cuts it without a close frame."""

    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] = 1000


class Freeze(Fault, frozen=True, tag="freeze"):
    """Silence. Without a product every connection stays open and says nothing, not even a pong;
    what happened meanwhile is told after the thaw. With a product only that one is silent, and
    its trades of that time are never told: its ids jump."""

    product_id: str | None = None


class Thaw(Fault, frozen=True, tag="thaw"):
    """Ends the freeze of one product, or every freeze."""

    product_id: str | None = None


class Refuse(Fault, frozen=True, tag="refuse"):
    """For some (real) seconds new connections and requests are cut as soon as they arrive."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)]
    scope: Scope = "all"


class Accept(Fault, frozen=True, tag="accept"):
    """Ends a refusal, slowness, and whatever trouble is still to come."""


class Fail(Fault, frozen=True, tag="fail"):
    """The next requests (whose path contains ``path``) meet with trouble instead of an answer."""

    how: Trouble
    requests: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    path: str = ""


class Slow(Fault, frozen=True, tag="slow"):
    """For some (real) seconds whoever comes, with a request or for a WebSocket, waits before
    anything is answered: a slow handshake, or for an impatient client a timeout."""

    delay: Annotated[float, msgspec.Meta(gt=0, le=600)]
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)]
    scope: Scope = "all"


AnyFault = Drop | Close | Freeze | Thaw | Refuse | Accept | Fail | Slow
_decoder: msgspec.json.Decoder[AnyFault] = msgspec.json.Decoder(AnyFault)


def read(body: bytes) -> AnyFault:
    """A fault out of its JSON. Raises: msgspec.DecodeError, with what is wrong in words."""
    return _decoder.decode(body)


class Wire:
    """One connection's share of the faults."""

    def __init__(self) -> None:
        self.close_code: int | None = None
        self.dropped = 0
        self._drops: list[tuple[int, str | None]] = []

    def drop(self, frames: int, channel: str | None) -> None:
        """Lose the next frames (of one channel, if named)."""
        self._drops.append((frames, channel))

    def through(self, frames: list[Frame]) -> list[Frame]:
        """The frames that reach the client."""
        return [frame for frame in frames if not self._lost(frame)] if self._drops else frames

    def _lost(self, frame: Frame) -> bool:
        for at, (left, channel) in enumerate(self._drops):
            if channel is None or channel == frame.channel:
                self._drops[at : at + 1] = [(left - 1, channel)] if left > 1 else []
                self.dropped += 1
                return True
        return False


class Faults:
    """Everything that is broken now."""

    def __init__(self) -> None:
        self.frozen = False
        self.muted: frozenset[str] = frozenset()
        self.wires: set[Wire] = set()
        self._refused_until = 0.0
        self._scope: Scope = "all"
        self._slow: Slow | None = None
        self._slow_until = 0.0
        self._failures: list[Fail] = []

    def inject(self, fault: AnyFault, steady: float) -> None:
        """Break or mend something at the real second ``steady``."""
        match fault:
            case Drop(frames=frames, channel=channel):
                for wire in self.wires:
                    wire.drop(frames, channel)
            case Close(code=code):
                for wire in self.wires:
                    wire.close_code = code
            case Freeze(product_id=None):
                self.frozen = True
            case Freeze(product_id=str(name)):
                self.muted |= {name}
            case Thaw(product_id=None):
                self.frozen, self.muted = False, frozenset()
            case Thaw(product_id=str(name)):
                self.muted -= {name}
            case Refuse(seconds=seconds, scope=scope):
                self._refused_until, self._scope = steady + seconds, scope
            case Fail():
                self._failures.append(fault)
            case Slow(seconds=seconds):
                self._slow, self._slow_until = fault, steady + seconds
            case Accept():
                self._refused_until = self._slow_until = 0.0
                self._failures.clear()

    def trouble(self, path: str) -> Trouble | None:
        """What the request for ``path`` meets with, if anything; it is used up by that."""
        for at, failure in enumerate(self._failures):
            if failure.path in path:
                left = failure.requests - 1
                rest = [msgspec.structs.replace(failure, requests=left)] if left else []
                self._failures[at : at + 1] = rest
                return failure.how
        return None

    def delay(self, what: Reached, steady: float) -> float:
        """How long (real seconds) a new connection or request waits now."""
        slow = self._slow
        if slow is None or steady >= self._slow_until or slow.scope not in {"all", what}:
            return 0.0
        return slow.delay

    def refuses(self, what: Reached, steady: float) -> bool:
        """Whether a new connection or request is cut now."""
        return steady < self._refused_until and self._scope in {"all", what}
