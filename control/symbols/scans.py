"""The scanner's runs as rows, and what the last approved one lets a mode watch.

Rule 1: synchronous; each query carries one user's id.
Rule 2: a proposal is kept as it was shown: what is approved is what somebody saw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from control.models import ScanRun
from settings_app.schema import Settings
from trading.core.market import Market
from trading.scanner import Criteria, Row, Scan, Verdict

Kept = dict[str, Any]

KEPT_RUNS: Final = 30
GOOD_FOR: Final = timedelta(hours=48)
"""How old a proposal may be that is approved: the last daily one can be, the next day too."""


def criteria_of(document: Settings) -> Criteria:
    """What a user's settings want to be proposed."""
    wanted = document.scanner
    return Criteria(
        exchange=str(wanted.exchange),
        quote=wanted.quote,
        top_n=wanted.top_n,
        min_volume_24h_quote=wanted.min_volume_24h_quote,
        exclude=frozenset(wanted.exclude),
    )


def new_run(user_id: int, criteria: Criteria, cause: ScanRun.Cause, *, by: str = "") -> ScanRun:
    """A run that has found nothing yet, not saved."""
    return ScanRun(
        user_id=user_id,
        cause=cause,
        asked_by=by,
        exchange=criteria.exchange,
        criteria={
            "quote": criteria.quote,
            "topN": criteria.top_n,
            "minVolume24hQuote": criteria.min_volume_24h_quote,
            "exclude": sorted(criteria.exclude),
        },
    )


def fill(run: ScanRun, found: Scan, *, note: str) -> None:
    """Put into a run what was found."""
    run.note, run.seen = note, found.seen
    run.rows = [_kept(row) for row in found.rows]
    run.left_out = [_kept(row) for row in found.left_out]
    run.left_out_count = found.left_out_count


def symbols_of(run: ScanRun, verdict: Verdict) -> list[str]:
    """The symbols of a run with a verdict, in its order."""
    return [row["symbol"] for row in run.rows if row["verdict"] == verdict]


def last(user_id: int) -> ScanRun | None:
    """The newest run of a user; None: there is none."""
    return ScanRun.objects.filter(user_id=user_id).order_by("-at", "-pk").first()


def last_made(user_id: int) -> ScanRun | None:
    """The newest run of a user that did not fail; None: there is none."""
    runs = ScanRun.objects.filter(user_id=user_id).exclude(state=ScanRun.State.FAILED)
    return runs.order_by("-at", "-pk").first()


def made(user_id: int, run_id: int) -> ScanRun | None:
    """One run of a user that did not fail; None: there is no such one of theirs."""
    runs = ScanRun.objects.filter(user_id=user_id, pk=run_id)
    return runs.exclude(state=ScanRun.State.FAILED).first()


def is_open(run: ScanRun, now: datetime) -> bool:
    """Whether a run can be approved still."""
    return run.state == ScanRun.State.PREVIEWED and now - run.at <= GOOD_FOR


def last_approved(user_id: int) -> ScanRun | None:
    """The run that a user approved last; None: none ever."""
    runs = ScanRun.objects.filter(user_id=user_id, state=ScanRun.State.APPROVED)
    return runs.order_by("-approved_at", "-pk").first()


def last_daily_at(user_id: int) -> datetime | None:
    """When the last daily run was that did not fail; None: never."""
    runs = ScanRun.objects.filter(user_id=user_id, cause=ScanRun.Cause.DAILY)
    runs = runs.exclude(state=ScanRun.State.FAILED)
    return runs.order_by("-at").values_list("at", flat=True).first()


def approved(user_id: int) -> dict[Market, int]:
    """What a mode watches whose symbols are the scanner's, and since when, unix seconds."""
    run = last_approved(user_id)
    if run is None:
        return {}
    return {Market(run.exchange, one["symbol"]): one["since"] for one in run.approved}


def approval(
    symbols: Iterable[str], run: ScanRun, before: Mapping[Market, int], at: datetime
) -> list[Kept]:
    """What a run lets a mode watch; what that watched before goes on as it does.

    Args:
        before: What :func:`approved` gave.
    """
    now = math.ceil(at.timestamp())
    return [
        {"symbol": symbol, "since": before.get(Market(run.exchange, symbol), now)}
        for symbol in symbols
    ]


def withdraw(user_id: int, run_id: int) -> None:
    """Take back that a user has approved a run: it waits again, and the one before holds."""
    runs = ScanRun.objects.filter(user_id=user_id, pk=run_id, state=ScanRun.State.APPROVED)
    waits = {"state": ScanRun.State.PREVIEWED, "approved_at": None, "approved_by": ""}
    runs.update(**waits, approved=[])


def prune(user_id: int) -> int:
    """Remove what is older than the newest runs, and neither approved last, nor what an undo of
    that would bring back, nor the last daily one.

    Returns:
        How many there were.
    """
    runs = ScanRun.objects.filter(user_id=user_id)
    kept = set(runs.order_by("-at", "-pk").values_list("pk", flat=True)[:KEPT_RUNS])
    approved_runs = runs.filter(state=ScanRun.State.APPROVED).order_by("-approved_at", "-pk")
    kept.update(approved_runs.values_list("pk", flat=True)[:2])
    # By it the next worker knows that today's was made.
    daily = runs.filter(cause=ScanRun.Cause.DAILY).exclude(state=ScanRun.State.FAILED)
    kept.update(daily.order_by("-at").values_list("pk", flat=True)[:1])
    return runs.exclude(pk__in=kept).delete()[0]


def _kept(row: Row) -> Kept:
    figures = row.figures
    return {
        "symbol": row.market.symbol,
        "verdict": str(row.verdict),
        "rank": row.rank,
        "price": None if figures is None else figures.price,
        "change24h": None if figures is None else figures.change_24h,
        "quoteVolume24h": row.volume,
        "reason": row.reason,
    }
