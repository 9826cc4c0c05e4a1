"""From a settings document to what has to be read, and with which key.

Rule 1: names travel; a value is resolved where the key is made of it, and kept nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from settings_app import credentials
from settings_app.schema import Settings
from settings_app.schema.rules import has_keys
from trading.core.market import Market
from trading.exchanges.ports import Accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One exchange that shows a user's positions.

    Args:
        exchange: Its name.
        variables: Those that hold the key, the secret and, where there is one, the passphrase.
        every_seconds: How often it is read.
        minimum_usd: Positions worth less are left out.
        named: Markets of the exchange that the document counts as held anyway.
    """

    exchange: str
    variables: tuple[str, ...]
    every_seconds: float
    minimum_usd: Decimal
    named: tuple[Market, ...] = ()


def sources(document: Settings) -> tuple[Source, ...]:
    """What is to be read for a user; nothing where that is switched off."""
    if not document.load_positions_from_exchange:
        return ()
    named = [Market(row.exchange, row.symbol) for row in document.position_symbols]
    found = []
    for name, exchange in document.exchanges.items():
        variables = (
            exchange.api_key_environment_variable_name,
            exchange.secret_environment_variable_name,
            exchange.password_environment_variable_name,
        )
        if has_keys(exchange):
            source = Source(
                exchange=name,
                variables=tuple(variable for variable in variables if variable),
                every_seconds=document.position_refresh_hours * 3_600,
                minimum_usd=Decimal(repr(document.position_min_value_usd)),
                named=tuple(market for market in named if market.exchange == name),
            )
            found.append(source)
    return tuple(found)


def key_of(user_id: int, source: Source, accounts: Accounts) -> Any:
    """The key of a user, from the variables of this process. Synchronous, for a database thread.

    Raises:
        CredentialError: If a variable may not be read, or is not set; it says which.
        ConfigError: If what they hold is no key, in words without any of it.
    """
    name, secret, *passphrase = (
        credentials.resolve(variable, user_id=user_id) for variable in source.variables
    )
    return accounts.read_key(name=name, secret=secret, passphrase="".join(passphrase))
