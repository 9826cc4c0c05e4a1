"""What is rolled up of recorded candles is what the exchange itself said of the same time.

The recordings and where they come from: tests/payloads/SOURCES.md.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.trading.replay.played import played_candles
from trading.core.market import Timeframe

OHLCV = Path(__file__).parents[2] / "payloads" / "ohlcv"

Bar = tuple[int, float, float, float, float]


def recorded(file: Path) -> dict[Timeframe, list[list[str]]]:
    """The rows of each timeframe, without its name."""
    rows: dict[Timeframe, list[list[str]]] = {}
    with file.open(newline="") as lines:
        for name, *row in list(csv.reader(lines))[1:]:
            rows.setdefault(Timeframe(name), []).append(row)
    return rows


@pytest.mark.parametrize("file", sorted(OHLCV.iterdir()), ids=lambda file: file.stem)
def test_every_higher_bar_equals_the_exchanges_own(file: Path) -> None:
    (base, rows), *higher = recorded(file).items()
    played = played_candles([",".join(row) for row in rows], base)

    assert played.unreadable == []
    assert higher
    for timeframe, theirs in higher:
        ours = {bar.opened_at: bar for bar in played.candles(timeframe)}
        for row in theirs:
            opened_at, *prices, volume = int(row[0]), *map(float, row[1:])
            bar = ours[opened_at]
            assert [bar.open, bar.high, bar.low, bar.close] == prices, (timeframe, opened_at)
            assert bar.volume == pytest.approx(volume, rel=1e-9)
