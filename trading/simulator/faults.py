"""What is broken on purpose, and for how long.

Rule 1: no I/O. The server asks before it accepts, answers or sends; tests and people order
    faults as data (``POST /_sim/faults``).
Rule 2: a fault is a small immutable value with a ``kind``; a new one is a class here, a case in
    ``Faults.inject`` and, where it needs one, a question that the server asks.
Rule 3: what is done to the world itself (its prices, its trades, what it lists) is ordered the same
    way, and is in :mod:`trading.simulator.interventions`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from trading.simulator.interventions import AnyIntervention
from trading.simulator.venues.ports import Frame, Trouble

_KINDS = re.compile(r'"(channel|e|subject)":"[^"]*"')  # how venues say what a frame is

Reached = Literal["websocket", "rest"]
Scope = Literal["all", "websocket", "rest"]
Garbling = Literal["duplicate", "swap", "malformed", "unknown_channel", "huge"]
HUGE_BYTES = 5_000_000
GOING_AWAY = 1001
ABNORMAL_CLOSURE = 1006  # never sent in a close frame: the TCP connection just ends


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Anything that can be ordered."""


class Drop(Fault, frozen=True, tag="drop"):
    """Every open connection loses its next ``frames`` frames: a gap in its sequence numbers."""

    frames: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    channel: str | None = None  # as the frames name it; None: whichever come first


class Garble(Fault, frozen=True, tag="garble"):
    """Every open connection gets its next ``frames`` frames not as they are meant:

    ``duplicate`` sends each twice, ``swap`` behind the one that follows it, ``malformed`` sends
    half of it, ``unknown_channel`` under a channel that nobody knows, ``huge`` with five
    megabytes of a field that nobody knows.
    """

    how: Garbling
    frames: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    channel: str | None = None


class Close(Fault, frozen=True, tag="close"):
    """Every open connection is closed with ``code``; 1006 cuts it without a close frame."""

    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] = 1000


class Farewell(Fault, frozen=True, tag="farewell"):
    """Every open connection is closed after some (real) seconds, and told so where the venue does:
    Binance's ``serverShutdown``."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 5.0


class Freeze(Fault, frozen=True, tag="freeze"):
    """Silence. Without a product every connection stays open and says nothing, not even a pong;
    what happened meanwhile is told after the thaw. With a product only that one is silent, and
    its trades of that time are never told: its ids jump. With ``late`` they are told after the
    thaw, in the order of their ids and with their old times, when their candles are closed."""

    product_id: str | None = None
    late: bool = False


class Thaw(Fault, frozen=True, tag="thaw"):
    """Ends the freeze of one product, or every freeze."""

    product_id: str | None = None


class Refuse(Fault, frozen=True, tag="refuse"):
    """For some (real) seconds new connections and requests are cut as soon as they arrive."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)]
    scope: Scope = "all"


class Skew(Fault, frozen=True, tag="skew"):
    """The venue's clock is so many seconds ahead of what happens (behind it, if negative): what
    it says the time is, the stamps of its frames, and what it judges tokens by. Trades keep
    their times. 0 sets it right."""

    seconds: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


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


AnyFault = Drop | Garble | Close | Farewell | Freeze | Thaw | Refuse | Accept | Fail | Slow | Skew
AnyOrder = AnyFault | AnyIntervention
_decoder: msgspec.json.Decoder[AnyOrder] = msgspec.json.Decoder(AnyOrder)


def read(body: bytes) -> AnyOrder:
    """An order out of its JSON. Raises: msgspec.DecodeError, with what is wrong in words."""
    return _decoder.decode(body)


class Wire:
    """One connection's share of the faults."""

    def __init__(self) -> None:
        self.close_code: int | None = None
        self.closes_at: float | None = None  # the real second, where that was announced
        self.is_announced = True
        self.dropped = 0
        self._orders: list[Drop | Garble] = []
        self._behind: list[Frame] = []  # to be sent behind the next frame

    def order(self, fault: Drop | Garble) -> None:
        """Lose or garble the next frames (of one channel, if named)."""
        self._orders.append(fault)

    def ending(self, steady: float) -> int | None:
        """The code to close with at the real second ``steady``, if at all."""
        if self.closes_at is not None and steady >= self.closes_at:
            return GOING_AWAY
        return self.close_code

    def through(self, frames: list[Frame]) -> list[Frame]:
        """The frames that reach the client."""
        if not self._orders and not self._behind:
            return frames
        return [reaching for frame in frames for reaching in self._reaching(frame)]

    def _reaching(self, frame: Frame) -> list[Frame]:
        fault = self._met_by(frame)
        if isinstance(fault, Garble) and fault.how == "swap":
            self._behind.append(frame)
            return []
        behind, self._behind = self._behind, []
        if isinstance(fault, Drop):
            self.dropped += 1
            return behind
        return [*(_garbled(frame, fault.how) if fault else [frame]), *behind]

    def _met_by(self, frame: Frame) -> Drop | Garble | None:
        """The order that this frame fulfils, if any; it is used up by that."""
        for at, fault in enumerate(self._orders):
            if fault.channel in {None, frame.channel}:
                left = fault.frames - 1
                self._orders[at : at + 1] = (
                    [msgspec.structs.replace(fault, frames=left)] if left else []
                )
                return fault
        return None


def _garbled(frame: Frame, how: Garbling) -> list[Frame]:
    text = frame.text
    match how:
        case "duplicate":
            return [frame, frame]
        case "malformed":
            return [Frame(frame.channel, text[: len(text) // 2])]
        case "unknown_channel":
            return [Frame(frame.channel, _KINDS.sub(r'"\1":"unheard_of"', text, count=1))]
        case "huge":
            field = f',"unheard_of":"{"x" * HUGE_BYTES}"}}'
            return [Frame(frame.channel, text.removesuffix("}") + field)]
        case _:
            return [frame]


class Faults:
    """Everything that is broken now."""

    def __init__(self) -> None:
        self.frozen = False
        self.muted: frozenset[str] = frozenset()
        self.late: frozenset[str] = frozenset()
        self.skew_ns = 0
        self.wires: set[Wire] = set()
        self._refused_until = 0.0
        self._scope: Scope = "all"
        self._slow: Slow | None = None
        self._slow_until = 0.0
        self._failures: list[Fail] = []

    def inject(self, fault: AnyFault, steady: float) -> None:
        """Break or mend something at the real second ``steady``."""
        match fault:
            case Drop() | Garble():
                for wire in self.wires:
                    wire.order(fault)
            case Close(code=code):
                for wire in self.wires:
                    wire.close_code = code
            case Farewell(seconds=seconds):
                for wire in self.wires:
                    wire.closes_at, wire.is_announced = steady + seconds, False
            case Freeze() | Thaw():
                self._silence(fault)
            case Skew(seconds=seconds):
                self.skew_ns = int(seconds * 1_000_000_000)
            case Refuse(seconds=seconds, scope=scope):
                self._refused_until, self._scope = steady + seconds, scope
            case Fail():
                self._failures.append(fault)
            case Slow(seconds=seconds):
                self._slow, self._slow_until = fault, steady + seconds
            case Accept():
                self._refused_until = self._slow_until = 0.0
                self._failures.clear()

    def _silence(self, fault: Freeze | Thaw) -> None:
        match fault:
            case Freeze(product_id=None):
                self.frozen = True
            case Freeze(product_id=str(name), late=False):
                self.muted |= {name}
            case Freeze(product_id=str(name)):
                self.late |= {name}
            case Thaw(product_id=None):
                self.frozen, self.muted, self.late = False, frozenset(), frozenset()
            case Thaw(product_id=str(name)):
                self.muted -= {name}
                self.late -= {name}

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
