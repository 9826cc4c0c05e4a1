"""Whether markets may be put on a watchlist, by the word of the exchanges that list them.

Rule 1: what is on the list already is admitted, and nobody is asked about it.
Rule 2: a listing of some minutes ago will do to admit; before it is believed that a market is not
    there, or closed, the exchange is asked anew.
Rule 3: nothing is changed here. Where an exchange does not tell, nothing is admitted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from control.symbols.comparing import Comparison
from control.symbols.listings import NAMES_SECONDS, Listing, listing
from control.symbols.parsing import FileRow
from control.symbols.previews import Outcome, State
from settings_app.schema import Settings
from trading.core.market import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A market that may not be watched.

    Args:
        why: What is in the way.
        reason: The same in words, without the name of the market.
        nearest: Of a symbol that is unknown, the names most like it that can be watched.
    """

    market: Market
    why: Outcome
    reason: str
    nearest: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The reason with its full stop."""
        return self.reason if self.reason.endswith("?") else f"{self.reason}."


class NotAdmitted(Exception):
    """Markets may not be watched; nothing was changed, for the others neither.

    Args:
        refusals: Each of them, in the order in which they were named.
        notes: That a listing by which they were refused is old.
    """

    def __init__(self, refusals: Collection[Refusal], notes: Collection[str] = ()) -> None:
        told = [f"{one.market.symbol} of {one.market.exchange}: {one.sentence}" for one in refusals]
        super().__init__(" ".join([*told, *notes, "Nothing was changed."]))
        self.refusals = tuple(refusals)
        self.notes = tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Markets that may be watched.

    Args:
        notes: What is to be known of them: a listing that is old, an order book that is shared.
    """

    markets: frozenset[Market]
    notes: tuple[str, ...]


def admit(document: Settings, markets: Iterable[Market]) -> Admitted:
    """Hold markets against a watchlist and against what their exchanges list.

    Raises:
        NotAdmitted: With every market that may not be watched.
        ListingUnknown: If an exchange does not tell what it lists.
    """
    wanted = tuple(markets)
    comparison = Comparison(
        known={
            (entry.symbol, entry.exchange): State(entry.enabled, entry.categories)
            for entry in document.watchlist
        },
        enabled=[name for name, exchange in document.exchanges.items() if exchange.enabled],
        listing=lambda exchange: _listing_for(exchange, wanted),
    )
    refusals, notes = [], []
    for number, market in enumerate(wanted, 1):
        named = FileRow(number=number, symbol=market.symbol, exchange=market.exchange)
        found = comparison.of(named)
        if found.outcome is Outcome.ADDED and found.detail:
            notes.append(f"{market.symbol} of {market.exchange} {found.detail}")
        if found.before is None and found.after is None:
            reason, near = found.detail, found.nearest
            refusals.append(Refusal(market=market, why=found.outcome, reason=reason, nearest=near))
    if refusals:
        raise NotAdmitted(refusals, comparison.notes)
    return Admitted(markets=frozenset(wanted), notes=(*notes, *comparison.notes))


def _listing_for(exchange: str, wanted: Iterable[Market]) -> Listing:
    known = listing(exchange, fresh=NAMES_SECONDS)
    found = [known.instruments.get(one.symbol) for one in wanted if one.exchange == exchange]
    is_all_open = all(one is not None and one.streamable for one in found)
    return known if is_all_open else listing(exchange)
