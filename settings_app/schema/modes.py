"""What each runtime mode watches, and which of its signals count.

Which mode is wanted, and whether the runtime is paused, is not in the document: the columns of
the user are the one truth (`settings_app.desired`).
"""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from settings_app.schema.fields import UNIQUE, Section, about
from trading.core.indicators import INDICATORS
from trading.core.market import Timeframe
from trading.core.modes import DEFAULT_LEVELS, Mode, SignalKind, SignalRules

SymbolSource = Annotated[
    Literal["positions", "watchlist", "scanner"],
    about(
        "Symbols",
        "Symbols with a position, the enabled watchlist, or the last approved scan.",
        examples=("positions", "watchlist"),
        alias="symbolSource",
    ),
]


def _is_indicator(name: str) -> str:
    if name not in INDICATORS:
        near = difflib.get_close_matches(name.lower(), INDICATORS, n=1, cutoff=0.0)[0]
        message = "is not an indicator; the nearest is {near}, and there are {names}"
        names = ", ".join(INDICATORS)
        raise PydanticCustomError("indicator", message, {"near": near, "names": names})
    return name


IndicatorName = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_is_indicator),
    WithJsonSchema({"type": "string", "enum": list(INDICATORS)}),
]
PriceMove = Annotated[
    bool,
    about(
        "Price move",
        "A position's price passes the stop loss or the take profit, by its 1m candles whichever "
        "timeframes are chosen.",
        examples=(True, False),
        alias="priceMove",
    ),
]


class AlertThresholds(Section):
    """Which kinds of signals become alerts."""

    level: Annotated[
        bool,
        about("Levels", "MACD-V leaves through one of the levels.", examples=(True, False)),
    ] = True
    macdv_crossover: Annotated[
        bool,
        about(
            "Crossover",
            "MACD-V crosses its signal line.",
            examples=(True, False),
            alias="macdvCrossover",
        ),
    ] = True
    reversal: Annotated[
        bool,
        about(
            "Reversal",
            "MACD-V turns back from beyond ±150, once in each excursion.",
            examples=(True, False),
        ),
    ] = True
    momentum_shift: Annotated[
        bool,
        about(
            "Momentum shift",
            "MACD-V passes ±50 or ±150, or its histogram turns for two bars beyond ±50.",
            examples=(True, False),
            alias="momentumShift",
        ),
    ] = True
    price_move: PriceMove = True

    @property
    def kinds(self) -> frozenset[SignalKind]:
        """The kinds that are on."""
        switches = {
            SignalKind.LEVEL: self.level,
            SignalKind.CROSSOVER: self.macdv_crossover,
            SignalKind.REVERSAL: self.reversal,
            SignalKind.MOMENTUM_SHIFT: self.momentum_shift,
            SignalKind.PRICE_MOVE: self.price_move,
        }
        return frozenset(kind for kind, is_on in switches.items() if is_on)


class ScalperThresholds(AlertThresholds):
    """A scalper holds nothing for long: the price of a position is not its business."""

    price_move: PriceMove = False


class ModeSettings(Section):
    """One mode: what it watches, on which timeframes, and what it alerts on."""

    symbol_source: SymbolSource = "watchlist"
    indicators_enabled: Annotated[
        tuple[IndicatorName, ...],
        Field(min_length=1, max_length=len(INDICATORS)),
        UNIQUE,
        about(
            "Indicators",
            "The indicators that are shown, and whose signals become alerts: without `macdv` only "
            "price moves do, whatever the thresholds say.",
            examples=(["macdv"],),
            alias="indicatorsEnabled",
        ),
    ] = tuple(INDICATORS)
    timeframes: Annotated[
        tuple[Timeframe, ...],
        Field(min_length=1, max_length=len(Timeframe)),
        UNIQUE,
        about("Timeframes", "Where signals are looked for.", examples=(["1h", "4h"],)),
    ] = tuple(Timeframe)
    alert_thresholds: Annotated[
        AlertThresholds,
        about("Alerts", "Which kinds of signals become alerts.", alias="alertThresholds"),
    ] = AlertThresholds()
    levels: Annotated[
        tuple[Annotated[float, Field(ge=10, le=10_000)], ...],
        Field(max_length=20),
        UNIQUE,
        about(
            "Levels",
            "MACD-V levels, above and below zero alike.",
            unit="MACD-V",
            examples=([150.0, 250.0],),
        ),
    ] = DEFAULT_LEVELS
    cooldown_seconds: Annotated[
        int,
        Field(ge=0, le=86_400),
        about(
            "Cooldown",
            "The least time between two alerts of one kind, symbol and timeframe.",
            unit="s",
            examples=(60, 3_600),
        ),
    ] = 300

    @property
    def kinds(self) -> frozenset[SignalKind]:
        """The kinds of signals that become alerts in this mode, of what is enabled."""
        usable = {None, *self.indicators_enabled}
        return frozenset(kind for kind in self.alert_thresholds.kinds if kind.indicator in usable)

    @property
    def indicators(self) -> tuple[str, ...]:
        """The indicators that are enabled, in the order in which they are always shown."""
        return tuple(name for name in INDICATORS if name in self.indicators_enabled)

    @property
    def rules(self) -> SignalRules:
        """Which signals count in this mode, and from where."""
        return SignalRules(
            kinds=self.kinds,
            levels=self.levels,
            cooldown_seconds=self.cooldown_seconds,
        )


class PositionMonitor(ModeSettings):
    """Watches what is held."""

    symbol_source: SymbolSource = "positions"


class ScalperMacdv(ModeSettings):
    """Hunts MACD-V signals across the watchlist, whether a symbol is held or not."""

    alert_thresholds: Annotated[
        ScalperThresholds,
        about("Alerts", "Which kinds of signals become alerts.", alias="alertThresholds"),
    ] = ScalperThresholds()


class ScalperOrderbook(ModeSettings):
    """Order book imbalances: not implemented, so nothing here takes effect."""


class Modes(Section):
    """The modes a runtime can be in."""

    position_monitor: Annotated[
        PositionMonitor,
        about("Position monitor", "Watches what is held.", alias=Mode.POSITION_MONITOR.value),
    ] = PositionMonitor()
    scalper_macdv: Annotated[
        ScalperMacdv,
        about(
            "MACD-V scalper",
            "Hunts MACD-V signals across the watchlist.",
            alias=Mode.SCALPER_MACDV.value,
        ),
    ] = ScalperMacdv()
    scalper_orderbook: Annotated[
        ScalperOrderbook,
        about(
            "Order book scalper",
            "Not implemented.",
            alias=Mode.SCALPER_ORDERBOOK.value,
            recorded_only=True,
        ),
    ] = ScalperOrderbook()

    def of(self, mode: Mode | str) -> ModeSettings:
        """The settings of one mode.

        Raises:
            ValueError: If there is no such mode.
        """
        by_mode: dict[Mode, ModeSettings] = {
            Mode.POSITION_MONITOR: self.position_monitor,
            Mode.SCALPER_MACDV: self.scalper_macdv,
            Mode.SCALPER_ORDERBOOK: self.scalper_orderbook,
        }
        return by_mode[Mode(mode)]
