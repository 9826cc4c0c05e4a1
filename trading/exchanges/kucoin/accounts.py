"""KuCoin's private REST interface, as far as it is read: what a key may do, and its accounts.

Rule 1: balances are exact decimals from end to end; none becomes a float.
Rule 2: a permission that is not known here is taken for one to trade, and for one to move money
    where its name says so.

Source: www.kucoin.com/docs, account info, read 2026-11-20.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading.core.errors import Malformed
from trading.core.exact import MOST_EXPONENT
from trading.exchanges.kucoin import auth, rest
from trading.exchanges.kucoin.auth import KucoinKey
from trading.exchanges.kucoin.frames import NAME
from trading.exchanges.kucoin.refusals import read
from trading.exchanges.ports import Account, KeyPermissions, Request, Response

_VIEW = "general"
_MOVES = ("transfer", "withdraw")


class _Account(msgspec.Struct):
    id: str
    currency: str
    type: str
    available: Decimal
    holds: Decimal


class _KeyInfo(msgspec.Struct):
    permission: str


_accounts = msgspec.json.Decoder(list[_Account])
_key_infos = msgspec.json.Decoder(_KeyInfo)


class KucoinReading:
    """One reading of all accounts, which come in one answer; implements ``AccountsReading``."""

    def __init__(self) -> None:
        self._accounts: tuple[Account, ...] | None = None

    def request(self) -> Request | None:
        """All accounts of every type; None when they are read."""
        if self._accounts is not None:
            return None
        return Request(method="GET", path="/api/v1/accounts", weight=5)

    def receive(self, response: Response) -> None:
        """Take the answer.

        Raises:
            ExchangeError: It is none.
        """
        rows = {row.id: row for row in read(response, _accounts, signed=True)}
        self._accounts = tuple(_account(row) for row in rows.values())

    @property
    def accounts(self) -> tuple[Account, ...]:
        """One for each coin and type of account."""
        return self._accounts or ()


class KucoinAccounts:
    """The private part of the venue; implements ``Accounts`` and holds no state."""

    def read_key(self, *, name: str, secret: str, passphrase: str = "") -> KucoinKey:
        """See :func:`auth.read_key`."""
        return auth.read_key(name=name, secret=secret, passphrase=passphrase)

    def signed(
        self, request: Request, key: KucoinKey, *, base: str, at: int, nonce: str
    ) -> Request:
        """See :func:`auth.signed`; neither the address nor a nonce is signed here."""
        del base, nonce
        return auth.signed(request, key, at=at)

    def permissions_request(self) -> Request:
        """What the key may do."""
        return Request(method="GET", path="/api/v1/user/api-key", weight=20)

    def permissions(self, response: Response) -> KeyPermissions:
        """Raises: Unreachable, RateLimited, Rejected, KeyRefused, Malformed."""
        told = read(response, _key_infos, signed=True).permission.lower().split(",")
        words = {word.strip() for word in told} - {""}
        moves = {word for word in words if any(move in word for move in _MOVES)}
        return KeyPermissions(
            can_view=_VIEW in words,
            can_trade=bool(words - moves - {_VIEW}),
            can_transfer=bool(moves),
        )

    def reading(self) -> KucoinReading:
        """A reading of all accounts."""
        return KucoinReading()


def _account(row: _Account) -> Account:
    for value in (row.available, row.holds):
        if not _is_plausible(value):
            raise Malformed(NAME, f"account of {row.currency}: balance must be a number")
    return Account(
        account_id=row.id,
        currency=rest.asset(row.currency),
        available=row.available,
        hold=row.holds,
        kind=row.type,
    )


def _is_plausible(value: Decimal) -> bool:
    """Finite, and of a size whose sums are exact."""
    if not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return -MOST_EXPONENT <= int(exponent) <= MOST_EXPONENT >= len(digits)
