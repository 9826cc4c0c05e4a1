"""What a track is missing, and getting it.

Rule 1: one request for each hole, however many users wait for it, and none while one is on its way.
Rule 2: an answer changes a series only while somebody may watch it: what comes behind closed gates
    is dropped, and asked for again when a gate opens.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from trading.core.candles import Hole
from trading.core.errors import ExchangeError
from trading.core.market import Timeframe
from trading.exchanges.ports import Exchange
from trading.market.backfill import (
    GRACE_SECONDS,
    Backfill,
    HistoryJob,
    Urgency,
    cut_before,
    hole_spans,
    warm_up_spans,
)
from trading.market.track import Track

log = structlog.get_logger(__name__)

OLDEST_CUT_SECONDS = 240 * Timeframe.M1.seconds
"""A warm-up that waited longer begins anew, while its trades are still kept."""

OVERLAP_SECONDS = Timeframe.M1.seconds


class Complain(Protocol):
    """Who is told that something did not work, and of which symbol."""

    def __call__(self, message: str, symbol: str | None = None) -> None: ...


class Supply:
    """History for the tracks of one exchange.

    Args:
        exchange: Whose.
        backfill: Who asks it.
        complain: Told of every history that did not come.
    """

    def __init__(self, exchange: Exchange, backfill: Backfill, *, complain: Complain) -> None:
        self._exchange = exchange
        self._backfill = backfill
        self._complain = complain

    def go_on(self, track: Track) -> None:
        """Tell what is certain by now, and ask for what is missing."""
        track.seat_arrivals()
        track.tell()
        self._hasten(track)
        if not track.may_fetch:
            return
        if track.series.needs_warm_up:
            self._warm_up(track)
        elif hole := track.series.hole():
            self._repair(track, hole)

    def leave(self, track: Track) -> None:
        """Ask no more history of a market that nobody lists any more: others wait behind it."""
        if track.warm_up is not None:
            self._backfill.withdraw(track.warm_up)

    def _hasten(self, track: Track) -> None:
        """What somebody began to hold while its warm-up waits goes before the rest, too."""
        job = track.warm_up
        if job is not None and job.urgency is Urgency.WARM_UP and track.is_held:
            self._backfill.hasten(job, Urgency.WARM_UP_OF_POSITION)

    def _repair(self, track: Track, hole: Hole) -> None:
        def done(job: HistoryJob, error: ExchangeError | None) -> None:
            if self._is_usable(track, error):
                track.series.repair(job.candles[Timeframe.M1], hole)
                self.go_on(track)

        job = HistoryJob(
            symbol=track.market.symbol,
            urgency=Urgency.REPAIR,
            cut=hole.end,
            left=hole_spans(hole),
            done=done,
        )
        self._submit(track, job)

    def _warm_up(self, track: Track) -> None:
        cut = cut_before(track.series.server_time_us, GRACE_SECONDS)
        job = track.warm_up
        if job is None or cut - job.cut > OLDEST_CUT_SECONDS:
            job = track.warm_up = self._new_warm_up(track, cut)
        self._submit(track, job)

    def _new_warm_up(self, track: Track, cut: int) -> HistoryJob:
        # Bars told before the last restart are history; those since then are a hole, and so is
        # the very last one, whose amendment may have been lost with that life.
        certain = None if track.resume_at is None else track.resume_at - OVERLAP_SECONDS
        if certain is not None and 0 <= cut - certain <= OLDEST_CUT_SECONDS:
            cut = certain

        def done(job: HistoryJob, error: ExchangeError | None) -> None:
            if self._is_usable(track, error):
                track.warmed_up(job)
                name, symbol = self._exchange.name, job.symbol
                log.info("supply.warm", exchange=name, symbol=symbol, cut=job.cut)
                self.go_on(track)

        return HistoryJob(
            symbol=track.market.symbol,
            urgency=Urgency.WARM_UP_OF_POSITION if track.is_held else Urgency.WARM_UP,
            cut=cut,
            left=warm_up_spans(cut),
            done=done,
            # A life before this process told what was kept; what closed since is a hole as well.
            resume_seconds=OLDEST_CUT_SECONDS if track.resume_at is None else 0,
            owners=tuple(desk.seat.owner for desk in track.watchers),
            doubted_since=track.series.given_up_since,
        )

    def _submit(self, track: Track, job: HistoryJob) -> None:
        track.is_fetching = True
        self._backfill.submit(job)

    def _is_usable(self, track: Track, error: ExchangeError | None) -> bool:
        """Whether an answer may change a series: it came, and somebody may watch."""
        if error is None:
            track.fetched()
        else:
            track.failed(error)
            symbol = track.market.symbol
            self._complain(f"No history of {symbol}: {error}", symbol)
        return error is None and track.is_attended()
