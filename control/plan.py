"""From what PostgreSQL holds to what a desk is to do.

Rule 1: synchronous reads, for a database thread; nothing is written here.
Rule 2: :func:`plan_of` is pure: the same document, mode and positions give the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from control.protocol import Desired
from settings_app import credentials, desired, services
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import Settings
from trading.core.market import Market, Timeframe
from trading.core.modes import Mode
from trading.exchanges.registry import EXCHANGES
from trading.models import Position
from trading.ports import DeskPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a user wants, as PostgreSQL had it in one moment.

    Args:
        desired: Paused or not, and the mode.
        settings_revision: Of the document the plan was made from.
        plan: What to watch; None where the document cannot be used.
        problems: Why not, a sentence for each field.
        credentials_set: The variables that the user may name and that are set in this process.
    """

    desired: Desired
    settings_revision: int
    plan: DeskPlan | None
    problems: tuple[str, ...] = ()
    credentials_set: tuple[str, ...] = ()

    @property
    def timeframes(self) -> tuple[str, ...]:
        """The timeframes of the plan, shortest first."""
        return tuple(str(t) for t in self.plan.timeframes) if self.plan else ()


def situation(user_id: int) -> Situation:
    """Read what a user wants now.

    Raises:
        User.DoesNotExist: If the user was deleted.
    """
    row = desired.read_desired(user_id)
    wanted = Desired(is_paused=row.is_paused, mode=str(row.mode), revision=row.revision)
    revision = User.objects.values_list("settings_revision", flat=True).get(pk=user_id)
    holder = credentials.holder(user_id)
    unusable = Situation(
        desired=wanted,
        settings_revision=revision,
        plan=None,
        credentials_set=credentials.usable(holder),
    )
    try:
        stored = services.read(user_id)
    except SettingsInvalid as exc:
        problems = tuple(f"{error.pointer or '/'}: {error.message}" for error in exc.errors)
        return replace(unusable, problems=problems)
    except SettingsTooNew as exc:
        return replace(unusable, problems=(str(exc),))
    named = credentials.named(stored.document).values()
    held = Position.objects.filter(user_id=user_id).values_list("exchange", "symbol")
    return Situation(
        desired=wanted,
        settings_revision=stored.revision,
        plan=plan_of(stored.document, row.mode, held),
        credentials_set=credentials.usable(holder, first=named),
    )


def plan_of(document: Settings, mode: Mode, held: Iterable[tuple[str, str]]) -> DeskPlan:
    """What a desk does in a mode.

    Args:
        document: The user's settings, current and valid.
        mode: What the runtime is for.
        held: Exchange and symbol of every position.

    Returns:
        A plan with only those markets whose exchange is enabled and known to this program.
    """
    of_mode = document.modes.of(mode)
    candidates = _candidates(document, of_mode.symbol_source, held)
    usable = {
        name
        for name, exchange in document.exchanges.items()
        if exchange.enabled and name in EXCHANGES
    }
    markets = dict.fromkeys(market for market in candidates if market.exchange in usable)
    wanted = set(of_mode.timeframes)
    return DeskPlan(
        mode=str(mode),
        markets=tuple(markets),
        timeframes=tuple(timeframe for timeframe in Timeframe if timeframe in wanted),
        rules=of_mode.rules,
    )


def _candidates(document: Settings, source: str, held: Iterable[tuple[str, str]]) -> list[Market]:
    match source:
        case "watchlist":
            return [Market(row.exchange, row.symbol) for row in document.watchlist if row.enabled]
        case "positions":
            by_hand = [Market(row.exchange, row.symbol) for row in document.position_symbols]
            return [*(Market(*pair) for pair in held), *by_hand]
        case _:
            return []  # the scanner's last approved scan: nobody has approved one yet
