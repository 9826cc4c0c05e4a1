"""A writer of its own process: ``python -m tests.settings_app.racing USER WRITER [--rebase]``.

It says that it is ready, waits for a line, and then saves one place after the other as fast as it
can. What it saved it prints as JSON, one line for each save.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import django

PATCHES = 500  # of each writer

# Twenty places, each with what stands there after the n-th save: a different value each time.
PLACES: tuple[tuple[str, Callable[[int], Any]], ...] = (
    ("/perseus_profile/public_name", lambda n: f"name {n}"),
    ("/perseus_profile/description", lambda n: f"text {n}"),
    ("/perseus_profile/trade_settings/max_daily_trades", lambda n: n),
    ("/perseus_profile/trade_settings/trading_strategy", lambda n: f"strategy {n}"),
    ("/livermore_runtime/logging/data_directory", lambda n: f"data{n}"),
    ("/livermore_runtime/logging/log_directory", lambda n: f"logs{n}"),
    ("/exchanges/coinbase/defaults/take_profit_percentage", lambda n: 1 + n / 4),
    ("/exchanges/kucoin/defaults/trading_strategy", lambda n: f"strategy {n}"),
    ("/exchanges/binance/defaults/trading_strategy", lambda n: f"strategy {n}"),
    ("/position_symbols", lambda n: [{"symbol": f"P{n}-USD", "exchange": "coinbase"}]),
    ("/position_min_value_usd", lambda n: n + 0.5),
    ("/position_refresh_hours", lambda n: 1 + n / 16),
    (
        "/watchlist",
        lambda n: [
            {"symbol": f"W{n}-USD", "exchange": "coinbase", "enabled": True, "categories": []}
        ],
    ),
    ("/scanner/min_volume_24h_quote", lambda n: n + 0.5),
    ("/scanner/exclude", lambda n: [f"X{n}-USD"]),
    ("/modes/position-monitor/cooldown_seconds", lambda n: n),
    ("/modes/scalper-macdv/cooldown_seconds", lambda n: n),
    ("/modes/scalper-orderbook/cooldown_seconds", lambda n: n),
    ("/notifications/email/address", lambda n: f"a{n}@example.org"),
    ("/modes/scalper-macdv/levels", lambda n: [n + 0.5]),
)


def merge_patch_of(place: str, value: Any) -> Any:
    """The merge patch that puts a value at a place."""
    for key in reversed(place.split("/")[1:]):
        value = {key: value}
    return value


def main(user_id: int, writer: int, *, rebases: bool) -> None:
    """Save, and tell each save."""
    django.setup()
    from settings_app import services
    from settings_app.errors import StaleRevision
    from settings_app.models import User

    user = User.objects.get(pk=user_id)
    base = services.read(user_id).revision
    tell("ready")
    sys.stdin.readline()
    for step in range(PATCHES):
        # Both come by every place, the second writer in another order.
        place, value_of = PLACES[(step * (1, 7)[writer]) % len(PLACES)]
        value = value_of(1_000 + PATCHES * writer + step)
        while True:
            try:
                saved = services.patch(
                    user_id,
                    merge_patch_of(place, value),
                    by=user,
                    base_revision=base if rebases else None,
                )
            except StaleRevision as exc:
                base = exc.current  # somebody who looks again
            else:
                break
        base = saved.revision
        told = {"writer": writer, "revision": saved.revision, "place": place, "value": value}
        tell({**told, "paths": saved.changed_paths, "rebased_from": saved.rebased_from})


def tell(message: object) -> None:
    """Print one line of JSON at once."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), rebases="--rebase" in sys.argv)
