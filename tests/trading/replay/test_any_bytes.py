"""Whatever stands in a file, each line is played or named, and nothing else happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import candle, trade, us
from tests.trading.replay.played import (
    Wire,
    candle_row,
    played_candles,
    played_frames,
    played_trades,
    trade_row,
)
from trading.core.market import Candle

TEXTS = ["", "nan", "1e999", "-1", "0", "9" * 400, '"', ",", "\0", "[" * 5_000, "1e29", "é", " <- "]


@st.composite
def spoiled(draw: st.DrawFn, lines: list[str]) -> list[str]:
    """A good recording in which some fields were exchanged, some lines cut."""
    made = list(lines)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(made) - 1))
        begin = draw(st.integers(0, len(made[at])))
        end = draw(st.integers(begin, min(begin + 12, len(made[at]))))
        text = draw(
            st.sampled_from(TEXTS) | st.text(max_size=5) | st.text("0123456789", max_size=6)
        )
        made[at] = made[at][:begin] + text + made[at][end:]
    return made


def frames() -> list[str]:
    wire = Wire()
    return [
        line
        for i in range(1, 20)
        for line in (wire.trades(trade(i, i * 13)), wire.heartbeat(us(i * 13 + 1)))
    ]


@given(spoiled([trade_row(trade(i, i * 13)) for i in range(1, 40)]))
def test_spoiled_trades_are_played_or_named(lines: list[str]) -> None:
    told_in_order(played_trades(lines).candles())


@given(spoiled([candle_row(candle(i)) for i in range(40)]))
def test_spoiled_candles_are_played_or_named(lines: list[str]) -> None:
    told_in_order(played_candles(lines).candles())


@given(spoiled(frames()))
def test_spoiled_frames_are_played_or_named(lines: list[str]) -> None:
    played_frames(lines)


def told_in_order(candles: list[Candle]) -> None:
    """One after the other, each possible in itself."""
    openings = [one.opened_at for one in candles]
    assert openings == sorted(set(openings))
    for one in candles:
        assert one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high
