"""Which exchanges there are: one line each.

Rule 1: nothing else names an exchange's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trading.core.errors import ConfigError
from trading.exchanges.binance import Binance
from trading.exchanges.coinbase import Coinbase
from trading.exchanges.kucoin import Kucoin
from trading.exchanges.ports import Exchange

_ALL: tuple[Exchange, ...] = (Coinbase(), Binance(), Kucoin())

EXCHANGES: Mapping[str, Exchange] = MappingProxyType({one.name: one for one in _ALL})


def exchange(name: str) -> Exchange:
    """The exchange of that name.

    Raises:
        ConfigError: If there is none.
    """
    try:
        return EXCHANGES[name]
    except KeyError:
        known = ", ".join(sorted(EXCHANGES))
        raise ConfigError(f"exchange must be one of {known}, was {name!r}") from None
