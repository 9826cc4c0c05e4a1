"""The simulated exchange as a table."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from tests.trading.simulator.worlds import NOW, THIN, world
from trading.simulator.recording import candle_rows, trade_rows

ROOT = Path(__file__).parents[3]
NOON = NOW - NOW % 86_400 - 43_200


def test_trades_fold_into_the_candles() -> None:
    trades = list(csv.DictReader(trade_rows(world(), THIN, NOON, NOON + 21_600)))
    candles = list(csv.DictReader(candle_rows(world(), THIN, 60, NOON, NOON + 21_600)))

    minutes: dict[int, list[str]] = {}
    for trade in trades:
        minutes.setdefault(int(float(trade["time_ms"])) // 60_000 * 60, []).append(trade["price"])
    assert {int(one["time"]): (one["open"], one["close"]) for one in candles} == {
        at: (prices[0], prices[-1]) for at, prices in minutes.items()
    }


def test_ids_rise_by_one() -> None:
    ids = [
        int(row["id"]) for row in csv.DictReader(trade_rows(world(), "BTC-USD", NOON, NOON + 600))
    ]

    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_the_program_writes_a_week_of_minutes() -> None:
    command = [sys.executable, "-m", "trading.simulator.recording", "candles", "--days", "7"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert len(written.splitlines()) == 1 + 7 * 1_440


def test_the_program_refuses_what_is_not_listed() -> None:
    command = [sys.executable, "-m", "trading.simulator.recording", "trades", "--symbol", "NO-SUCH"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert "NO-SUCH is not listed" in refused.stderr
