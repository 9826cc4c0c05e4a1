"""``python -m trading.simulator`` as a process."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from trading.simulator.venues.coinbase.keys import new_key

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "trading.simulator", "--products", "20"]


def ended_with(*options: str) -> subprocess.CompletedProcess[str]:
    """A simulator that ends by itself."""
    return subprocess.run(
        [*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20
    )


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """A simulator on a free port."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--seed", "3"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.kill()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/api/v3/brokerage", process.stdout.readline())
    assert found
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_when_told(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    address = address_of(process)
    assert httpx.get(f"{address}/market/products/BTC-USD").status_code == 200
    process.send_signal(number)
    assert process.wait(timeout=5) == 0


def test_a_taken_port_is_one_sentence(process: subprocess.Popen[str]) -> None:
    port = address_of(process).split(":")[2].split("/")[0]
    second = ended_with("--port", port)
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert port in second.stderr


def test_a_key_file_that_is_none_is_one_sentence_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text('{"name":"n","privateKey":"swordfish"}', encoding="utf-8")
    ended = ended_with("--port", "0", "--key", str(path))
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "swordfish" not in ended.stderr


def test_a_given_key_is_the_one_that_opens_the_accounts(tmp_path: Path) -> None:
    file = new_key().portal_file()
    path = tmp_path / "key.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--key", str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            address = address_of(running).removesuffix("/api/v3/brokerage")
            assert httpx.get(f"{address}/_sim/key").json() == file
        finally:
            running.kill()


def test_a_restart_shows_the_same_world(process: subprocess.Popen[str]) -> None:
    query = {"start": "1790700000", "end": "1790700600", "granularity": "ONE_MINUTE"}
    path = "/market/products/ETH-USD/candles"
    before = httpx.get(address_of(process) + path, params=query).json()
    process.kill()
    process.wait(timeout=5)
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--seed", "3"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as again:
        try:
            assert httpx.get(address_of(again) + path, params=query).json() == before
        finally:
            again.kill()
    assert len(before["candles"]) == 11


def test_a_recorded_file_is_its_world_and_a_second_one_goes_on_where_the_first_was(
    tmp_path: Path,
) -> None:
    table, orders = tmp_path / "ETH-USD.csv", tmp_path / "orders"
    rows = [
        f"{60 * minute},{minute},{minute + 9},{minute},{minute + 1},2.5" for minute in range(1, 900)
    ]
    table.write_text("\n".join(rows), encoding="utf-8")
    orders.write_text('{"kind":"quiet","product_id":"ETH-USD","at":6000}', encoding="utf-8")
    query: dict[str, str | int] = {"start": 5_940, "end": 6_060, "granularity": "ONE_MINUTE"}
    for since, at in ((time.time(), 18_000), (time.time() - 100.0, 17_000)):
        arguments = ["--candles", str(table), "--orders", str(orders), "--speed", "10"]
        arguments += ["--at", str(at), "--since", str(since), "--port", "0"]
        with subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as running:
            address = address_of(running)
            told = httpx.get(f"{address}/market/products/ETH-USD/candles", params=query).json()
            now = int(httpx.get(f"{address}/time").json()["epochSeconds"])
            running.terminate()
        assert [(row["start"], row["open"]) for row in told["candles"]] == [
            ("6060", "101"),
            ("5940", "99"),
        ]
        assert 18_000 <= now < 18_000 + 10 * 20


def test_a_broken_candle_file_is_one_sentence(tmp_path: Path) -> None:
    table = tmp_path / "BTC-USD.csv"
    table.write_text("60,1,2", encoding="utf-8")
    ended = ended_with("--port", "0", "--candles", str(table))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"simulator: {table}: line 1")
