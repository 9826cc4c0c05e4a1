"""What an exchange lists, and how its clock stands to ours.

Rule 1: asked for now and then, never waited for twice: without an answer every symbol may be tried,
    and the stream's own acknowledgement tells which were not known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from trading.core.errors import ExchangeError
from trading.core.market import Instrument, Ticker
from trading.exchanges.ports import Exchange, MarketDataProtocol
from trading.listings import Listed, instruments_of, with_figures
from trading.market.names import Names
from trading.net.backoff import Backoff
from trading.net.clock import Skew, ask_skew
from trading.net.http import ExchangeHttp

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 1_800.0


class Listing:
    """The instruments of one exchange as last seen.

    Args:
        exchange: Whose.
        http: Its REST interface.
        changed: Called when the list was read anew.
    """

    def __init__(
        self, exchange: Exchange, http: ExchangeHttp, *, changed: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._http = http
        self._changed = changed
        self._instruments: dict[str, Instrument] = {}
        self._aliases: dict[str, str] = {}
        self._moved: set[str] = set()
        self._tickers: list[Ticker] | None = None
        self.reading: Listed | None = None
        """The newest whole one, with the day's figures: for whoever keeps it. Replaced as a whole,
        and so safe to read from any thread."""
        self.names = Names(exchange)
        """What the exchange calls its markets."""
        self.asked = asyncio.Event()
        """Set when the exchange was asked once, whatever came of it."""
        self.skew: Skew | None = None
        """How far its clock is ahead of this host's."""

    @property
    def instruments(self) -> Mapping[str, Instrument] | None:
        """All that it lists, by canonical symbol; None while unknown. Replaced as a whole, and so
        safe to read from any thread.
        """
        return self._instruments or None

    @property
    def symbols(self) -> frozenset[str] | None:
        """All that it lists, streamable or not; None while that is unknown."""
        return frozenset(self._instruments) or None

    def may_stream(self, symbol: str) -> bool:
        """Whether it makes sense to subscribe to a symbol, as far as is known."""
        if not self._instruments:
            return not self._exchange.has_own_ids
        instrument = self._instruments.get(symbol)
        return instrument is not None and instrument.streamable

    def new_protocol(self) -> MarketDataProtocol:
        """A protocol for a fresh connection, knowing which symbols share a book, and their ids."""
        return self._exchange.new_protocol(self._aliases, self.names.streamed)

    def take_moved(self) -> frozenset[str]:
        """Symbols of which it was learnt since the last call that they share another book."""
        moved, self._moved = frozenset(self._moved), set()
        return moved

    async def run(self) -> None:
        """Keep the list fresh until cancelled."""
        backoff = Backoff(first=2.0, longest=60.0)
        while True:
            try:
                await self._ask()
            except ExchangeError as exc:
                delay = backoff.next_delay()
                log.warning("listing.failed", exchange=self._exchange.name, reason=str(exc))
            else:
                backoff.reset()
                delay = REFRESH_SECONDS
                self._changed()
                self.asked.set()
                await self._complete()
            self.asked.set()
            await asyncio.sleep(delay)

    async def _ask(self) -> None:
        """One attempt each: this loop is its own retry."""
        exchange = self._exchange
        self.skew = await ask_skew(exchange, self._http, _now_us, attempts=1)
        instruments, self._tickers = await instruments_of(exchange, self._http, attempts=1)
        self._instruments = {listed.market.symbol: listed for listed in instruments}
        self._take_aliases()
        self.names.take(instruments)
        log.info(
            "listing.read",
            exchange=exchange.name,
            instruments=len(instruments),
            skew_ms=round(self.skew.ms),
        )

    def _take_aliases(self) -> None:
        """Learn which symbols share a book; the protocols that there are see it, too."""
        known = dict(self._aliases)
        self._aliases.clear()
        for symbol, listed in self._instruments.items():
            if listed.alias_of is not None:
                self._aliases[symbol] = listed.alias_of
        self._moved |= {symbol for symbol, _ in known.items() ^ self._aliases.items()}

    async def _complete(self) -> None:
        """Put the day's figures to what was read; streams did not have to wait for them."""
        instruments = tuple(self._instruments.values())
        try:
            self.reading = await with_figures(
                self._exchange, self._http, instruments, self._tickers, attempts=1
            )
        except ExchangeError as exc:
            log.warning("listing.no_figures", exchange=self._exchange.name, reason=str(exc))


def _now_us() -> int:
    return time.time_ns() // 1_000
