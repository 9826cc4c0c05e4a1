"""From what PostgreSQL holds to what a desk is to do.

Rule 1: synchronous reads, for a database thread; nothing is written here.
Rule 2: :func:`plan_of` is pure: the same document, mode and positions give the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import Window
from django.db.models.functions import RowNumber

from control.models import Reversible
from control.positions.held import Held, held_by
from control.positions.sources import sources
from control.protocol import Desired
from control.symbols import scans
from control.undo import Undo
from settings_app import credentials, desired, services
from settings_app.errors import FieldError, SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.schema import Settings
from settings_app.schema.markets import ExchangeSettings
from trading.core.holdings import Holding
from trading.core.market import Market, Timeframe
from trading.core.modes import Mode, SignalKind
from trading.core.signals import Direction
from trading.exchanges.registry import EXCHANGES
from trading.models import Alert
from trading.ports import DeskPlan, ToldSignal

TOLD_SIGNALS = 8
"""Of each market, timeframe and kind: enough for the cooldowns of the hole of a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a user wants, as PostgreSQL had it in one moment.

    Args:
        desired: Paused or not, and the mode.
        settings_revision: Of the document the plan was made from.
        plan: What to watch; None where the document cannot be used.
        document: The document itself; None where it cannot be used.
        held: The user's positions, in whatever mode.
        problems: Why not, one for each field.
        credentials_set: The variables that the user may name and that are set in this process.
        credentials_missing: Those that the document names and that are not.
        undo: What ``undo`` would do.
    """

    desired: Desired
    settings_revision: int
    plan: DeskPlan | None
    document: Settings | None = field(default=None, repr=False)
    held: tuple[Held, ...] = ()
    problems: tuple[FieldError, ...] = ()
    credentials_set: tuple[str, ...] = ()
    credentials_missing: tuple[str, ...] = ()
    undo: Undo | None = None

    @property
    def timeframes(self) -> tuple[str, ...]:
        """The timeframes of the plan, shortest first."""
        return tuple(str(t) for t in self.plan.timeframes) if self.plan else ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """The indicators of the plan, by name."""
        return self.plan.indicators if self.plan else ()


def situation(user_id: int) -> Situation:
    """Read what a user wants now.

    Raises:
        User.DoesNotExist: If the user was deleted.
    """
    row = desired.read_desired(user_id)
    wanted = Desired(is_paused=row.is_paused, mode=str(row.mode), revision=row.revision)
    undo = last_undo(user_id)
    holder = credentials.holder(user_id)
    try:
        stored = services.read(user_id)
    except (SettingsInvalid, SettingsTooNew) as exc:
        return Situation(
            desired=wanted,
            settings_revision=User.objects.values_list("settings_revision", flat=True).get(
                pk=user_id
            ),
            plan=None,
            problems=_problems(exc),
            credentials_set=credentials.usable(holder),
            undo=undo,
        )
    named = tuple(dict.fromkeys(credentials.named(stored.document).values()))
    found = credentials.usable(holder, first=named)
    held = _held(user_id, stored.document)
    costs = _costs(held)
    scanned = _scanned(user_id, stored.document, row.mode)
    made = plan_of(stored.document, row.mode, costs, scanned)
    return Situation(
        desired=wanted,
        settings_revision=stored.revision,
        plan=replace(
            made,
            since=_seconds(max(desired.decided_at(user_id), stored.updated_at)),
            markets_since=_later(_positions_since(stored.document, made, held), scanned),
        ),
        document=stored.document,
        held=held,
        credentials_set=found,
        # Only what the user may name: another word may be a secret in the wrong place.
        credentials_missing=tuple(
            name for name in named if name not in found and credentials.may_use(name, user=holder)
        ),
        undo=undo,
    )


def of_each_mode(user_id: int) -> dict[Mode, DeskPlan]:
    """What a desk would do in each mode that there is, by what is stored now.

    Raises:
        User.DoesNotExist: If the user was deleted.
        SettingsInvalid: If the document cannot be used, as does SettingsTooNew.
    """
    document = services.read(user_id).document
    costs = _costs(_held(user_id, document))
    return {
        mode: plan_of(document, mode, costs, _scanned(user_id, document, mode))
        for mode in Mode
        if mode.is_implemented
    }


def _costs(held: Iterable[Held]) -> dict[Market, Decimal | None]:
    return {one.market: one.cost_basis if one.quantity else None for one in held}


def opening(user_id: int) -> Situation:
    """The situation that a runtime begins with: it knows what was told before.

    Raises:
        User.DoesNotExist: If the user was deleted.
    """
    now = situation(user_id)
    if now.plan is None:
        return now
    return replace(now, plan=replace(now.plan, told=_told(user_id)))


def _told(user_id: int) -> tuple[ToldSignal, ...]:
    """The newest signals of each market, timeframe and kind, oldest first."""
    newest_first = Window(
        RowNumber(),
        partition_by=["exchange", "symbol", "timeframe", "kind"],
        order_by="-candle_closed_at",
    )
    rows = (
        Alert.objects.signals()
        .filter(user_id=user_id)
        .annotate(age=newest_first)
        .filter(age__lte=TOLD_SIGNALS)
        .order_by("candle_closed_at")
        .values_list("exchange", "symbol", "timeframe", "kind", "direction", "candle_closed_at")
    )
    return tuple(
        ToldSignal(
            market=Market(exchange, symbol),
            timeframe=Timeframe(timeframe),
            kind=SignalKind(kind),
            direction=Direction(direction),
            closed_at=int(closed_at.timestamp()),
        )
        for exchange, symbol, timeframe, kind, direction, closed_at in rows
        if closed_at is not None
    )


def _positions_since(document: Settings, made: DeskPlan, held: Iterable[Held]) -> dict[Market, int]:
    """When the markets of a plan began to be wanted that are wanted for what is held of them.

    A market that the document names is wanted anyway; what was paid for it makes signals as well.
    """
    watches_positions = document.modes.of(Mode(made.mode)).symbol_source == "positions"
    named = {Market(row.exchange, row.symbol) for row in document.position_symbols}
    return {
        one.market: _seconds(one.changed_at)
        for one in held
        if one.market in made.holdings
        or (watches_positions and one.market in made.held and one.market not in named)
    }


def _later(one: Mapping[Market, int], other: Mapping[Market, int]) -> dict[Market, int]:
    """The later moment of each market that has two."""
    return {market: max(one.get(market, 0), other.get(market, 0)) for market in {**one, **other}}


def _seconds(moment: datetime) -> int:
    """The first whole unix second that is not before a moment."""
    return math.ceil(moment.timestamp())


def last_undo(user_id: int) -> Undo | None:
    """What the user's last reversible command can be undone by."""
    row = (
        Reversible.objects.filter(user_id=user_id)
        .values("command", "text", "inverse", "revision")
        .first()
    )
    return None if row is None else Undo.of_row(**row)


def _held(user_id: int, document: Settings) -> tuple[Held, ...]:
    """The user's positions. What an exchange has reported counts while it is read."""
    return held_by(user_id, {source.exchange for source in sources(document)})


def _problems(exc: SettingsInvalid | SettingsTooNew) -> tuple[FieldError, ...]:
    return exc.errors if isinstance(exc, SettingsInvalid) else (FieldError("", str(exc)),)


def plan_of(
    document: Settings,
    mode: Mode,
    held: Mapping[Market, Decimal | None],
    scanned: Iterable[Market] = (),
) -> DeskPlan:
    """What a desk does in a mode.

    Args:
        document: The user's settings, current and valid.
        mode: What the runtime is for.
        held: The cost basis of every position, in quote currency; None where it is not known.
        scanned: What the user approved last of what the scanner proposed.

    Returns:
        A plan with only those markets whose exchange is enabled and known to this program.
    """
    of_mode = document.modes.of(mode)
    candidates = _candidates(document, of_mode.symbol_source, held, scanned)
    usable: dict[str, ExchangeSettings] = {
        name: exchange
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
        held=frozenset(market for market in markets if market in held),
        indicators=of_mode.indicators,
        holdings={
            market: _holding(document, usable[market.exchange], cost)
            for market in markets
            if (cost := held.get(market)) is not None and cost > 0
        },
    )


def _holding(document: Settings, exchange: ExchangeSettings, cost_basis: Decimal) -> Holding:
    """A position by the percentages of its exchange, else of the profile."""
    here, everywhere = exchange.defaults, document.perseus_profile.trade_settings
    stop_loss, take_profit = here.stop_loss_percentage, here.take_profit_percentage
    return Holding.of(
        cost_basis,
        stop_loss_percentage=everywhere.stop_loss_percentage if stop_loss is None else stop_loss,
        take_profit_percentage=(
            everywhere.take_profit_percentage if take_profit is None else take_profit
        ),
    )


def _scanned(user_id: int, document: Settings, mode: Mode) -> dict[Market, int]:
    """What the scanner lets a mode watch, and since when; nothing where it has other symbols."""
    is_scanned = document.modes.of(Mode(mode)).symbol_source == "scanner"
    return scans.approved(user_id) if is_scanned else {}


def _candidates(
    document: Settings, source: str, held: Iterable[Market], scanned: Iterable[Market]
) -> list[Market]:
    match source:
        case "watchlist":
            return [Market(row.exchange, row.symbol) for row in document.watchlist if row.enabled]
        case "positions":
            by_hand = [Market(row.exchange, row.symbol) for row in document.position_symbols]
            return [*held, *by_hand]
        case _:
            return list(scanned)
