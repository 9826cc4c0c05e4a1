"""Which positions a list of balances amounts to, and what of the known ones changes by it.

Rule 1: what one pays with is no position: fiat, and coins that are worth one unit of it. Nor is
    what is worth less than the owner's minimum.
Rule 2: an asset whose worth nobody knows is kept, and said: a holding that is shown needlessly
    costs a glance, one that is not shown may cost money.
Rule 3: an asset is read in one market: where it trades, before all in one that is named already,
    then in the dollar, then in what stands for it. One that no market trades is left out, and
    said; but a known position of a market that is still listed stays, for a break in trading
    passes.
Rule 4: what was entered by hand stands. Where the exchange counts otherwise, that is said.
Rule 5: a cost basis is the owner's word. It stays for as long as the position does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from trading.core.exact import MOST_EXPONENT, exact_total
from trading.core.market import Instrument, InstrumentKind, Market
from trading.core.money import DOLLARS, FIAT, STABLECOINS

PLACES: Final = 18  # of a quantity, behind the point
TOO_LARGE: Final = Decimal(10**20)  # what has so many digits before it is written nowhere
_QUOTES: Final = (*DOLLARS, "EUR", "GBP", "BTC", "ETH")
_EXACT: Final = Context(prec=4 * MOST_EXPONENT)


class Balance(NamedTuple):
    """What one account holds of one currency. Several may hold the same.

    Args:
        is_fiat: The exchange says that it is no coin.
    """

    currency: str
    amount: Decimal
    is_fiat: bool = False


class LeftOut(StrEnum):
    """Why a holding is no position."""

    MONEY = "money"
    DUST = "dust"
    NOT_TRADED = "not traded"
    TOO_LARGE = "too large to be written down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A position, as the exchange counts it.

    Args:
        quantity: In base currency, above zero, cut off behind :data:`PLACES`.
        worth_usd: Of all of it; None: not known.
    """

    market: Market
    quantity: Decimal
    worth_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What a list of balances amounts to.

    Args:
        positions: In the order of their symbols.
        left_out: Of every other currency that is held, why it is no position.
    """

    positions: tuple[Found, ...]
    left_out: Mapping[str, LeftOut]

    @property
    def not_traded(self) -> tuple[str, ...]:
        """The currencies that no market of the exchange trades."""
        return tuple(c for c, why in self.left_out.items() if why is LeftOut.NOT_TRADED)


class Known(NamedTuple):
    """A position as it is on record."""

    market: Market
    quantity: Decimal
    by_hand: bool


class Overruled(NamedTuple):
    """The exchange counts otherwise than the owner, whose word stands."""

    market: Market
    by_hand: Decimal
    found: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What makes the positions on record those that were found."""

    opened: tuple[Found, ...] = ()
    resized: tuple[Found, ...] = ()
    closed: tuple[Market, ...] = ()
    overruled: tuple[Overruled, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.opened or self.resized or self.closed)


def portfolio(
    balances: Iterable[Balance],
    instruments: Iterable[Instrument],
    *,
    minimum_usd: Decimal,
    known: Collection[Market] = (),
    named: Collection[Market] = (),
) -> Portfolio:
    """The positions among some balances.

    Args:
        balances: All accounts of one owner at one exchange.
        instruments: Everything that the exchange lists, with its prices.
        minimum_usd: Positions worth less are left out; those on record below half of it.
        known: The markets of the positions on record.
        named: Markets that the owner has named otherwise; they are preferred as well.
    """
    listing = _Listing(instruments, known=known, named=named)
    positions, left_out = [], {}
    for currency, amount in sorted(_sums(balances).items()):
        if currency in FIAT or currency in STABLECOINS:
            left_out[currency] = LeftOut.MONEY
            continue
        quantity = amount.quantize(Decimal(1).scaleb(-PLACES), ROUND_DOWN, _EXACT)
        worth = _worth(amount, listing.usd(currency))
        market = listing.market_of(currency)
        # One on record stays for a while: a price that falls must not take its stop loss with it,
        # nor what its owner says was paid.
        least = minimum_usd / 2 if market in known else minimum_usd
        if not quantity or (worth is not None and worth < least):
            left_out[currency] = LeftOut.DUST
        elif quantity >= TOO_LARGE:
            left_out[currency] = LeftOut.TOO_LARGE
        elif market is None:
            left_out[currency] = LeftOut.NOT_TRADED
        else:
            positions.append(Found(market=market, quantity=quantity, worth_usd=worth))
    return Portfolio(positions=tuple(positions), left_out=left_out)


def changes(on_record: Iterable[Known], found: Iterable[Found]) -> Changes:
    """What makes the positions on record those that were found.

    Args:
        on_record: All positions of the owner at the exchange, each market once.
        found: Each market once.
    """
    before = {position.market: position for position in on_record}
    now = {position.market: position for position in found}
    both = [(before[market], one) for market, one in now.items() if market in before]
    return Changes(
        opened=tuple(one for market, one in now.items() if market not in before),
        resized=tuple(one for old, one in both if not old.by_hand and old.quantity != one.quantity),
        closed=tuple(
            market for market, old in before.items() if market not in now and not old.by_hand
        ),
        overruled=tuple(
            Overruled(old.market, old.quantity, one.quantity)
            for old, one in both
            if old.by_hand and old.quantity != one.quantity
        ),
    )


class _Listing:
    """What an exchange lists, by what one asks of it."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        known: Collection[Market],
        named: Collection[Market],
    ) -> None:
        self._known, self._preferred = frozenset(known), frozenset(known) | frozenset(named)
        self._of_base: dict[str, list[Instrument]] = defaultdict(list)
        self._prices: dict[tuple[str, str], Decimal] = {}
        for listed in instruments:
            if listed.kind is not InstrumentKind.SPOT:
                continue  # priced by other rules, and nothing of it is held
            self._of_base[listed.base].append(listed)
            if listed.price:
                self._prices[listed.base, listed.quote] = Decimal(repr(listed.price))

    def market_of(self, base: str) -> Market | None:
        """The market that an asset is read in; None: there is none that trades."""
        open_ones = [
            one
            for one in self._of_base.get(base, ())
            if one.streamable or one.market in self._known
        ]
        return min(open_ones, key=self._rank).market if open_ones else None

    def usd(self, currency: str) -> Decimal | None:
        """What one of it is worth in dollars, as far as any market says."""
        if (direct := self._in_dollars(currency)) is not None:
            return direct
        quotes = sorted(self._of_base.get(currency, ()), key=self._rank)
        for one in quotes:
            price, worth = self._prices.get((currency, one.quote)), self._in_dollars(one.quote)
            if price is not None and worth is not None:
                return price * worth
        return None

    def _in_dollars(self, currency: str) -> Decimal | None:
        if currency in DOLLARS:
            return Decimal(1)
        return next(self._dollar_prices(currency), None)

    def _dollar_prices(self, currency: str) -> Iterator[Decimal]:
        for dollar in DOLLARS:
            if (price := self._prices.get((currency, dollar))) is not None:
                yield price
        for dollar in DOLLARS:  # fiat is the quote of such a pair: USDC-EUR
            if (price := self._prices.get((dollar, currency))) is not None:
                yield 1 / price

    def _rank(self, one: Instrument) -> tuple[bool, bool, int, str]:
        rank = _QUOTES.index(one.quote) if one.quote in _QUOTES else len(_QUOTES)
        return not one.streamable, one.market not in self._preferred, rank, one.market.symbol


def _sums(balances: Iterable[Balance]) -> dict[str, Decimal]:
    """What is held of each currency in all; what the exchange calls fiat is nowhere in it."""
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for balance in balances:
        if not balance.is_fiat:
            amounts[balance.currency].append(balance.amount)
    totals = {currency: exact_total(parts) for currency, parts in amounts.items()}
    return {currency: total for currency, total in totals.items() if total > 0}


def _worth(amount: Decimal, price: Decimal | None) -> Decimal | None:
    return None if price is None else _EXACT.multiply(amount, price)


def in_words(
    found: Portfolio, overruled: Sequence[Overruled], *, exchange: str, minimum_usd: Decimal
) -> list[str]:
    """What an owner should know of a reading, a sentence each; often nothing.

    Args:
        exchange: As people call it.
    """
    told = []
    if unpriced := [one.market.symbol for one in found.positions if one.worth_usd is None]:
        told.append(f"Kept, though nobody says what it is worth: {', '.join(unpriced)}.")
    if idle := found.not_traded:
        told.append(f"Left out: {exchange} does not trade {', '.join(idle)}.")
    if dust := sum(why is LeftOut.DUST for why in found.left_out.values()):
        told.append(f"Left out: {dust} worth less than {minimum_usd.normalize():f} USD.")
    if large := [name for name, why in found.left_out.items() if why is LeftOut.TOO_LARGE]:
        told.append(f"Left out: more than can be written down of {', '.join(large)}.")
    for market, by_hand, counted in overruled:
        told.append(
            f"{market.symbol} stays at {by_hand.normalize():f} as entered by hand; "
            f"{exchange} counts {counted.normalize():f}."
        )
    return told
