"""A short run of ``make chaos``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from livermore import env

pytestmark = pytest.mark.timeout(180)

SEED, SECONDS = "7", "15"


def test_a_short_run_keeps_every_promise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", SEED, "--seconds", SECONDS],
        cwd=env.PROJECT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert "every promise was kept" in done.stdout
    assert "broken: " in done.stdout
