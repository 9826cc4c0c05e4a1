"""A short run of ``make soak``, and that its verdict can fail."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from livermore import env
from trading.exchanges.registry import EXCHANGES

pytestmark = pytest.mark.timeout(240)

ARGUMENTS = ("--seed", "11", "--symbols", "6", "--seconds", "38", "--speed", "60")
FIRST = (
    *("amended_candle@binance", "dead_worker", "lost_frames@kucoin", "lost_frames@coinbase"),
    *("dead_exchange@binance", "announced_end"),
)


def test_a_short_day_is_told_as_the_true_candles_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *ARGUMENTS, "--first", *FIRST],
        cwd=env.PROJECT,
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert "everything is as the true candles say" in done.stdout
    assert "broken: " in done.stdout
    for name in EXCHANGES:
        assert re.search(rf"found of {name}: [1-9]\d* alerts", done.stdout), done.stdout
