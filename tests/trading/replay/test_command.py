"""``manage.py replay`` in a clone where nothing runs."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from math import sin
from pathlib import Path
from typing import Any

import pytest

from tests.trading.core.made import candle, trade, us
from tests.trading.replay.played import Wire, candle_row, trade_row

ROOT = Path(__file__).parents[3]
HEADER = "time,open,high,low,close,volume"
BARS = [candle_row(candle(i, 100.0 + 10 * sin(i / 15) + i % 3)) for i in range(300)]


def replay(
    tmp_path: Path, *arguments: str, given: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Without a database, without Redis, and in a state directory that is not there."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_", "REDIS_", "LIVERMORE_"))
    } | {"LIVERMORE_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        [sys.executable, "manage.py", "replay", "--exchange", "coinbase", *arguments],
        cwd=ROOT,
        env=environment,
        input=given,
        capture_output=True,
        check=False,
    )
    assert not (tmp_path / "state").exists()
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def candles(tmp_path: Path) -> str:
    path = tmp_path / "ETH-USD.csv"
    path.write_text("\n".join([HEADER, *BARS]))
    return str(path)


def test_a_table_of_candles_becomes_lines_of_json(tmp_path: Path, candles: str) -> None:
    done = replay(tmp_path, "--candles", candles)
    lines = told(done)

    assert lines[0] == {
        "type": "candle",
        "exchange": "coinbase",
        "symbol": "ETH-USD",
        "timeframe": "1m",
        "openedAt": 1_790_769_600,
        "open": 100.0,
        "high": 101.0,
        "low": 99.0,
        "close": 100.0,
        "volume": 1.0,
        "synthetic": False,
    }
    assert lines[1] == {
        "type": "indicator",
        "symbol": "ETH-USD",
        "timeframe": "1m",
        "openedAt": 1_790_769_600,
        "macdV": None,
        "signal": None,
        "histogram": None,
        "rsi": None,
        "stage": "warming-up",
    }
    signal = next(line for line in lines if line["type"] == "signal")
    assert {"symbol", "timeframe", "openedAt", "kind", "direction", "value"} <= signal.keys()
    assert "300 lines read, 0 unreadable" in done.stderr


def test_what_is_printed_can_be_chosen(tmp_path: Path, candles: str) -> None:
    arguments = ("--symbol", "BTC-USD", "--timeframes", "15m,1h", "--emit", "candles,signals")
    lines = told(replay(tmp_path, "--candles", candles, *arguments))

    assert {line["symbol"] for line in lines} == {"BTC-USD"}
    assert [line["timeframe"] for line in lines if line["type"] == "candle"].count("15m") == 20
    assert {line["timeframe"] for line in lines} == {"15m", "1h"}
    assert not any(line["type"] == "indicator" for line in lines)


def test_the_month_of_the_manual_fires(tmp_path: Path) -> None:
    month = subprocess.run(
        [sys.executable, "-m", "trading.simulator.recording", "candles", "--days", "30"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    arguments = ("--symbol", "BTC-USD", "--timeframes", "1h,4h", "--emit", "signals")
    done = replay(tmp_path, "--candles", "-", *arguments, given=month)

    assert {(line["type"], line["timeframe"]) for line in told(done)} == {
        ("signal", "1h"),
        ("signal", "4h"),
    }
    assert "43200 lines read, 0 unreadable" in done.stderr
    assert "720 1h, 180 4h candles" in done.stderr


def test_a_base_that_is_named_is_taken(tmp_path: Path) -> None:
    rows = f"{HEADER}\n3600,1,2,1,2,5\n".encode()
    lines = told(replay(tmp_path, "--candles", "-", "--base", "1h", given=rows))

    assert [line["timeframe"] for line in lines] == ["1h", "1h"]
    assert lines[0]["symbol"] == "REPLAY-USD"


def test_compressed_trades_come_through_standard_input(tmp_path: Path) -> None:
    rows = "\n".join(trade_row(trade(i, i * 13)) for i in range(1, 20))
    done = replay(tmp_path, "--trades", "-", given=gzip.compress(rows.encode()))

    minutes = [line for line in told(done) if line["type"] == "candle"]
    assert [line["volume"] for line in minutes] == [4.0, 5.0, 4.0, 5.0]


def test_recorded_frames_are_played(tmp_path: Path) -> None:
    wire = Wire()
    frames = [wire.trades(trade(i, i * 13)) for i in range(1, 20)]
    done = replay(tmp_path, "--frames", "-", "--emit", "candles", given="\n".join(frames).encode())

    assert [line["volume"] for line in told(done)] == [5.0, 4.0, 5.0]


def test_trades_of_an_exchange_whose_ids_leave_numbers_out_are_no_loss(tmp_path: Path) -> None:
    rows = "\n".join(trade_row(trade(i * 17, i * 13)) for i in range(1, 20)).encode()
    done = replay(tmp_path, "--exchange", "kucoin", "--trades", "-", given=rows)

    minutes = [line for line in told(done) if line["type"] == "candle"]
    assert [line["volume"] for line in minutes] == [4.0, 5.0, 4.0, 5.0]
    assert "lost" not in done.stderr


def aggregated(number: int, native: str = "BTCUSDT") -> str:
    """A trade as Binance tells it, thirteen seconds behind the one before."""
    at = us(number * 13) // 1_000
    row = {"e": "aggTrade", "E": at, "s": native, "a": number, "p": "10", "q": "1"}
    return json.dumps(row | {"f": number, "l": number, "T": at, "m": True})


AGGREGATED = "\n".join(
    aggregated(number, native) for number in range(1, 20) for native in ("BTCUSDT", "ETHUSDT")
).encode()


@pytest.fixture
def listing(tmp_path: Path) -> str:
    """What Binance answered that it lists."""
    path = tmp_path / "exchangeInfo.json"
    traded = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
    path.write_text(json.dumps({"symbols": [traded]}))
    return str(path)


@pytest.mark.parametrize("symbol", ["BTC-USDT", "BTCUSDT"])
def test_a_listing_gives_frames_their_canonical_names(
    tmp_path: Path, listing: str, symbol: str
) -> None:
    arguments = ("--exchange", "binance", "--frames", "-", "--listing", listing)
    done = replay(tmp_path, *arguments, "--symbol", symbol, given=AGGREGATED)
    assert {line["symbol"] for line in told(done)} == {"BTC-USDT"}
    everything = told(replay(tmp_path, *arguments, given=AGGREGATED))
    assert {line["symbol"] for line in everything} == {"BTC-USDT", "ETHUSDT"}


def test_a_symbol_that_a_recording_does_not_have_is_named_with_the_way_out(tmp_path: Path) -> None:
    arguments = ("--frames", "-", "--symbol", "BTC-USDT")
    done = replay(tmp_path, "--exchange", "binance", *arguments, given=AGGREGATED)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--symbol must be a market of the recording, was BTC-USDT" in done.stderr
    assert "it has BTCUSDT, ETHUSDT; Binance calls markets by its own ids" in done.stderr
    assert "what it answers to /api/v3/exchangeInfo with --listing" in done.stderr
    frames = Wire().trades(trade(1, 13)).encode()
    done = replay(tmp_path, *arguments, given=frames)
    assert done.stderr.rstrip().endswith("was BTC-USDT; it has BTC-USD.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--frames", "-", "--listing", "/no/such"), "/no/such cannot be read: No such file"),
        (("--frames", "-", "--listing", "README.md"), "--listing must be what Binance answered"),
        (("--trades", "-", "--listing", "README.md"), "--listing is for --frames"),
    ],
)
def test_a_listing_that_is_none_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = replay(tmp_path, "--exchange", "binance", *arguments, given=AGGREGATED)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr


def test_corrupt_lines_are_named_and_the_rest_is_told(tmp_path: Path) -> None:
    rows = "\n".join([HEADER, BARS[0], "rubbish", BARS[1]]).encode() + b"\n\xff\xfe\n"
    done = replay(tmp_path, "--candles", "-", "--emit", "candles", given=rows)

    assert len(told(done)) == 2
    assert "line 3: row must have 6 fields" in done.stderr
    assert "line 5: line must be UTF-8" in done.stderr
    assert "2 lines read, 2 unreadable" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--candles", "-"), "Nothing in - can be read"),
        (("--trades", "-"), "Nothing in - can be read"),
        (("--frames", "-"), "Nothing in - can be read"),
        (("--candles", "/no/such/file"), "/no/such/file cannot be read: No such file"),
        (("--trades", "-", "--base", "1m"), "--base is the timeframe of --candles"),
    ],
)
def test_nothing_readable_is_a_failure(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = replay(tmp_path, *arguments, given=b"rubbish\n")

    assert done.returncode == 1
    assert done.stdout == ""
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--candles", "-", "--trades", "-"), "not allowed with"),
        ((), "is required"),
        (("--candles", "-", "--base", "3m"), "a timeframe is one of 1m, 5m"),
        (("--candles", "-", "--emit", "news"), "printed can be candles, indicators, signals"),
    ],
)
def test_a_wrong_command_line_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = replay(tmp_path, *arguments)

    assert done.returncode == 2
    assert says in done.stderr


def test_an_unknown_exchange_has_no_frames(tmp_path: Path) -> None:
    done = replay(tmp_path, "--exchange", "nowhere", "--frames", "-", given=b"{}")

    assert done.returncode == 1
    assert "exchange must be one of" in done.stderr


def test_a_reader_that_has_enough_is_no_failure(tmp_path: Path, candles: str) -> None:
    command = f"{sys.executable} manage.py replay --exchange coinbase --candles {candles}"
    environment = os.environ | {"LIVERMORE_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} | head -n 1"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["type"] == "candle"
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr
