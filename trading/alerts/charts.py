"""A picture of one market: candles, MACD-V and RSI.

Rule 1: drawn in a process of its own, one picture at a time: it takes a tenth of a second and more
    of a core, which no loop and no data plane is to miss.
Rule 2: a picture is an extra: whatever goes wrong with it, the message goes without.
Rule 3: candles in, bytes out; where the candles come from is the caller's business.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Final

import structlog

from trading.core.indicators import IndicatorPoint, IndicatorSeries
from trading.core.market import Candle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = structlog.get_logger(__name__)

SHOWN: Final = 120
"""Candles in a picture; those before them only seed the indicators."""
SECONDS: Final = 15.0
WIDTH: Final = 1_000
HEIGHT: Final = 700
_DPI: Final = 100

_GROUND, _GRID, _TEXT = "#0d1117", "#21262d", "#c9d1d9"
_UP, _DOWN, _LINE, _SIGNAL, _RSI = "#3fb950", "#f85149", "#58a6ff", "#d29922", "#bc8cff"


class Charts:
    """Draws pictures, one at a time, in a process that is made when the first is asked for."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()

    async def png(self, candles: Sequence[Candle]) -> bytes | None:
        """A PNG of candles of one market and timeframe; None where none can be made in time.

        Args:
            candles: Closed, oldest first and without gaps; as many as a warm-up has, for the
                indicators to be what they are elsewhere.
        """
        if not candles:
            return None
        try:
            async with asyncio.timeout(SECONDS), self._turn:
                return await self._drawn(tuple(candles))
        except TimeoutError:
            log.warning("charts.slow")
        except Exception:
            log.exception("charts.failed")
        return None

    async def _drawn(self, candles: tuple[Candle, ...]) -> bytes:
        if self._pool is None:
            # Not forked: that would copy whatever the threads of this process hold.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, initializer=_begin)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, draw, candles)
        except (asyncio.CancelledError, BrokenExecutor):
            self.close()  # whoever wants the next picture gets another process
            raise

    def close(self) -> None:
        """Let the process go; it ends behind what it draws."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _begin() -> None:
    """Begin the life of the process: it ends with the one that made it, and by nothing else."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for everybody in the terminal
    maker = multiprocessing.parent_process()
    if maker is not None:
        threading.Thread(target=_end_with, args=(maker,), daemon=True).start()


def _end_with(maker: BaseProcess) -> None:
    maker.join()
    os._exit(1)


def draw(candles: Sequence[Candle]) -> bytes:
    """The picture, as PNG; what the process does.

    Args:
        candles: At least one.
    """
    # In the process that draws alone: half a second and 40 MB.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    series = IndicatorSeries()
    points = [series.append(candle) for candle in candles][-SHOWN:]
    shown = candles[-SHOWN:]
    figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    price, momentum, strength = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
    _draw_candles(price, shown)
    _draw_momentum(momentum, points)
    _draw_strength(strength, points)
    first = shown[0]
    price.set_title(
        f"{first.market.symbol}  {first.timeframe}  {first.market.exchange}",
        color=_TEXT,
        loc="left",
    )
    for axes in (price, momentum, strength):
        _style(axes)
    _date(strength, shown)
    figure.subplots_adjust(left=0.02, right=0.91, top=0.95, bottom=0.06, hspace=0.06)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", facecolor=_GROUND)
    return picture.getvalue()


def _draw_candles(axes: Axes, candles: Sequence[Candle]) -> None:
    for rises, colour in ((True, _UP), (False, _DOWN)):
        some = [(x, c) for x, c in enumerate(candles) if (c.close >= c.open) is rises]
        at = [x for x, _ in some]
        axes.vlines(at, [c.low for _, c in some], [c.high for _, c in some], colour, linewidth=1)
        axes.bar(
            at,
            [abs(c.close - c.open) for _, c in some],
            0.7,
            [min(c.open, c.close) for _, c in some],
            color=colour,
        )
    last = candles[-1].close
    axes.axhline(last, color=_TEXT, linewidth=0.6, linestyle=":")
    _name(axes, "Price", f"{last:,.8g}")


def _draw_momentum(axes: Axes, points: Sequence[IndicatorPoint]) -> None:
    bars = [point.histogram or 0.0 for point in points]
    axes.bar(range(len(bars)), bars, 0.7, color=[_UP if bar >= 0 else _DOWN for bar in bars])
    axes.plot(_line([point.macd_v for point in points]), color=_LINE, linewidth=1.4)
    axes.plot(_line([point.signal for point in points]), color=_SIGNAL, linewidth=1.1)
    for level in (-150, -50, 0, 50, 150):
        axes.axhline(level, color=_TEXT, linewidth=0.5, linestyle=":" if level else "-")
    value, signal = points[-1].macd_v, points[-1].signal
    _name(axes, "MACD-V and signal", f"{_figure(value)} / {_figure(signal)}")


def _draw_strength(axes: Axes, points: Sequence[IndicatorPoint]) -> None:
    values = [point.gauges.get("rsi") for point in points]
    axes.plot(_line(values), color=_RSI, linewidth=1.2)
    axes.set_ylim(0, 100)
    axes.set_yticks((30, 70))
    for level in (30, 70):
        axes.axhline(level, color=_TEXT, linewidth=0.5, linestyle=":")
    _name(axes, "RSI 14", _figure(values[-1]).lstrip("+"))


def _style(axes: Axes) -> None:
    axes.set_facecolor(_GROUND)
    axes.grid(color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.tick_right()
    axes.tick_params(colors=_TEXT, labelsize=9, length=0)
    axes.margins(x=0.01)
    for spine in axes.spines.values():
        spine.set_color(_GRID)


def _date(axes: Axes, candles: Sequence[Candle]) -> None:
    """Name six moments, in UTC."""
    step = max(1, len(candles) // 6)
    at = range(step // 2, len(candles), step)
    pattern = "%d %b %Y" if candles[0].timeframe.seconds >= 86_400 else "%d %b %H:%M"
    moments = [datetime.fromtimestamp(candles[x].opened_at, tz=UTC) for x in at]
    axes.set_xticks(at, [f"{moment:{pattern}}" for moment in moments])
    axes.annotate(
        "UTC", (1, 0), (8, -14), "axes fraction", "offset points", color=_TEXT, fontsize=9
    )


def _name(axes: Axes, name: str, value: str) -> None:
    axes.annotate(
        f"{name}  {value}",
        (0.008, 0.96),
        xycoords="axes fraction",
        color=_TEXT,
        fontsize=10,
        verticalalignment="top",
    )


def _line(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}"
