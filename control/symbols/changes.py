"""The changes of a watchlist that people ask for, and what they lead to.

Rule 1: each is one save and one reload, however many markets it names (:mod:`.editing`).
Rule 2: a new market is held against its exchange before anything is saved. Is one of several
    refused, none is added.
Rule 3: the answer says what becomes of each market: what stops, and what goes on and why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from control import client
from control.client import Answer
from control.plan import situation
from control.protocol import Command, Origin
from control.symbols import watchlist
from control.symbols.admitting import NotAdmitted, Refusal, admit
from control.symbols.changed import Changed, Consequences, Deed
from control.symbols.editing import WAIT_SECONDS, Row, Rows, edit
from control.symbols.previews import Outcome as Admission
from control.symbols.watchlist import Categories, Outcome, Revised, Tagging, market_of
from settings_app import services
from settings_app.models import User
from trading.core.market import Market

Revise = Callable[[Sequence[Row]], Revised]


def primary_exchange(user: User) -> str:
    """The exchange that is meant where none is named.

    Raises:
        SettingsTooNew: If a newer program stored the settings.
        SettingsInvalid: If something else than this program stored them.
    """
    return str(services.read(user.pk).document.perseus_profile.primary_exchange)


def market_named(user: User, symbol: str, exchange: str | None = None) -> Market:
    """The market that is meant: without an exchange, on the primary one. Raises as that."""
    return Market(exchange or primary_exchange(user), symbol)


# ---------------------------------------------------------------------- several
def add(
    user: User,
    wanted: Mapping[Market, Categories | None],
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Watch markets: new ones behind the others, known ones enabled where they are.

    Args:
        wanted: The categories of each; None leaves those that it has.
        by: Who changes it.
        origin: By what, for the history.
        wait: Seconds for the runtime's answer at most; None returns as soon as it is sent.

    Raises:
        NotAdmitted: With every market that may not be watched; nothing was saved.
        ListingUnknown: If an exchange does not tell what it lists; nothing was saved.
        SettingsInvalid: With every field error; nothing was saved.
        SettingsTooNew: If a newer program stored the settings.
    """
    document = services.read(user.pk).document
    admitted = admit(document, wanted)
    known = {Market(entry.exchange, entry.symbol) for entry in document.watchlist}

    def revise(rows: Sequence[Row]) -> Revised:
        _refuse_taken_off(known.intersection(wanted).difference(map(market_of, rows)))
        return watchlist.added(rows, wanted)

    return _make(
        user,
        Deed.ADDED,
        revise,
        by=by,
        origin=origin,
        wait=wait,
        is_wanted=True,
        notes=admitted.notes,
    )


def _refuse_taken_off(markets: Collection[Market]) -> None:
    """What was on the list, and so was not held against its exchange, must be there still."""
    reason = "it was taken off the watchlist at the same time; add it again"
    if markets:
        raise NotAdmitted(
            [Refusal(market=one, why=Admission.UNKNOWN, reason=reason) for one in markets]
        )


def enable(
    user: User,
    markets: Collection[Market],
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Turn rows on. Args and Raises as of :func:`alter`."""

    def revise(rows: Sequence[Row]) -> Revised:
        return watchlist.switched(rows, markets, enabled=True)

    return _make(user, Deed.ENABLED, revise, by=by, origin=origin, wait=wait, is_wanted=True)


def disable(
    user: User,
    markets: Collection[Market],
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Turn rows off, which keeps them. Args and Raises as of :func:`alter`."""

    def revise(rows: Sequence[Row]) -> Revised:
        return watchlist.switched(rows, markets, enabled=False)

    return _make(user, Deed.DISABLED, revise, by=by, origin=origin, wait=wait, is_wanted=False)


def remove(
    user: User,
    markets: Collection[Market],
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Take rows off the list. Args and Raises as of :func:`alter`."""

    def revise(rows: Sequence[Row]) -> Revised:
        return watchlist.removed(rows, markets)

    return _make(user, Deed.REMOVED, revise, by=by, origin=origin, wait=wait, is_wanted=False)


def categorise(
    user: User,
    markets: Collection[Market],
    categories: Sequence[str],
    tagging: Tagging = Tagging.SET,
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Set, add or take away categories. Other Args and Raises as of :func:`alter`."""

    def revise(rows: Sequence[Row]) -> Revised:
        return watchlist.categorised(rows, markets, categories, tagging)

    return _make(user, Deed.CATEGORISED, revise, by=by, origin=origin, wait=wait)


# ---------------------------------------------------------------------- one
def move(
    user: User,
    market: Market,
    to: int | Market,
    *,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Move a row to a place counted from 0, or to just before another market's row.

    Other Args and Raises as of :func:`alter`.
    """

    def revise(rows: Sequence[Row]) -> Revised:
        if isinstance(to, Market):
            return watchlist.placed_before(rows, market, other=to)
        return watchlist.placed(rows, market, at=to)

    return _make(user, Deed.MOVED, revise, by=by, origin=origin, wait=wait)


def alter(
    user: User,
    market: Market,
    *,
    enabled: bool | None = None,
    categories: Categories | None = None,
    position: int | None = None,
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Changed:
    """Change what is given of one row, and leave the rest of it.

    Args:
        position: Its place in the list, counted from 0.
        by: Who changes it.
        origin: By what, for the history.
        wait: Seconds for the runtime's answer at most; None returns as soon as it is sent.

    Raises:
        SettingsInvalid: With every field error; nothing was saved.
        SettingsTooNew: If a newer program stored the settings.
    """

    def revise(rows: Sequence[Row]) -> Revised:
        steps = [watchlist.categorised(rows, [market], (), Tagging.ADD)]  # nothing, so far
        if enabled is not None:
            steps.append(watchlist.switched(steps[-1].rows, [market], enabled=enabled))
        if categories is not None:
            steps.append(watchlist.categorised(steps[-1].rows, [market], categories))
        if position is not None:
            steps.append(watchlist.placed(steps[-1].rows, market, at=position))
        done = [step for step in steps if step.outcomes[market] is Outcome.DONE]
        return Revised(steps[-1].rows, (done or steps)[0].outcomes)

    return _make(user, Deed.CHANGED, revise, by=by, origin=origin, wait=wait, is_wanted=enabled)


def add_one(
    user: User, market: Market, *, origin: Origin, wait: float | None = WAIT_SECONDS
) -> Answer:
    """Have the runtime add a market, which can be undone; it asks the exchange where it must.

    Raises:
        CommandRefused: If there can be no such market; nothing was sent.
        NotSent: If Redis did not take it.
    """
    return _send(user, Command.ADD_SYMBOL, market, origin, wait)


def remove_one(
    user: User, market: Market, *, origin: Origin, wait: float | None = WAIT_SECONDS
) -> Answer:
    """Have the runtime take a market off the list, which can be undone. Raises as add_one."""
    return _send(user, Command.REMOVE_SYMBOL, market, origin, wait)


def _send(
    user: User, command: Command, market: Market, origin: Origin, wait: float | None
) -> Answer:
    payload = {"symbol": market.symbol, "exchange": market.exchange}
    return client.send(user, command, payload, origin=origin, wait=wait)


# ---------------------------------------------------------------------- making and telling
def _make(
    user: User,
    deed: Deed,
    revise: Revise,
    *,
    by: User,
    origin: Origin,
    wait: float | None,
    is_wanted: bool | None = None,
    notes: tuple[str, ...] = (),
) -> Changed:
    outcomes: dict[Market, Outcome] = {}

    def change(rows: Rows) -> Rows:
        revised = revise(rows)
        outcomes.clear()
        outcomes.update(revised.outcomes)
        return revised.rows

    before = situation(user.pk)
    edited = edit(user, change, by=by, origin=origin, wait=wait)
    done = [market for market, outcome in outcomes.items() if outcome is Outcome.DONE]
    return Changed(
        deed=deed,
        outcomes=outcomes,
        edited=edited,
        consequences=Consequences.of(before, situation(user.pk), done, is_wanted=is_wanted),
        notes=notes,
    )
