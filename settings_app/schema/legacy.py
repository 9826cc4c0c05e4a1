"""Keys that versions 0 and 1 had and the current one has not, and what became of each.

Rule 1: words only. What moves where is done in `settings_app.upgrades`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

# Facts that the runtime wrote, and a switch that means nothing where changes apply live.
DROPPED: Final = MappingProxyType(
    {
        "portfolio_symbols_last_update": "a fact of the runtime, not a setting",
        "scanner_symbols_last_update": "a fact of the runtime, not a setting",
        "scanner_auto_restart_services": "every change is applied to the running runtime",
    }
)

# Sections that a file of these versions cannot have: by them, a document that lacks its version is
# told from an old one.
NEWER: Final = ("watchlist", "scanner", "modes", "notifications", "schedule")

_NONE: Final = MappingProxyType[str, str]({})

OLDER_KEYS: Final = MappingProxyType(
    {
        (): MappingProxyType(
            {
                "symbols": "see watchlist",
                "sparse_symbols": "see watchlist",
                "scanner_to_maintain_symbols_enabled": "see scanner.enabled",
                "scanner_exchange": "see scanner.exchange",
                **DROPPED,
            }
        ),
        ("perseus_profile",): MappingProxyType(
            {
                "notification_preferences": "see notifications",
                "discord_integration": "see notifications.discord",
            }
        ),
    }
)
"""By the keys of the object they stood in: key → what to say of it."""


def keys_at(place: Iterable[str | int]) -> MappingProxyType[str, str]:
    """The older keys of an object, each with what became of it."""
    return OLDER_KEYS.get(tuple(map(str, place)), _NONE)
