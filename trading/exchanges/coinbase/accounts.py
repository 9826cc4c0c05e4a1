"""Coinbase's private REST interface, as far as it is read: what a key may do, and its accounts.

Rule 1: balances are exact decimals from end to end; none becomes a float.
Rule 2: unknown keys, kinds and platforms are tolerated and kept; a balance that is no number, or
    that is in another currency than its account, is not.

Source: docs.cdp.coinbase.com, Advanced Trade REST API, list accounts and key permissions, read
2026-11-20; the words for kinds and platforms as production sends them.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trading.core.errors import Malformed
from trading.core.exact import MOST_EXPONENT
from trading.exchanges.coinbase import auth, rest
from trading.exchanges.coinbase.auth import CoinbaseKey
from trading.exchanges.coinbase.frames import NAME
from trading.exchanges.coinbase.refusals import read
from trading.exchanges.ports import Account, KeyPermissions, Request, Response

FIAT = "ACCOUNT_TYPE_FIAT"
ACCOUNTS_PER_PAGE = 250  # the most that the venue gives; it gives 49 to who does not ask
MOST_PAGES = 400  # a hundred thousand accounts: whoever sends more has lost the thread


class _Amount(msgspec.Struct):
    value: Decimal
    currency: str = ""


class _Row(msgspec.Struct):
    uuid: str
    currency: str
    available_balance: _Amount
    hold: _Amount | None = None
    type: str | None = ""
    platform: str | None = ""
    retail_portfolio_id: str | None = ""
    active: bool = True
    deleted_at: str | None = None


class _Page(msgspec.Struct):
    accounts: list[_Row]
    has_next: bool = False
    cursor: str | None = ""


class _Permissions(msgspec.Struct):
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_uuid: str | None = ""


_pages = msgspec.json.Decoder(_Page)
_permissions = msgspec.json.Decoder(_Permissions)


class CoinbaseReading:
    """One reading of all accounts; implements ``AccountsReading``."""

    def __init__(self) -> None:
        self._read: dict[str, Account] = {}
        self._cursor: str | None = ""  # None behind the last page
        self._asked = {""}

    def request(self) -> Request | None:
        """The next page, with the cursor as the venue wrote it; None when all is read."""
        if self._cursor is None:
            return None
        query = {"limit": str(ACCOUNTS_PER_PAGE)}
        if self._cursor:
            query["cursor"] = self._cursor
        return Request(method="GET", path="/accounts", query=query)

    def receive(self, response: Response) -> None:
        """Take a page. An account that two pages show counts once, as the later one shows it.

        Raises:
            ExchangeError: The page is none, or leads back to one that was read.
        """
        page = read(response, _pages, signed=True)
        rows = {row.uuid: _account(row) for row in page.accounts}
        following = (page.cursor or "") if page.has_next else None
        if following in self._asked:
            raise Malformed(NAME, "accounts: the cursor leads back to a page that was read")
        if following is not None and len(self._asked) >= MOST_PAGES:
            raise Malformed(NAME, f"accounts: no end behind {MOST_PAGES} pages")
        self._read |= rows
        self._cursor = following
        if following is not None:
            self._asked.add(following)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those read so far, each once."""
        return tuple(self._read.values())


class CoinbaseAccounts:
    """The private part of the venue; implements ``Accounts`` and holds no state."""

    def read_key(self, *, name: str, secret: str, passphrase: str = "") -> CoinbaseKey:
        """See :func:`auth.read_key`; the venue has no passphrases, and one given is ignored."""
        del passphrase
        return auth.read_key(name=name, secret=secret)

    def signed(
        self, request: Request, key: CoinbaseKey, *, base: str, at: int, nonce: str
    ) -> Request:
        """See :func:`auth.signed`."""
        return auth.signed(request, key, base=base, at=at, nonce=nonce)

    def permissions_request(self) -> Request:
        """What the key may do."""
        return Request(method="GET", path="/key_permissions")

    def permissions(self, response: Response) -> KeyPermissions:
        """Raises: Unreachable, RateLimited, Rejected, KeyRefused, KeyDoubted, Malformed."""
        told = read(response, _permissions, signed=True)
        return KeyPermissions(
            can_view=told.can_view,
            can_trade=told.can_trade,
            can_transfer=told.can_transfer,
            portfolio_id=told.portfolio_uuid or "",
        )

    def reading(self) -> CoinbaseReading:
        """A reading of all accounts, from the first page."""
        return CoinbaseReading()


def _account(row: _Row) -> Account:
    amounts = [row.available_balance] if row.hold is None else [row.available_balance, row.hold]
    for amount in amounts:
        if amount.currency not in {"", row.currency}:
            raise Malformed(NAME, f"account of {row.currency} shows {amount.currency}")
        if not _is_plausible(amount.value):
            raise Malformed(NAME, f"account of {row.currency}: balance must be a number")
    return Account(
        account_id=row.uuid,
        currency=rest.asset(row.currency),
        available=row.available_balance.value,
        hold=Decimal() if row.hold is None else row.hold.value,
        kind=row.type or "",
        platform=row.platform or "",
        portfolio_id=row.retail_portfolio_id or "",
        is_active=row.active and row.deleted_at is None,
        is_fiat=row.type == FIAT,
    )


def _is_plausible(value: Decimal) -> bool:
    """Finite, and of a size whose sums are exact."""
    if not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return -MOST_EXPONENT <= int(exponent) <= MOST_EXPONENT >= len(digits)
