"""What a worker gives each of its runtimes to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from control.alerts import SignalLog
from control.database import Database
from control.hotline import Hotline
from control.mailbox import Mailbox
from control.planner import Planner
from control.positions.refresher import Refresher
from control.protocol import CacheStatus, Fault, Wire
from control.replies import Telling
from control.symbols.daily import DailyScans
from control.symbols.verifying import Verifying
from trading.core.market import Market
from trading.plane import DataPlane


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every runtime of a worker shares."""

    worker: str
    database: Database
    hotline: Hotline
    mailbox: Mailbox
    plane: DataPlane
    signals: SignalLog
    may_speak: Callable[[str], bool]  # whether a user is still this worker's, as far as it can know
    tell: Callable[[str], Telling | None]  # composes the status that goes with an answer
    clear: Callable[[str, str], None]  # has what Redis keeps for a user alone removed
    cache: Callable[[Iterable[Market]], CacheStatus | None]  # what these markets' candles take
    tell_pages: Callable[[str, Wire], None]  # puts an event on a user's open pages
    verifying: Verifying
    planner: Planner
    positions: Refresher
    scans: DailyScans
    fault: Callable[[], Fault | None]  # why the data plane does not turn; None while it does
    restart: Callable[[], None]  # has a data plane that has died turn again without waiting
