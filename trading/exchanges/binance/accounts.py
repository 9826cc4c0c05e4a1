"""Binance's private REST interface, as far as it is read: what a key may do, and its balances.

Rule 1: balances are exact decimals from end to end; none becomes a float.
Rule 2: what a key may do is asked of the key. The ``canWithdraw`` of an account is the account's,
    and true of nearly all.

Source: developers.binance.com, wallet, API key permission, read 2026-11-28;
github.com/binance/binance-spot-api-docs, rest-api.md, account information (2026-07-21).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading.core.errors import Malformed
from trading.core.exact import MOST_EXPONENT
from trading.exchanges.binance import auth, rest
from trading.exchanges.binance.auth import BinanceKey
from trading.exchanges.binance.frames import NAME
from trading.exchanges.binance.refusals import read
from trading.exchanges.ports import Account, KeyPermissions, Request, Response


class _Balance(msgspec.Struct):
    asset: str
    free: Decimal
    locked: Decimal


class _Account(msgspec.Struct, rename="camel"):
    balances: list[_Balance]
    account_type: str = ""


class _Restrictions(msgspec.Struct, rename="camel"):
    """What a key may do. What is not said of money moving is taken for a yes."""

    enable_reading: bool = False
    enable_withdrawals: bool = True
    enable_internal_transfer: bool = True
    permits_universal_transfer: bool = True
    enable_spot_and_margin_trading: bool = False
    enable_margin: bool = False
    enable_futures: bool = False
    enable_vanilla_options: bool = False
    enable_portfolio_margin_trading: bool = False
    enable_fix_api_trade: bool = False


_accounts = msgspec.json.Decoder(_Account)
_restrictions = msgspec.json.Decoder(_Restrictions)


class BinanceReading:
    """One reading of all balances, which come in one answer; implements ``AccountsReading``."""

    def __init__(self) -> None:
        self._accounts: tuple[Account, ...] | None = None

    def request(self) -> Request | None:
        """The account with all its balances; None when it is read."""
        if self._accounts is not None:
            return None
        return Request(method="GET", path="/api/v3/account", weight=20)

    def receive(self, response: Response) -> None:
        """Take the answer.

        Raises:
            ExchangeError: It is none.
        """
        told = read(response, _accounts, signed=True)
        self._accounts = tuple(_account(row, told.account_type) for row in told.balances)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """One for each coin that the venue tells of, held or not."""
        return self._accounts or ()


class BinanceAccounts:
    """The private part of the venue; implements ``Accounts`` and holds no state."""

    def read_key(self, *, name: str, secret: str, passphrase: str = "") -> BinanceKey:
        """See :func:`auth.read_key`; the venue has no passphrases, and one given is ignored."""
        del passphrase
        return auth.read_key(name=name, secret=secret)

    def signed(
        self, request: Request, key: BinanceKey, *, base: str, at: int, nonce: str
    ) -> Request:
        """See :func:`auth.signed`; neither the address nor a nonce is signed here."""
        del base, nonce
        return auth.signed(request, key, at=at)

    def permissions_request(self) -> Request:
        """What the key may do."""
        return Request(method="GET", path="/sapi/v1/account/apiRestrictions")

    def permissions(self, response: Response) -> KeyPermissions:
        """Raises: Unreachable, RateLimited, Rejected, KeyRefused, Malformed."""
        told = read(response, _restrictions, signed=True)
        return KeyPermissions(
            can_view=told.enable_reading,
            can_trade=told.enable_spot_and_margin_trading
            or told.enable_margin
            or told.enable_futures
            or told.enable_vanilla_options
            or told.enable_portfolio_margin_trading
            or told.enable_fix_api_trade,
            can_transfer=told.enable_withdrawals
            or told.enable_internal_transfer
            or told.permits_universal_transfer,
        )

    def reading(self) -> BinanceReading:
        """A reading of all balances."""
        return BinanceReading()


def _account(row: _Balance, kind: str) -> Account:
    for value in (row.free, row.locked):
        if not _is_plausible(value):
            raise Malformed(NAME, f"account of {row.asset}: balance must be a number")
    return Account(
        account_id=row.asset,
        currency=rest.asset(row.asset),
        available=row.free,
        hold=row.locked,
        kind=kind,
    )


def _is_plausible(value: Decimal) -> bool:
    """Finite, and of a size whose sums are exact."""
    if not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return -MOST_EXPONENT <= int(exponent) <= MOST_EXPONENT >= len(digits)
