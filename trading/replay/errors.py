"""What can be wrong with a recording."""

from __future__ import annotations

from trading.core.errors import TradingError


class Unreadable(TradingError):
    """One line is not what it should be: say so, and go on with the next."""
