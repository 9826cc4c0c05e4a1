"""Symbols, candles and indicators as JSON.

Rule 1: these models make the answers and describe them.
Rule 2: an indicator without a value is null in a series of them, and left out in a symbol.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import Field

from control.api.symbols.equivalent_answers import (
    RELATED,
    SOURCES,
    EquivalentAnswer,
    SourceAnswer,
)
from control.protocol import Cell, RuntimeStatus, SymbolStatus
from control.symbols.charts import Chart
from control.symbols.equivalents import Related
from control.symbols.statuses import SymbolReport, SymbolState, Why
from settings_app.api.answers import Answer
from trading.core.market import Candle
from trading.core.rsi import MovingRsi

LIQUIDITY = "`medium` or `low`: how much of its time is traded at all; left out where it is high."


def rsi_of(told: Cell) -> float | None:
    """RSI of a cell; None where there is none."""
    return None if told.g is None else told.g.get(MovingRsi.name)


# ---------------------------------------------------------------------- symbols
class ProgressAnswer(Answer):
    """How much of the history that seeds the indicators is there."""

    bars: int = Field(description="Bars that are there, of all timeframes.")
    total: int = Field(description="Bars that are needed.")


class ValuesAnswer(Answer):
    """Where the indicators stand on one timeframe, of those that the mode shows."""

    stage: str | None = None
    macd_v: float | None = None
    signal: float | None = None
    histogram: float | None = None
    rsi: float | None = None
    liquidity: str | None = Field(None, description=LIQUIDITY)

    @classmethod
    def of(cls, told: Cell) -> Self:
        """A cell of the status, told."""
        return cls(
            stage=told.stage,
            macd_v=told.v,
            signal=told.s,
            histogram=told.h,
            rsi=rsi_of(told),
            liquidity=told.liquidity,
        )


class SymbolAnswer(Answer):
    """One of your symbols."""

    exchange: str
    symbol: str
    state: SymbolState
    detail: str | None = Field(None, description="What the state leaves open, in a sentence.")
    row: int | None = Field(
        None, description="Its place in the watchlist, from 0; left out where it is not on it."
    )
    enabled: bool | None = Field(None, description="Whether its row of the watchlist is on.")
    categories: list[str]
    held: bool = Field(description="Whether you have a position of it.")
    why: Why | None = Field(None, description="Why it is watched; left out where it is not.")
    progress: ProgressAnswer | None = Field(None, description="While it is warming up.")
    mending: bool = Field(description="Whether minutes of its history are in doubt now.")
    last_candle_at: datetime | None = Field(None, description="When its last kept minute closed.")
    timeframes: dict[str, ValuesAnswer]
    equivalents: list[EquivalentAnswer] = Field(description=RELATED)

    @classmethod
    def of(cls, report: SymbolReport, related: Related) -> Self:
        """A symbol, told.

        Args:
            related: The related markets of the symbol, among others.
        """
        progress = report.progress
        return cls(
            exchange=report.market.exchange,
            symbol=report.market.symbol,
            state=report.state,
            detail=report.detail or None,
            row=report.row,
            enabled=report.enabled,
            categories=list(report.categories),
            held=report.held,
            why=report.why,
            progress=(
                None
                if progress is None
                else ProgressAnswer(bars=progress.bars, total=progress.total)
            ),
            mending=report.is_mending,
            last_candle_at=report.last_candle_at,
            timeframes={name: ValuesAnswer.of(told) for name, told in report.cells.items()},
            equivalents=[EquivalentAnswer.of(one) for one in related.of.get(report.market, ())],
        )


class HeardAnswer(Answer):
    """A status of the runtime, named: of two the newer has the greater epoch; in one epoch the
    greater version; in one version the greater time.
    """

    epoch: int = Field(description="Greater for each worker that takes the runtime over.")
    state_version: int = Field(description="Greater with each change of what the runtime does.")
    at: int = Field(description="When it was made, in milliseconds of Unix time.")

    @classmethod
    def of(cls, status: RuntimeStatus) -> Self:
        """The name of a status."""
        return cls(epoch=status.epoch, state_version=status.state_version, at=status.at)


class SymbolsAnswer(Answer):
    """Your symbols: the watchlist in its order, then what is watched or held beside it."""

    symbols: list[SymbolAnswer]
    runtime: HeardAnswer | None = Field(
        None, description="The status that states and values are of; left out where there is none."
    )
    sources: list[SourceAnswer] = Field(description=SOURCES)


# ---------------------------------------------------------------------- charts
class CandleAnswer(Answer):
    """One closed candle; prices in quote currency, the volume in base currency."""

    opened_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    synthetic: bool = Field(description="Nothing was traded: the close before it, carried forward.")

    @classmethod
    def of(cls, candle: Candle) -> Self:
        """A candle, told."""
        return cls(
            opened_at=_moment(candle.opened_at),
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            synthetic=candle.synthetic,
        )


class ChartAnswer(Answer):
    """Of which market and timeframe it is."""

    exchange: str
    symbol: str
    timeframe: str
    note: str | None = Field(description="Why there is nothing, or what is missing of it; or null.")


class CandlesAnswer(ChartAnswer):
    """The kept candles of one market and timeframe, oldest first."""

    candles: list[CandleAnswer]
    forming: CandleAnswer | None = Field(
        description="The candle after them, as far as it has come; or null."
    )

    @classmethod
    def of(cls, chart: Chart) -> Self:
        """A chart, told."""
        return cls(
            exchange=chart.market.exchange,
            symbol=chart.market.symbol,
            timeframe=str(chart.timeframe),
            note=chart.note or None,
            candles=[CandleAnswer.of(candle) for candle in chart.candles],
            forming=None if chart.forming is None else CandleAnswer.of(chart.forming),
        )


class PointAnswer(Answer):
    """Where the indicators stood at the close of one candle; null where there is no value yet."""

    opened_at: datetime
    close: float
    macd_v: float | None
    signal: float | None
    histogram: float | None
    rsi: float | None
    stage: str | None

    @classmethod
    def of(cls, candle: Candle, told: Cell) -> Self:
        """A candle and its cell, told."""
        return cls(
            opened_at=_moment(candle.opened_at),
            close=candle.close,
            macd_v=told.v,
            signal=told.s,
            histogram=told.h,
            rsi=rsi_of(told),
            stage=told.stage,
        )


class IndicatorsAnswer(ChartAnswer):
    """The indicators of one market and timeframe, oldest candle first."""

    points: list[PointAnswer]

    @classmethod
    def of(cls, chart: Chart) -> Self:
        """A chart, told."""
        pairs = zip(chart.candles, chart.cells, strict=True)
        return cls(
            exchange=chart.market.exchange,
            symbol=chart.market.symbol,
            timeframe=str(chart.timeframe),
            note=chart.note or None,
            points=[PointAnswer.of(candle, told) for candle, told in pairs],
        )


# ---------------------------------------------------------------------- the heat map
class MapCellAnswer(Answer):
    """One cell of the heat map: MACD-V, its signal line, the histogram, RSI and the stage."""

    v: float | None = None
    s: float | None = None
    h: float | None = None
    rsi: float | None = None
    stage: str | None = None
    liquidity: str | None = Field(None, description=LIQUIDITY)

    @classmethod
    def of(cls, told: Cell) -> Self:
        """A cell of the status, told."""
        return cls(
            v=told.v,
            s=told.s,
            h=told.h,
            rsi=rsi_of(told),
            stage=told.stage,
            liquidity=told.liquidity,
        )


class MapRowAnswer(Answer):
    """One watched symbol of the heat map."""

    exchange: str
    symbol: str
    live: str = Field(description="`warming`, `receiving`, `stale` or `paused`.")
    cells: dict[str, MapCellAnswer] = Field(description="By timeframe.")

    @classmethod
    def of(cls, told: SymbolStatus) -> Self:
        """A symbol of the status, told."""
        return cls(
            exchange=told.exchange,
            symbol=told.symbol,
            live=told.live,
            cells={name: MapCellAnswer.of(one) for name, one in told.tf.items()},
        )


class MapAnswer(Answer):
    """Symbols by timeframes, as your runtime told it last."""

    at: datetime = Field(description="When it was told.")
    timeframes: list[str] = Field(description="Those that the mode looks at, shortest first.")
    indicators: dict[str, str] = Field(description="Those that the mode shows, by name.")
    symbols: list[MapRowAnswer]

    @classmethod
    def of(cls, status: RuntimeStatus) -> Self:
        """A status, told as a map."""
        return cls(
            at=datetime.fromtimestamp(status.at / 1_000, UTC),
            timeframes=status.timeframes,
            indicators=status.indicators,
            symbols=[MapRowAnswer.of(one) for one in status.symbols],
        )


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
