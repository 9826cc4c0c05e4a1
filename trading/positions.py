"""Reading what a key shows: what it may do, its balances, and what the exchange lists.

Rule 1: first what the key may do. With one that may transfer nothing else is asked.
Rule 2: a request is signed with the exchange's time, as measured just before: a token from a clock
    that is wrong by a minute is no proof.
Rule 3: all pages or nothing: half of what somebody holds would look like a sale.
Rule 4: what is listed is the same for everybody, and asked once for all who read at about the
    same time.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trading.core.errors import ConfigError, Malformed
from trading.core.market import Instrument
from trading.core.portfolio import Balance
from trading.exchanges.permissions import warnings
from trading.exchanges.ports import Account, Accounts, Exchange, Request
from trading.exchanges.registry import EXCHANGES
from trading.listings import priced
from trading.net.clock import ask_skew
from trading.net.endpoints import Endpoints
from trading.net.http import ExchangeHttp

LISTING_SECONDS = 60.0
NONCE_BYTES = 32

Clock = Callable[[], int]  # unix microseconds by this host


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an exchange told the owner of a key.

    Args:
        balances: One for each account; never none.
        instruments: Everything that it lists; never none.
        warnings: What to tell the owner of the key, a sentence each.
    """

    balances: tuple[Balance, ...]
    instruments: Sequence[Instrument]
    warnings: tuple[str, ...] = ()


class Reads(Protocol):
    """What reads accounts: :class:`PositionReader`, as others see it."""

    def accounts_of(self, exchange: str) -> Accounts: ...

    def label_of(self, exchange: str) -> str: ...

    async def read(self, exchange: str, key: Any) -> Reading: ...


@dataclass(frozen=True, slots=True)
class _Listed:
    instruments: Sequence[Instrument]
    read_at: float  # by the rising clock


class PositionReader:
    """Reads accounts, for many users. Lives on one event loop.

    Args:
        endpoints: Addresses by exchange name.
        exchanges: Protocols by exchange name.
        clock: This host's time, which may be wrong.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoints],
        *,
        exchanges: Mapping[str, Exchange] = EXCHANGES,
        clock: Clock = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._endpoints = dict(endpoints)
        self._exchanges = exchanges
        self._clock = clock
        self._listed: dict[str, _Listed] = {}
        self._listing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def label_of(self, exchange: str) -> str:
        """What people call it."""
        known = self._exchanges.get(exchange)
        return exchange.capitalize() if known is None else known.label

    def accounts_of(self, exchange: str) -> Accounts:
        """What reads the keys of an exchange.

        Raises:
            ConfigError: If none can be read here.
        """
        known = self._exchanges.get(exchange)
        if known is None or known.accounts is None or exchange not in self._endpoints:
            raise ConfigError(f"Livermore cannot read positions from {self.label_of(exchange)}")
        return known.accounts

    async def read(self, exchange: str, key: Any) -> Reading:
        """Everything that a position is made of.

        Args:
            exchange: Its name.
            key: What its ``Accounts.read_key`` made.

        Raises:
            ConfigError: If no accounts can be read of this exchange.
            ExchangeError: If it did not tell all of it, or the key may do too much or too little.
        """
        accounts, venue = self.accounts_of(exchange), self._exchanges[exchange]
        base = self._endpoints[exchange].rest
        async with ExchangeHttp(venue, base) as http:
            skew = await ask_skew(venue, http, self._clock)

            def sign(request: Request) -> Request:
                at = int(self._clock() / 1e6 + skew.ms / 1e3)
                nonce = secrets.token_hex(NONCE_BYTES)
                return accounts.signed(request, key, base=base, at=at, nonce=nonce)

            told = await http.ask(accounts.permissions_request(), accounts.permissions, sign=sign)
            to_say = warnings(exchange, told)
            reading = accounts.reading()
            while (request := reading.request()) is not None:
                await http.ask(request, reading.receive, sign=sign)
            if not reading.accounts:
                raise Malformed(exchange, "accounts: there is not one")
            instruments = await self._instruments(venue, http)
        balances = tuple(map(_balance, reading.accounts))
        return Reading(balances=balances, instruments=instruments, warnings=tuple(to_say))

    async def _instruments(self, venue: Exchange, http: ExchangeHttp) -> Sequence[Instrument]:
        async with self._listing[venue.name]:
            known = self._listed.get(venue.name)
            if known is not None and time.monotonic() - known.read_at < LISTING_SECONDS:
                return known.instruments
            found = await http.ask(venue.instruments_request(), venue.instruments)
            if venue.tickers_request() != venue.instruments_request():
                found = priced(found, await http.ask(venue.tickers_request(), venue.tickers))
            if not found:
                raise Malformed(venue.name, "the list of markets is empty")
            self._listed[venue.name] = _Listed(found, time.monotonic())
            return found


def _balance(account: Account) -> Balance:
    return Balance(account.currency, account.total, account.is_fiat)
