"""What every exchange must offer, and what it tells: the only shape the shells know.

Rule 1: an exchange's folder implements these and nothing outside it knows more.
Rule 2: no I/O here and none behind it: a shell feeds text in and carries text out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from trading.core.exact import exact_total
from trading.core.market import Candle, Instrument, Ticker, Timeframe, Trade


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The exchange's clock as a frame showed it (unix microseconds): proof of a live link."""

    time_us: int


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What the exchange says this connection receives now, in canonical symbols (cumulative)."""

    symbols: frozenset[str]


@dataclass(frozen=True, slots=True)
class SequenceGap:
    """Frames were lost on this connection; every symbol on it may miss trades."""

    expected: int
    received: int


@dataclass(frozen=True, slots=True)
class TradeGap:
    """Trades of one symbol were lost: ``missing`` ids before ``resumes_at_us``."""

    symbol: str
    missing: int
    resumes_at_us: int


@dataclass(frozen=True, slots=True)
class TradesLost:
    """The exchange's own figures hold more of a symbol than was told of it.

    Its ids show nothing of that; what they do show is a :class:`TradeGap`, and the core sees it.
    """

    symbol: str
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class VenueError:
    """The exchange complained in words; the connection may stay open."""

    message: str


@dataclass(frozen=True, slots=True)
class AliveAnswered:
    """The exchange has answered the newest sign of life: the way there and back is known."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The exchange will end this connection soon, and says so."""


Event = (
    Trade
    | ServerTime
    | Subscriptions
    | SequenceGap
    | TradeGap
    | TradesLost
    | VenueError
    | AliveAnswered
    | Farewell
)


class MarketDataProtocol(Protocol):
    """One WebSocket connection's worth of state. It does not outlive its socket."""

    def subscribe(self, symbols: Collection[str]) -> None:
        """Ask for the trades of these canonical symbols; the text waits in ``text_to_send``."""

    def unsubscribe(self, symbols: Collection[str]) -> None:
        """Stop asking for these."""

    def renew(self, symbols: Collection[str]) -> None:
        """Subscribe anew to some that are asked for: they are acknowledged, and nothing comes.

        :class:`Subscriptions` tells at once what is not received until that is answered.
        """

    def overhear(self) -> None:
        """Take what somebody else was told: trades of every symbol, asked for or not.

        For a recording. It may hold several connections one behind the other; where the next one
        visibly begins, a :class:`SequenceGap` is told.
        """

    def receive_text(self, text: str | bytes) -> None:
        """Take one frame.

        Raises:
            Malformed: If the frame is not what the protocol promises; drop the connection.
        """

    def events_received(self) -> list[Event]:
        """What happened since the last call, oldest first.

        A trade is told once by its id. Before the first one the clock is told, by which it can be
        believed.
        """

    def say_alive(self) -> None:
        """Have something to say, as an exchange with ``alive_seconds`` must hear now and then.

        It is the last of what there is to send; :class:`AliveAnswered` tells of the answer.
        """

    @property
    def has_text(self) -> bool:
        """Whether there is something to send now."""

    def text_to_send(self) -> list[str]:
        """Frames to send now, in order; emptied by the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A REST request as data; ``path`` is relative to the exchange's REST base address."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # they may hold a token
    weight: int = 1  # how much of the budget it takes, where an exchange weighs requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A REST answer as data; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one account holds of one currency. Several may hold the same: who reads them sums."""

    account_id: str
    currency: str
    available: Decimal
    hold: Decimal  # set aside for open orders, or otherwise locked
    kind: str = ""  # in the exchange's words, so that an unknown one is kept: ACCOUNT_TYPE_VAULT
    platform: str = ""  # likewise: ACCOUNT_PLATFORM_CONSUMER
    portfolio_id: str = ""
    is_active: bool = True
    is_fiat: bool = False  # the exchange says that it is no coin

    @property
    def total(self) -> Decimal:
        """All of it, to the last digit."""
        return exact_total((self.available, self.hold))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPermissions:
    """What a key may do; ``trading.exchanges.permissions`` says what follows from it."""

    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_id: str = ""


class AccountsReading(Protocol):
    """All pages of a list of accounts, asked for one after another."""

    def request(self) -> Request | None:
        """What to ask next; None when all is read. Unsigned, and the same until it is answered."""

    def receive(self, response: Response) -> None:
        """Take the answer. One that is an error changes nothing, so the page can be asked again.

        Raises: Unreachable, RateLimited, Rejected, KeyRefused, KeyDoubted, Malformed.
        """

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those read so far, each once."""


class Accounts(Protocol):
    """What an exchange offers to somebody with a key, whose type is the exchange's own."""

    def read_key(self, *, name: str, secret: str, passphrase: str = "") -> Any:
        """The key that these texts are; its repr holds no secret.

        Raises:
            ConfigError: If they are none, in words without any of the secret.
        """

    def signed(self, request: Request, key: Any, *, base: str, at: int, nonce: str) -> Request:
        """The request with what proves the key; sign anew whenever it is sent again.

        Args:
            key: What ``read_key`` made.
            base: The REST base address that the request's path is relative to.
            at: The exchange's time, unix seconds.
            nonce: 64 hexadecimal digits, random and used once.
        """

    def permissions_request(self) -> Request: ...

    def permissions(self, response: Response) -> KeyPermissions:
        """Raises: Unreachable, RateLimited, Rejected, KeyRefused, KeyDoubted, Malformed."""

    def reading(self) -> AccountsReading:
        """A reading of all accounts, from the first page."""


class Sessions(Protocol):
    """What an exchange wants that gives out an address for one connection each."""

    def request(self) -> Request:
        """What to ask before each dial."""

    def address(self, response: Response, nonce: str) -> str:
        """The WebSocket address to dial, once.

        Args:
            nonce: 32 hexadecimal digits, random and used once.

        Raises: Unreachable, RateLimited, Rejected, Malformed.
        """


class Exchange(Protocol):
    """Everything the program knows about one exchange, apart from its addresses."""

    name: str  # "coinbase"
    label: str  # "Coinbase"
    requests_per_second: float  # of weight 1
    messages_per_second: float
    connections_per_second: float
    symbols_per_connection: int
    candles_per_request: int
    silence_seconds: float  # a live connection is never quiet for longer
    connection_seconds: float  # a connection is replaced at this age; inf: it may stay
    accounts: Accounts | None  # None: it shows none
    sessions: Sessions | None  # None: the address to dial is known, and needs no leave
    alive_seconds: float | None  # a client must say something as often, in frames; None: never
    has_own_ids: bool  # its ids are not our symbols: only its instruments tell which is which
    leaves_out_ids: bool  # of trades: each says which one it follows; else they are contiguous

    def new_protocol(
        self,
        aliases: Mapping[str, str] | None = None,
        natives: Mapping[str, str] | None = None,
    ) -> MarketDataProtocol:
        """A protocol for a fresh connection.

        Args:
            aliases: Canonical symbol to the one whose order book it shares
                (``Instrument.alias_of``): its trades are told under both names. The mapping may
                change while the connection lives; ``renew`` goes by what it says then.
            natives: The exchange's own ids of what is open to trade, by canonical symbol, where it
                has its own; the mapping may change while the connection lives.
        """

    def spare_seconds(self, response: Response) -> float:
        """For how long nobody should ask anything, by what an answer says is used up; 0: go on.

        Others behind the same address use it up too.
        """

    def instruments_request(self) -> Request: ...

    def instruments(self, response: Response) -> list[Instrument]:
        """Everything that is listed, of every kind.

        Raises: Unreachable, RateLimited, Rejected, Malformed.
        """

    def tickers_request(self) -> Request:
        """Of every market; equal to ``instruments_request`` where one answer tells both."""

    def tickers(self, response: Response) -> list[Ticker]:
        """One for each market that the exchange tells of, by the exchange's own id.

        Raises: Unreachable, RateLimited, Rejected, Malformed.
        """

    def ticker_request(self, native: str) -> Request:
        """Of one market, by the exchange's own id."""

    def ticker(self, response: Response) -> Ticker:
        """By the exchange's own id.

        Raises: Unreachable, RateLimited, Rejected (also where there is no such market), Malformed.
        """

    def candles_request(self, native: str, timeframe: Timeframe, start: int, end: int) -> Request:
        """Candles of the buckets opened in ``[start, end]``, at most ``candles_per_request``.

        Args:
            native: The exchange's own id of the market.
        """

    def candles(self, response: Response, symbol: str, timeframe: Timeframe) -> Sequence[Candle]:
        """Oldest first, as the exchange has them: empty buckets are absent, and the newest may
        be the bucket in progress (the caller drops what is not closed by the exchange's clock).

        Args:
            symbol: The canonical one, by which they are told.

        Raises: Unreachable, RateLimited, Rejected, Malformed.
        """

    def server_time_request(self) -> Request: ...

    def server_time(self, response: Response) -> int:
        """Unix microseconds. Raises: Unreachable, RateLimited, Rejected, Malformed."""
