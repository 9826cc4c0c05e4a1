"""What several tests of this room look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from settings_app.signals import settings_saved


@pytest.fixture
def announced() -> Iterator[list[dict[str, Any]]]:
    """What listeners were told, in order."""
    calls: list[dict[str, Any]] = []

    def listen(**told: Any) -> None:
        calls.append({key: told[key] for key in ("user_id", "sub", "revision", "origin")})

    settings_saved.connect(listen)
    yield calls
    settings_saved.disconnect(listen)
