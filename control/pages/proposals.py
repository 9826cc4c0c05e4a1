"""What the symbols page shows of the scanner, in the words of its reader.

Rule 1: reads only. What is asked of the scanner goes through :mod:`control.pages.scanner`.
Rule 2: a proposal is shown as it was made; what has become of each of its markets since stands
    beside it, and only what can still be done can be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from control.marks import Mark
from control.models import ScanRun
from control.symbols import daily, scans
from control.symbols.scanning import ScanRefused, criteria_for
from settings_app import services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import Settings
from trading.alerts.reader import Reader
from trading.core.modes import Mode
from trading.exchanges.registry import EXCHANGES
from trading.scanner import Criteria, Verdict

LISTED: Final = Mark("on the watchlist", "ok", "ok")
SWITCHED_OFF: Final = Mark("on the watchlist, off", "off", "offline")
NOT_ADDED: Final = Mark("not added", "off", "offline")
REMOVED: Final = Mark("not on the watchlist", "ok", "ok")
KEPT: Final = Mark("kept", "off", "offline")

WAITS: Final = Mark("waits for you", "off", "bell")
NOTHING: Final = Mark("nothing to change", "off", "ok")
APPROVED: Final = Mark("approved", "ok", "ok")
OLD: Final = Mark("too old to approve", "off", "stale")
FAILED: Final = Mark("failed", "bad", "faulted")
NEVER: Final = Mark("never run", "off", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One market of a proposal.

    Args:
        rank: Its place by volume; None where it has none.
        change_24h: Percent.
        volume: Of 24 hours, quote currency.
        reason: Why it would go, or was left out.
        fate: What became of it; None while it can be chosen.
    """

    symbol: str
    rank: int | None
    price: float | None
    change_24h: float | None
    volume: float | None
    reason: str
    fate: Mark | None = None

    @property
    def direction(self) -> str:
        """``up`` or ``down``, as far as the figure that is shown has one."""
        change = round(self.change_24h or 0.0, 1)
        return "up" if change > 0 else "down" if change < 0 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One run, as it is shown.

    Args:
        made: When and for whom.
        is_open: Whether it can be approved.
        approved: When and by whom it was; empty if it was not.
    """

    run: ScanRun
    mark: Mark
    made: str
    is_open: bool
    approved: str
    add: tuple[Proposed, ...]
    remove: tuple[Proposed, ...]
    stays: tuple[Proposed, ...]
    left_out: tuple[Proposed, ...]

    @property
    def more_left_out(self) -> int:
        """How many are left out of which it is not told why."""
        return self.run.left_out_count - len(self.left_out)

    @property
    def choices(self) -> int:
        """How many changes can be chosen."""
        return sum(one.fate is None for one in (*self.add, *self.remove))

    @property
    def quote(self) -> str:
        """The currency of its figures."""
        return str(self.run.criteria.get("quote", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """The scanner of a user.

    Args:
        criteria: What it looks for, in words; empty where the settings cannot be read.
        hindrance: Why no scan can be made; empty if one can.
        daily: When the next daily scan is due, or that there is none.
        next_at: When that is; None if there is none to wait for.
        failure: When and why the last one failed; empty if it did not.
        last: The newest run and its state, by which a page sees that there is another one.
        missing: Whether a scan was asked for that there is not.
        last_approved: When and by whom one was approved last; empty: none ever was.
        followers: The modes whose symbols are those of the last approved scan.
    """

    criteria: str
    hindrance: str
    daily: str
    next_at: datetime | None
    mark: Mark
    failure: str
    last: str
    missing: bool
    proposal: Proposal | None
    last_approved: str
    followers: tuple[str, ...]
    exchange: str


def scanner_of(user: User, reader: Reader, *, run_id: int | None = None) -> Scanner:
    """The scanner of a user, with its newest proposal.

    Args:
        reader: How the user has moments written.
        run_id: The scan to show instead of the newest one.
    """
    now = timezone.now()
    words = Words(reader, now)
    document, hindrance = _document(user)
    asked_for = None if run_id is None else scans.made(user.pk, run_id)
    run = asked_for or scans.last_made(user.pk)
    last, approved = scans.last(user.pk), scans.last_approved(user.pk)
    failed = last if last is not None and last.state == ScanRun.State.FAILED else None
    proposal = None if run is None else proposal_of(run, _rows(document, run.exchange), words)
    next_at = _next_at(user, document, now)
    return Scanner(
        criteria="" if document is None else wanted(scans.criteria_of(document)),
        hindrance=hindrance,
        daily=_daily(document, next_at, words),
        next_at=next_at,
        mark=FAILED if failed else NEVER if proposal is None else proposal.mark,
        failure="" if failed is None else f"{words.moment(failed.at)}: {failed.reason}",
        last="" if last is None else f"{last.pk} {last.state}",
        missing=run_id is not None and asked_for is None,
        proposal=proposal,
        last_approved="" if approved is None else words.approval(approved),
        followers=() if document is None else followers_of(document),
        exchange="" if document is None else label_of(document.scanner.exchange),
    )


@dataclass(frozen=True, slots=True)
class Words:
    """How a reader is told of runs at a moment."""

    reader: Reader
    now: datetime

    def moment(self, at: datetime) -> str:
        """A moment, without its day where that is today."""
        clock = self.reader.clock(at)
        is_today = self.reader.day(at) == self.reader.day(self.now)
        return clock if is_today else f"{self.reader.day(at)} {clock}"

    def run(self, run: ScanRun) -> str:
        """When a run was made, and why."""
        if run.cause == ScanRun.Cause.DAILY:
            return f"the daily scan of {self.moment(run.at)}"
        by = f" by {run.asked_by}" if run.asked_by else ""
        return f"made {self.moment(run.at)}{by}"

    def approval(self, run: ScanRun) -> str:
        """When a run was approved, and by whom."""
        if run.approved_at is None:
            return ""
        by = f" by {run.approved_by}" if run.approved_by else ""
        return f"{self.moment(run.approved_at)}{by}"


def proposal_of(run: ScanRun, enabled: Mapping[str, bool], words: Words) -> Proposal:
    """A run as it is shown.

    Args:
        enabled: By each symbol of the exchange on the watchlist now, whether it is switched on.
    """
    is_open = scans.is_open(run, words.now)
    add = tuple(
        _proposed(row, _fate_of_new(row, enabled, is_open)) for row in _with(run, Verdict.ADD)
    )
    remove = tuple(
        _proposed(row, _fate_of_old(row, enabled, is_open)) for row in _with(run, Verdict.REMOVE)
    )
    approved = words.approval(run)
    mark = APPROVED if approved else WAITS if add or remove else NOTHING
    return Proposal(
        run=run,
        mark=mark if is_open or approved else OLD,
        made=words.run(run),
        is_open=is_open,
        approved=approved,
        add=add,
        remove=remove,
        stays=tuple(_proposed(row) for row in _with(run, Verdict.STAYS)),
        left_out=tuple(_proposed(row) for row in run.left_out),
    )


def wanted(criteria: Criteria) -> str:
    """What is looked for, in words."""
    volume = f"{criteria.min_volume_24h_quote:,.0f} {criteria.quote}"
    excluded = len(criteria.exclude)
    but = f", never the {excluded} you excluded" if excluded else ""
    return (
        f"{label_of(criteria.exchange)}, priced in {criteria.quote}: the {criteria.top_n} with the"
        f" most volume in 24 h, from {volume} on{but}"
    )


def label_of(exchange: str) -> str:
    """What people call an exchange."""
    known = EXCHANGES.get(exchange)
    return exchange.capitalize() if known is None else known.label


def followers_of(document: Settings) -> tuple[str, ...]:
    """The modes that watch what was approved last."""
    return tuple(mode.value for mode in Mode if document.modes.of(mode).symbol_source == "scanner")


# ---------------------------------------------------------------------- the settings
def _document(user: User) -> tuple[Settings | None, str]:
    """The settings, and why no scan can be made by them."""
    try:
        document = services.read(user.pk).document
    except (SettingsInvalid, SettingsTooNew) as exc:
        return None, f"The settings cannot be read: {exc}"
    try:
        criteria_for(document)
    except ScanRefused as exc:
        return document, str(exc)
    return document, ""


def _rows(document: Settings | None, exchange: str) -> dict[str, bool]:
    if document is None:
        return {}
    return {row.symbol: row.enabled for row in document.watchlist if row.exchange == exchange}


def _next_at(user: User, document: Settings | None, now: datetime) -> datetime | None:
    return None if document is None else daily.expected_at(user, document, now)


def _daily(document: Settings | None, next_at: datetime | None, words: Words) -> str:
    if document is None:
        return ""
    if not document.scanner.enabled:
        return "off"
    if next_at is None:
        return "when you have resumed"
    if next_at <= words.now:
        return "due now"
    return f"next {words.moment(next_at)}"


# ---------------------------------------------------------------------- the rows
def _with(run: ScanRun, verdict: Verdict) -> Iterable[dict[str, Any]]:
    return (row for row in run.rows if row["verdict"] == verdict)


def _fate_of_new(row: dict[str, Any], enabled: Mapping[str, bool], is_open: bool) -> Mark | None:
    is_on = enabled.get(row["symbol"])
    if is_on:
        return LISTED
    if is_open:
        return None
    return NOT_ADDED if is_on is None else SWITCHED_OFF


def _fate_of_old(row: dict[str, Any], enabled: Mapping[str, bool], is_open: bool) -> Mark | None:
    if row["symbol"] not in enabled:
        return REMOVED
    return None if is_open else KEPT


def _proposed(row: dict[str, Any], fate: Mark | None = None) -> Proposed:
    return Proposed(
        symbol=row["symbol"],
        rank=row["rank"],
        price=row["price"],
        change_24h=row["change24h"],
        volume=row["quoteVolume24h"],
        reason=row["reason"],
        fate=fate,
    )
