"""All exchanges of a run: of one world, in one time, each broken on its own.

Rule 1: what one exchange promises and another does not is a row of :data:`STREAMS`, so that a fault
    is judged by what can be known of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.soak.exchange import QuickExchange, QuickTime
from trading.core.market import Market
from trading.exchanges.registry import EXCHANGES
from trading.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a lost or displaced frame of an exchange shows of itself.

    Attributes:
        numbers_frames: The next frame shows it at once, before anything is told. Elsewhere a minute
            may be told without a trade, and is mended when its market's next one shows the loss.
        channel: The frames that may be lost; None: any.
        says_farewell: It announces that it will end its connections.
        history_path: In requests for history, where a dial needs a request too: each that fails is
            a dial that fails, and the next one waits for longer.
    """

    numbers_frames: bool = False
    channel: str | None = None
    says_farewell: bool = False
    history_path: str = ""


STREAMS: Mapping[str, Stream] = MappingProxyType(
    {
        "coinbase": Stream(numbers_frames=True),
        "binance": Stream(says_farewell=True),
        # Its trades leave numbers out, so that only its candles tell a loss. With the candle lost
        # as well as the last trade of its minute nothing on the wire ever tells of either.
        "kucoin": Stream(channel="trade.l3match", history_path="/market/candles"),
    }
)


class QuickExchanges:
    """Those that Livermore knows, simulated.

    Args:
        directory: Where their orders are written.
        seed: Of their world.
        speed: Simulated seconds in a real one.
        at: Simulated time to begin at, unix seconds.
        symbols: How many markets are watched in all.
    """

    def __init__(self, directory: Path, *, seed: int, speed: float, at: int, symbols: int) -> None:
        self._time = QuickTime(at=at, speed=speed)
        self._each = {
            name: QuickExchange(name, directory, time=self._time, seed=seed, products=4 * symbols)
            for name in EXCHANGES
        }
        self.variables: dict[str, str] = {}
        """By which a worker finds them, once they were started."""
        share, more = divmod(symbols, len(self._each))
        first = next(iter(self._each))
        self.markets: list[Market] = [
            market
            for name, exchange in self._each.items()
            for market in exchange.markets(share + (more if name == first else 0))
        ]

    def __getitem__(self, name: str) -> QuickExchange:
        return self._each[name]

    @property
    def now(self) -> float:
        """Simulated time, unix seconds."""
        return self._time.now

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._time.speed

    def start(self) -> None:
        """Start them all."""
        for exchange in self._each.values():
            self.variables |= exchange.start().variables

    def worlds(self) -> Mapping[str, World]:
        """The world as each of them has it by now, in this process."""
        return {name: exchange.world() for name, exchange in self._each.items()}

    def close(self) -> None:
        """Leave nothing running."""
        for exchange in self._each.values():
            exchange.close()
