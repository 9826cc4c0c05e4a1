"""A picture of one market."""

from __future__ import annotations

import asyncio
import io
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from trading.alerts import charts
from trading.alerts.charts import HEIGHT, WIDTH, Charts, draw
from trading.core.market import Candle, Market, Timeframe

ROOT = Path(__file__).parents[3]


def candles(
    count: int, *, timeframe: Timeframe = Timeframe.H1, swing: float = 10.0
) -> list[Candle]:
    def close(index: int) -> float:
        return 100 + swing * math.sin(index / 9)

    return [
        Candle(
            market=Market("coinbase", "BTC-USD"),
            timeframe=timeframe,
            opened_at=1_790_769_600 + index * timeframe.seconds,
            open=close(index - 1),
            high=max(close(index - 1), close(index)) + swing / 10,
            low=min(close(index - 1), close(index)) - swing / 10,
            close=close(index),
            volume=1.0,
        )
        for index in range(count)
    ]


@pytest.fixture
def drawer() -> Iterator[Charts]:
    made = Charts()
    yield made
    made.close()


@pytest.mark.parametrize("count", [1, 2, 40, 300])
@pytest.mark.parametrize("swing", [0.0, 10.0])
def test_picture_is_of_one_size_and_light(count: int, swing: float) -> None:
    png = draw(candles(count, swing=swing))
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.size == (WIDTH, HEIGHT)
    assert len(png) < 200_000


@pytest.mark.parametrize("timeframe", Timeframe)
def test_picture_of_every_timeframe_is_dark_and_has_its_colours(timeframe: Timeframe) -> None:
    with Image.open(io.BytesIO(draw(candles(120, timeframe=timeframe)))) as picture:
        colours = picture.convert("RGB").getcolors(1_000_000)
    assert colours is not None
    by_colour = {colour: count for count, colour in colours}
    assert by_colour[(0x0D, 0x11, 0x17)] > WIDTH * HEIGHT * 0.7
    for candle in ((0x3F, 0xB9, 0x50), (0xF8, 0x51, 0x49)):
        assert by_colour[candle] > 500


async def test_another_process_draws_one_at_a_time_while_the_loop_turns(drawer: Charts) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn(), name="turning")
    pictures = await asyncio.gather(*(drawer.png(candles(60)) for _ in range(3)))
    turning.cancel()
    assert turns > 1_000
    assert pictures == [draw(candles(60))] * 3


async def test_of_nothing_there_is_no_picture(drawer: Charts) -> None:
    assert await drawer.png([]) is None


async def test_process_that_died_is_replaced(drawer: Charts) -> None:
    assert await drawer.png(candles(30)) is not None
    pool = drawer._pool
    assert pool is not None
    (process,) = pool._processes.values()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    assert await drawer.png(candles(30)) is None
    assert await drawer.png(candles(30)) is not None


async def test_picture_that_takes_too_long_is_done_without(
    drawer: Charts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "SECONDS", 0.01)
    assert await drawer.png(candles(300)) is None


def test_process_ends_with_the_one_that_made_it() -> None:
    program = (
        "import asyncio, sys\n"
        "from tests.trading.alerts.test_charts import candles\n"
        "from trading.alerts.charts import Charts\n"
        "async def main():\n"
        "    charts = Charts()\n"
        "    await charts.png(candles(5))\n"
        "    print(*charts._pool._processes, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as maker:
        assert maker.stdout is not None
        drawing = os.pidfd_open(int(maker.stdout.readline()))
        try:
            maker.kill()
            assert _has_ended(drawing, 10)
        finally:
            os.close(drawing)


def _has_ended(pidfd: int, seconds: float) -> bool:
    import select

    return bool(select.select([pidfd], [], [], seconds)[0])
