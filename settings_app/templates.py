"""Presets: ways of trading that somebody would want, each a merge patch over their settings.

Rule 1: a preset keeps what is one's own: the watchlist and the positions, the exchanges with the
    names of their keys, the channels, the schedule, name, time zone and language.
Rule 2: it touches nothing that a rule between fields speaks of, so it fits every valid document.
Rule 3: it does not switch the mode or resume: those are decisions, not settings. Its description
    names the mode that it is made for, and every section that it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One preset.

    Args:
        name: As it stands in addresses and commands.
        title: As people read it.
        description: What it changes, and for whom.
        patch: The merge patch (RFC 7396). It is never changed.
    """

    name: str
    title: str
    description: str
    patch: Mapping[str, Any]


def _alerts(
    *, level: bool, crossover: bool, reversal: bool, shift: bool, price: bool
) -> dict[str, bool]:
    return {
        "level": level,
        "macdvCrossover": crossover,
        "reversal": reversal,
        "momentumShift": shift,
        "priceMove": price,
    }


def _mode(
    source: str,
    timeframes: list[str],
    alerts: dict[str, bool],
    *,
    levels: list[float],
    cooldown: int,
) -> dict[str, Any]:
    return {
        "symbolSource": source,
        "timeframes": timeframes,
        "alertThresholds": alerts,
        "levels": levels,
        "cooldown_seconds": cooldown,
    }


TEMPLATES: Final = (
    Template(
        name="conservative-monitor",
        title="Conservative monitor",
        description=(
            "For holders who want few alerts, each worth reading. The position monitor watches "
            "what you hold on 1h, 4h and 1d, alerts on levels from 150, on reversals and on your "
            "stop loss (5 %) and take profit (10 %), and stays silent for an hour after each. The "
            "profile says low risk, conservative."
        ),
        patch={
            "modes": {
                "position-monitor": _mode(
                    "positions",
                    ["1h", "4h", "1d"],
                    _alerts(level=True, crossover=False, reversal=True, shift=False, price=True),
                    levels=[150.0, 200.0, 250.0, 300.0, 350.0, 400.0],
                    cooldown=3_600,
                )
            },
            "perseus_profile": {
                "risk_tolerance": "low",
                "investment_style": "conservative",
                "trade_settings": {
                    "stop_loss_percentage": 5.0,
                    "take_profit_percentage": 10.0,
                    "preferred_timeframes": "1h,4h,1d",
                },
            },
        },
    ),
    Template(
        name="active-macdv-scalper",
        title="Active MACD-V scalper",
        description=(
            "For hours in front of the screen. The MACD-V scalper watches your watchlist on 1m, "
            "5m and 15m, alerts on crossovers, levels from 100, reversals and momentum shifts, and "
            "stays silent for a minute only. The profile says high risk, aggressive; the stop loss "
            "is 1 %, the take profit 2 %."
        ),
        patch={
            "modes": {
                "scalper-macdv": _mode(
                    "watchlist",
                    ["1m", "5m", "15m"],
                    _alerts(level=True, crossover=True, reversal=True, shift=True, price=False),
                    levels=[100.0, 150.0, 200.0, 250.0, 300.0],
                    cooldown=60,
                )
            },
            "perseus_profile": {
                "risk_tolerance": "high",
                "investment_style": "aggressive",
                "trade_settings": {
                    "stop_loss_percentage": 1.0,
                    "take_profit_percentage": 2.0,
                    "preferred_timeframes": "1m,5m,15m",
                },
            },
        },
    ),
    Template(
        name="swing-trader",
        title="Swing trader",
        description=(
            "For trades of days. Both modes look at 4h and 1d: the position monitor at what you "
            "hold, the MACD-V scalper at your watchlist. They alert on crossovers, levels from "
            "150 and reversals, once in four hours at most. The profile says medium risk, "
            "balanced; the stop loss is 8 %, the take profit 20 %."
        ),
        patch={
            "modes": {
                "position-monitor": _mode(
                    "positions",
                    ["4h", "1d"],
                    _alerts(level=True, crossover=True, reversal=True, shift=False, price=True),
                    levels=[150.0, 200.0, 250.0, 300.0],
                    cooldown=14_400,
                ),
                "scalper-macdv": _mode(
                    "watchlist",
                    ["4h", "1d"],
                    _alerts(level=True, crossover=True, reversal=True, shift=False, price=False),
                    levels=[150.0, 200.0, 250.0, 300.0],
                    cooldown=14_400,
                ),
            },
            "perseus_profile": {
                "risk_tolerance": "medium",
                "investment_style": "balanced",
                "trade_settings": {
                    "stop_loss_percentage": 8.0,
                    "take_profit_percentage": 20.0,
                    "preferred_timeframes": "4h,1d",
                },
            },
        },
    ),
    Template(
        name="night-watch",
        title="Night watch",
        description=(
            "For sleeping through noise and waking for a storm. Both modes, whatever they watch, "
            "alert on extremes alone: levels from 250 on 1h, 4h and 1d, and a position's stop loss "
            "or take profit, with two hours of silence after each."
        ),
        patch={
            "modes": {
                name: {
                    "timeframes": ["1h", "4h", "1d"],
                    "alertThresholds": _alerts(
                        level=True, crossover=False, reversal=False, shift=False, price=True
                    ),
                    "levels": [250.0, 300.0, 350.0, 400.0],
                    "cooldown_seconds": 7_200,
                }
                for name in ("position-monitor", "scalper-macdv")
            }
        },
    ),
    Template(
        name="paper-demo",
        title="Paper demo",
        description=(
            "For getting to know the program. Both modes watch your watchlist, so nothing needs to "
            "be held, on every timeframe; every kind of signal alerts, levels already from 50, "
            "without silence in between. The runtime starts by itself, and alerts are labelled as "
            "paper."
        ),
        patch={
            "modes": {
                name: _mode(
                    "watchlist",
                    ["1m", "5m", "15m", "1h", "4h", "1d"],
                    _alerts(level=True, crossover=True, reversal=True, shift=True, price=True),
                    levels=[50.0, 100.0, 150.0, 200.0, 250.0, 300.0],
                    cooldown=0,
                )
                for name in ("position-monitor", "scalper-macdv")
            },
            "livermore_runtime": {"auto_start": True},
            "perseus_profile": {"trading_mode": "paper"},
        },
    ),
)
"""Every preset, in the order in which they are offered."""


def template(name: str) -> Template:
    """The preset of that name.

    Raises:
        KeyError: If there is none; it names those that there are.
    """
    for one in TEMPLATES:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in TEMPLATES)
    raise KeyError(f"There is no such template: there are {known}.")
