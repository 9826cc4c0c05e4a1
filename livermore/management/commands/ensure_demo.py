"""``manage.py ensure_demo``: somebody to sign in as, watching something that moves.

The password is random, made once and kept in the state directory's ``demo-password`` (mode 0600).
Remove that file to get a new one. An empty file means that the user has set another password.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from livermore.private import kept_secret, write_private
from settings_app import desired, services
from settings_app.models import User
from trading.core.modes import Mode

USERNAME = "demo"
_SYMBOLS = {
    "coinbase": (
        *("BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD", "AVAX-USD"),
        *("LINK-USD", "DOGE-USD", "DOT-USD", "LTC-USD", "BCH-USD", "UNI-USD"),
    ),
    "binance": ("BTC-USDT", "ETH-USDT"),
    "kucoin": ("BTC-USDT", "ETH-USDT"),
}


class Command(BaseCommand):
    help = "Create the demo user, if there is none, with a watchlist and a random password."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = settings.ENVIRONMENT.state.demo_password
        user = User.objects.filter(username=USERNAME).first()
        if user is None:
            _create(kept_secret(file))
            self.stdout.write(f"made the user {USERNAME}")
        elif not file.exists():
            user.set_password(kept_secret(file))
            user.save(update_fields=["password"])
            self.stdout.write(f"gave the user {USERNAME} a new password")
        elif (kept := file.read_text().strip()) and not user.check_password(kept):
            write_private(file, "")


@transaction.atomic
def _create(password: str) -> None:
    user = User.objects.create_superuser(USERNAME, password=password)
    watchlist = [
        {"symbol": symbol, "exchange": exchange}
        for exchange, symbols in _SYMBOLS.items()
        for symbol in symbols
    ]
    services.patch(
        user.pk,
        {"exchanges": {name: {"enabled": True} for name in _SYMBOLS}, "watchlist": watchlist},
        by=user,
        origin="demo",
    )
    desired.record(user.pk, is_paused=False, mode=Mode.SCALPER_MACDV)
