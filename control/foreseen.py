"""What a command would do, said before it is sent.

Rule 1: nothing is decided here: the plan is :mod:`control.plan`'s, what is read anew
    :mod:`control.backfills`', what is removed :mod:`control.cache`'s.
Rule 2: nothing is written, and nothing is promised: what is stored may move before the command is.
"""

from __future__ import annotations

from dataclasses import dataclass

from control import cache
from control.backfills import ordered_by_clear
from control.candles import kept_names
from control.effects.base import watched
from control.effects.market import PAUSED
from control.effects.symbols import primary_exchange
from control.plan import of_each_mode, situation
from control.protocol import ClearCachePayload
from settings_app import desired
from settings_app.models import User
from trading.core.market import Market, Timeframe
from trading.core.modes import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeForeseen:
    """What a mode would watch.

    Args:
        starts: The markets that are not watched in the mode of now.
        stops: Those that are, and would not be.
    """

    mode: Mode
    is_wanted: bool
    markets: tuple[Market, ...]
    timeframes: tuple[Timeframe, ...]
    starts: tuple[Market, ...]
    stops: tuple[Market, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingForeseen:
    """What ``clear-cache`` would do.

    Args:
        removed: How many names hold what is kept for the user alone, and would go.
        replaced: How many names hold candles that would be read anew and swapped.
        markets: Of how many markets these are.
        refusal: Why the runtime would refuse it now; empty where nothing is known against it.
    """

    removed: int
    replaced: int
    markets: int
    refusal: str

    @property
    def keys(self) -> int:
        """How many names it touches."""
        return self.removed + self.replaced


def modes(user: User) -> tuple[ModeForeseen, ...]:
    """What each mode would watch, held against the one that is wanted now.

    Raises:
        SettingsInvalid: If the document cannot be used, as does SettingsTooNew.
    """
    plans = of_each_mode(user.pk)
    wanted = desired.read_desired(user.pk).mode
    now = plans[Mode(wanted)].markets if Mode(wanted) in plans else ()
    return tuple(
        ModeForeseen(
            mode=mode,
            is_wanted=mode == wanted,
            markets=made.markets,
            timeframes=made.timeframes,
            starts=tuple(market for market in made.markets if market not in now),
            stops=tuple(market for market in now if market not in made.markets),
        )
        for mode, made in plans.items()
    )


def clearing(user: User, payload: ClearCachePayload) -> ClearingForeseen:
    """What ``clear-cache`` with this payload would touch.

    Raises:
        redis.RedisError: If Redis is away.
    """
    now = situation(user.pk)
    if now.document is None:
        return _refused("the settings cannot be used; mend them first")
    if payload.symbol is not None and now.desired.is_paused:
        return _refused(PAUSED)
    orders = ordered_by_clear(
        payload, command_id="", primary=primary_exchange(now.document), watched=watched(now)
    )
    timeframes = orders[0].timeframes if orders else ()
    return ClearingForeseen(
        removed=cache.private_names(user.sub) if cache.is_private_too(payload) else 0,
        replaced=kept_names([order.market for order in orders], timeframes),
        markets=len(orders),
        refusal="",
    )


def _refused(why: str) -> ClearingForeseen:
    return ClearingForeseen(removed=0, replaced=0, markets=0, refusal=why)
