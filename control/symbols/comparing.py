"""Holding the rows of a file against a watchlist and against what exchanges list.

Rule 1: nothing is read here but through ``listing``, once for each exchange that has new rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from control.symbols.listings import Listing
from control.symbols.parsing import FileRow
from control.symbols.previews import Outcome, PreviewedRow, State
from settings_app.schema.markets import MOST_SYMBOLS
from trading.core.market import Instrument, InstrumentKind
from trading.core.nearness import NearNames

Name = tuple[str, str]  # symbol and exchange


class Comparison:
    """One file's rows, compared in their order.

    Args:
        known: What the watchlist says, by symbol and exchange.
        enabled: The exchanges that the settings enable.
        listing: Asks what an exchange lists.
    """

    def __init__(
        self,
        *,
        known: Mapping[Name, State],
        enabled: Collection[str],
        listing: Callable[[str], Listing],
    ) -> None:
        self._known = known
        self._enabled = enabled
        self._listing = listing
        self._sources: dict[str, _Source] = {}
        self._room = MOST_SYMBOLS - len(known)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the listings that were read."""
        notes = (source.listing.note for source in self._sources.values())
        return tuple(note for note in notes if note)

    def of(self, row: FileRow) -> PreviewedRow:
        """What becomes of a row.

        Raises:
            ListingUnknown: If its exchange does not tell what it lists.
        """
        if row.trouble:
            return _told(row, Outcome.MALFORMED, f"{row.place}: {row.trouble}")
        if row.repeats is not None:
            return _told(row, Outcome.TWICE, f"row {row.repeats} names it already")
        before = self._known.get((row.symbol, row.exchange))
        return self._new(row) if before is None else _there(row, before)

    def _new(self, row: FileRow) -> PreviewedRow:
        if row.exchange not in self._enabled:
            enabled = ", ".join(self._enabled) or "none"
            detail = f"{row.exchange} is not enabled in the settings (enabled: {enabled})"
            return _told(row, Outcome.EXCHANGE_NOT_ENABLED, detail)
        source = self._sources.get(row.exchange)
        if source is None:
            source = self._sources[row.exchange] = _Source(self._listing(row.exchange))
        label, instrument = source.listing.label, source.listing.instruments.get(row.symbol)
        if instrument is None:
            near = tuple(source.names.of(row.symbol))
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            return _told(row, Outcome.UNKNOWN, f"{label} does not list it{hint}", nearest=near)
        if not instrument.streamable:
            return _told(row, Outcome.DISABLED, f"{label}: {_why_not(instrument)}")
        return self._added(row, instrument)

    def _added(self, row: FileRow, instrument: Instrument) -> PreviewedRow:
        if not self._room:
            detail = f"a watchlist has at most {MOST_SYMBOLS:,} symbols"
            return _told(row, Outcome.NO_ROOM, detail)
        self._room -= 1
        after = State(row.enabled is not False, row.categories or ())
        said = [] if after.enabled else ["turned off"]
        if instrument.alias_of is not None:
            said.append(f"shares the order book of {instrument.alias_of}")
        return _told(row, Outcome.ADDED, "; ".join(said), after=after)


class _Source:
    """What an exchange lists, and the names in it that can be proposed."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    @cached_property
    def names(self) -> NearNames:
        instruments = self.listing.instruments.items()
        return NearNames(symbol for symbol, one in instruments if one.streamable)


def _there(row: FileRow, before: State) -> PreviewedRow:
    """A row that the watchlist has; what the file does not say of it stays.

    Naming it is wanting it watched, as with ``add-symbol``.
    """
    after = State(
        row.enabled is not False,
        before.categories if row.categories is None else row.categories,
    )
    if after == before:
        return _told(row, Outcome.ALREADY_THERE, before=before)
    said = []
    if after.enabled != before.enabled:
        said.append("turned on" if after.enabled else "turned off")
    if after.categories != before.categories:
        said.append(f"categories: {', '.join(after.categories) or 'none'}")
    is_back = after.enabled and not before.enabled
    outcome = Outcome.RE_ENABLED if is_back else Outcome.CHANGED
    return _told(row, outcome, "; ".join(said), before=before, after=after)


def _why_not(instrument: Instrument) -> str:
    if instrument.status:
        return instrument.status
    return "it is a future" if instrument.kind is InstrumentKind.FUTURE else "it is not traded now"


def _told(
    row: FileRow,
    outcome: Outcome,
    detail: str = "",
    *,
    nearest: tuple[str, ...] = (),
    before: State | None = None,
    after: State | None = None,
) -> PreviewedRow:
    return PreviewedRow(
        number=row.number,
        outcome=outcome,
        line=row.line,
        column=row.column,
        symbol=row.symbol,
        exchange=row.exchange,
        detail=detail,
        nearest=nearest,
        before=before,
        after=after,
    )
