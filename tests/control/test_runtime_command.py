"""``manage.py runtime``: what it arranges before the worker runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from control.management.commands import runtime


@pytest.fixture(autouse=True)
def _usual_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_market_data_lets_the_control_plane_have_its_turn_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float] = []

    async def serve(_only: list[str]) -> None:
        seen.append(sys.getswitchinterval())

    monkeypatch.setattr(runtime, "_serve", serve)
    call_command("runtime")
    assert seen == [pytest.approx(runtime.SWITCH_SECONDS)]
    assert runtime.SWITCH_SECONDS < 0.005  # Python's own
