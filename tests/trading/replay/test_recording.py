"""What a recording is called, what its spacing is, and what is said while it is played."""

from __future__ import annotations

import pytest

from tests.trading.core.made import MARKET, candle
from tests.trading.replay.played import candle_row
from trading.core.errors import ConfigError
from trading.core.market import Timeframe
from trading.replay.audience import Audience
from trading.replay.errors import Unreadable
from trading.replay.journal import MOST_NOTES, Journal
from trading.replay.lines import Line
from trading.replay.players import CandlesPlayer
from trading.replay.recording import base_timeframe, played, symbol_of


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("/data/coinbase_BTC-USD_1h.csv", "BTC-USD"),
        ("1INCH-USDT.csv.gz", "1INCH-USDT"),
        ("2026-11-20.csv", "REPLAY-USD"),
        ("week-of-trades.csv", "REPLAY-USD"),
        ("/BTC-USD/trades.csv", "REPLAY-USD"),
        ("-", "REPLAY-USD"),
    ],
)
def test_a_file_is_named_after_its_symbol(name: str, symbol: str) -> None:
    assert symbol_of(name) == symbol


def lines_of(*texts: str) -> list[Line]:
    return [Line(i, text.encode()) for i, text in enumerate(texts, start=1)]


def test_the_spacing_tells_the_base_and_no_line_is_lost() -> None:
    bars = [candle_row(candle(i, timeframe=Timeframe.M15)) for i in (0, 1, 2, 5)]
    given = lines_of("time,open,high,low,close,volume", "rubbish", *bars)

    base, lines = base_timeframe(iter(given))

    assert base is Timeframe.M15
    assert list(lines) == given


def test_a_single_candle_tells_no_base() -> None:
    with pytest.raises(ConfigError, match="--base"):
        base_timeframe(iter(lines_of(candle_row(candle(0)))))


def test_unreadable_lines_are_named_and_counted() -> None:
    said: list[str] = []
    journal, audience = Journal(said.append), Audience()
    given = lines_of(candle_row(candle(0)), "rubbish", candle_row(candle(1)))

    player = CandlesPlayer(MARKET, Timeframe.M1, audience)
    facts = list(played(given, player, audience, journal))
    journal.summarise()

    assert len(facts) == 4
    assert said == [
        "line 2: row must have 6 fields, had 1",
        "2 lines read, 1 unreadable",
        "2 1m candles from 2026-09-30 12:00 UTC to 2026-09-30 12:02 UTC; 2 moves of indicators",
        "0 signals",
    ]


def test_of_many_notes_the_first_are_told() -> None:
    said: list[str] = []
    journal = Journal(said.append)

    for i in range(MOST_NOTES + 3):
        journal.note(f"note {i}")
        journal.unreadable(i, Unreadable("so"))
    journal.summarise()

    assert len([one for one in said if one.startswith("note")]) == MOST_NOTES
    assert len([one for one in said if one.startswith("line")]) == MOST_NOTES + 3
    assert said[-3:] == ["… and 3 notes more", "0 lines read, 23 unreadable", "no candle closed"]
