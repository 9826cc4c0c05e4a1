"""The scanner: a proposal that changes nothing, and the approval of a selection of it.

Rule 1: nothing is added that was not proposed and approved, and nothing is taken off that was not
    named for it.
Rule 2: what is approved is one change of the watchlist and one reload, and the record of it is in
    the same transaction: both are there, or neither is.
Rule 3: what has moved since the proposal was shown is told, and not forced.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.utils import timezone

from control.models import ScanRun
from control.protocol import Origin
from control.symbols import scans, watchlist
from control.symbols.admitting import admit
from control.symbols.editing import WAIT_SECONDS, Edited, Rows, edit
from control.symbols.listings import Listing, ListingUnknown, listing
from control.symbols.watchlist import Outcome, market_of
from settings_app import services
from settings_app.models import User
from settings_app.schema import Settings
from settings_app.schema.rules import enabled_exchanges
from trading.core.market import Market
from trading.scanner import Criteria, Scan, Verdict, scan

MOST_NAMES: Final = 5
OLDEST_SECONDS: Final = 3_600.0
"""Of the figures that a proposal is made from, while the exchange does not answer."""

State, Cause = ScanRun.State, ScanRun.Cause


class ScanRefused(Exception):
    """A scan cannot be made, or not approved; the text says why, and nothing was changed."""


class NotProposed(ScanRefused):
    """Something was selected that a scan does not propose.

    Args:
        field: Which selection: ``add`` or ``remove``.
    """

    def __init__(self, field: str, symbols: Sequence[str]) -> None:
        more = f" and {len(symbols) - MOST_NAMES} more" if len(symbols) > MOST_NAMES else ""
        names = ", ".join(symbols[:MOST_NAMES])
        super().__init__(f"This scan does not propose to {field} {names}{more}.")
        self.field = field


class ScanMissing(ScanRefused):
    """There is no such scan of this user."""


class ScanConflict(ScanRefused):
    """A scan is not any more what it was when it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What became of an approved selection.

    Args:
        added: Symbols that are new on the watchlist, or on again.
        removed: Those that are off it.
        already: Those that were as wanted when it came to it.
        watched: What a mode watches now whose symbols are the scanner's.
        edited: The one change of the settings, and what the runtime said of it.
    """

    run: ScanRun
    added: tuple[str, ...]
    removed: tuple[str, ...]
    already: tuple[str, ...]
    watched: tuple[str, ...]
    edited: Edited

    @property
    def applied(self) -> bool:
        """Whether it is in effect by the word of the runtime."""
        return self.edited.applied

    @property
    def message(self) -> str:
        """What became of it, for people."""
        already = f", {len(self.already)} as wanted already" if self.already else ""
        counts = f"{len(self.added)} added, {len(self.removed)} removed{already}"
        return f"{counts}; {self.edited.consequence}"


# ---------------------------------------------------------------------- proposing
def preview(user: User, *, by: str = "") -> ScanRun:
    """What the scanner would add and remove, and why; nothing else is changed.

    Args:
        by: Who asks.

    Raises:
        ScanRefused: If its exchange is not enabled.
        ListingUnknown: If the exchange does not tell, and has not for an hour.
        SettingsTooNew: If a newer program stored the settings.
        SettingsInvalid: If something else than this program stored them.
    """
    document = services.read(user.pk).document
    criteria = criteria_for(document)
    run = scans.new_run(user.pk, criteria, Cause.ASKED, by=by)
    known = listing(criteria.exchange)
    if known.trouble and known.age_seconds > OLDEST_SECONDS:
        raise ListingUnknown(known.exchange, known.label, known.trouble)
    scans.fill(run, found_in(known, criteria, document), note=known.note)
    run.save()
    scans.prune(user.pk)
    return run


def criteria_for(document: Settings) -> Criteria:
    """What is wanted.

    Raises:
        ScanRefused: If its exchange is not enabled.
    """
    criteria = scans.criteria_of(document)
    if criteria.exchange not in enabled_exchanges(document):
        raise ScanRefused(
            f"{criteria.exchange} is not enabled in the settings; enable it under /exchanges, or"
            " choose another one at /scanner/exchange. Nothing was changed."
        )
    return criteria


def found_in(known: Listing, criteria: Criteria, document: Settings) -> Scan:
    """What a listing proposes to somebody with these settings."""
    ours = [row.symbol for row in document.watchlist if row.exchange == criteria.exchange]
    return scan(known.instruments.values(), known.tickers.values(), criteria, watched=ours)


# ---------------------------------------------------------------------- approving
def approve(
    user: User,
    run_id: int,
    *,
    add: Collection[str] | None = None,
    remove: Collection[str] = (),
    by: User,
    origin: Origin,
    wait: float | None = WAIT_SECONDS,
) -> Approval:
    """Do what was selected of a proposal, and let the modes of the scanner watch it.

    Args:
        run_id: Which one, of this user.
        add: Symbols that it would add; None is all of them.
        remove: Symbols that it would remove.
        by: Who approves.
        origin: By what, for the history.
        wait: Seconds for the runtime's answer at most; None returns as soon as it is sent.

    Raises:
        ScanMissing: If there is no such proposal.
        ScanConflict: If it was approved already, or is too old.
        NotProposed: If something was selected that it does not propose.
        NotAdmitted: With every market that may not be watched any more; nothing was changed.
        ListingUnknown: If the exchange does not tell what it lists; nothing was changed.
        SettingsInvalid: With every field error; nothing was saved.
        SettingsTooNew: If a newer program stored the settings.
    """
    run = _proposal(user.pk, run_id)
    proposed = scans.symbols_of(run, Verdict.ADD)
    wanted = proposed if add is None else list(dict.fromkeys(add))
    unwanted = list(dict.fromkeys(remove))
    _refuse_what_is_not_proposed(run, wanted, unwanted)
    markets = [Market(run.exchange, symbol) for symbol in wanted]
    admit(services.read(user.pk).document, markets)
    merge = _Merge(run, wanted, unwanted)

    def record() -> None:
        at = timezone.now()
        run.approved = scans.approval(merge.watched, run, scans.approved(user.pk), at)
        decided = {"state": State.APPROVED, "approved_at": at, "approved_by": by.get_username()}
        waiting = ScanRun.objects.filter(pk=run.pk, user_id=user.pk, state=State.PREVIEWED)
        if not waiting.update(**decided, approved=run.approved):
            raise ScanConflict("Somebody else has approved this scan. Nothing was changed.")

    edited = edit(user, merge.into, by=by, origin=origin, wait=wait, along=record, approves=run.pk)
    run.refresh_from_db()
    return Approval(
        run=run,
        added=tuple(merge.added),
        removed=tuple(merge.removed),
        already=tuple(merge.already),
        watched=tuple(merge.watched),
        edited=edited,
    )


def _proposal(user_id: int, run_id: int) -> ScanRun:
    run = ScanRun.objects.filter(user_id=user_id, pk=run_id).first()
    if run is None:
        raise ScanMissing("There is no such scan of yours.")
    if run.state == State.APPROVED and run.approved_at is not None:
        when = f"{run.approved_at:%Y-%m-%d %H:%M} UTC"
        raise ScanConflict(f"This scan was approved already, at {when}. Nothing was changed.")
    if run.state == State.FAILED:
        raise ScanConflict("This scan failed, and proposes nothing. Make another one.")
    if timezone.now() - run.at > scans.GOOD_FOR:
        days = (timezone.now() - run.at) // timedelta(days=1)
        raise ScanConflict(f"This scan is {days} days old. Make another one; nothing was changed.")
    return run


def _refuse_what_is_not_proposed(run: ScanRun, add: Sequence[str], remove: Sequence[str]) -> None:
    for symbols, verdict in ((add, Verdict.ADD), (remove, Verdict.REMOVE)):
        if strange := sorted(set(symbols) - set(scans.symbols_of(run, verdict))):
            raise NotProposed(str(verdict), strange)


@dataclass(slots=True)
class _Merge:
    """A selection on its way into a watchlist."""

    run: ScanRun
    add: Sequence[str]
    remove: Sequence[str]
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)

    def into(self, rows: Rows) -> Rows:
        """The watchlist with it; what was as wanted already stays so."""
        exchange = self.run.exchange
        new = watchlist.added(rows, {Market(exchange, one): None for one in self.add})
        left = watchlist.removed(new.rows, [Market(exchange, one) for one in self.remove])
        outcomes = {**new.outcomes, **left.outcomes}
        done = [market.symbol for market, what in outcomes.items() if what is Outcome.DONE]
        self.added = [one for one in self.add if one in done]
        self.removed = [one for one in self.remove if one in done]
        self.already = [one for one in (*self.add, *self.remove) if one not in done]
        on = {market_of(row) for row in left.rows if row["enabled"]}
        # What it would take off and nobody let go is on the list, and so is watched on.
        proposed = [row["symbol"] for row in self.run.rows if row["verdict"] != Verdict.ADD]
        chosen = {*self.add, *proposed}
        ranked = [row["symbol"] for row in self.run.rows if row["symbol"] in chosen]
        self.watched = [one for one in ranked if Market(exchange, one) in on]
        return left.rows
