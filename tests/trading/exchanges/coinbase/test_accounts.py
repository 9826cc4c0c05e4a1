"""Accounts are read to the last page and to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import KeyDoubted, KeyRefused, Malformed, Unreachable
from trading.exchanges.coinbase.accounts import MOST_PAGES, CoinbaseAccounts, CoinbaseReading
from trading.exchanges.ports import Account, KeyPermissions, Request, Response

ACCOUNTS = CoinbaseAccounts()


def answer(body: Any, status: int = 200) -> Response:
    encoded = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status=status, headers={}, body=encoded)


def row(uuid: str = "u1", currency: str = "BTC", value: Any = "1.5", **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "name": f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": value, "currency": currency},
        "default": False,
        "active": True,
        "created_at": "2026-09-30T01:38:13.165Z",
        "updated_at": "2026-09-30T01:38:13.191101Z",
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": "0", "currency": currency},
        "retail_portfolio_id": "p1",
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    } | more


def page(*rows: dict[str, Any], cursor: str = "", has_next: bool | None = None) -> Response:
    more = bool(cursor) if has_next is None else has_next
    told = {"accounts": list(rows), "has_next": more, "cursor": cursor, "size": len(rows)}
    return answer(told)


def read(*pages: Response) -> tuple[Account, ...]:
    reading = CoinbaseReading()
    for one in pages:
        assert reading.request() is not None
        reading.receive(one)
    assert reading.request() is None
    return reading.accounts


def test_account_is_read_with_its_kind_and_platform() -> None:
    held = {"value": "0.25", "currency": "BTC"}
    (account,) = read(page(row(hold=held)))

    assert account == Account(
        account_id="u1",
        currency="BTC",
        available=Decimal("1.5"),
        hold=Decimal("0.25"),
        kind="ACCOUNT_TYPE_CRYPTO",
        platform="ACCOUNT_PLATFORM_CONSUMER",
        portfolio_id="p1",
        is_active=True,
    )
    assert account.total == Decimal("1.75")


def test_coin_that_the_venue_calls_otherwise_has_its_usual_name() -> None:
    assert [account.currency for account in read(page(row(currency="CGLD")))] == ["CELO"]


def test_account_of_fiat_says_so() -> None:
    kinds = ("ACCOUNT_TYPE_FIAT", "ACCOUNT_TYPE_CRYPTO", None)
    accounts = read(page(*(row(f"u{n}", type=kind) for n, kind in enumerate(kinds))))
    assert [account.is_fiat for account in accounts] == [True, False, False]


def test_every_page_is_asked_for_with_the_cursor_as_it_came() -> None:
    reading = ACCOUNTS.reading()
    assert reading.request() == Request(method="GET", path="/accounts", query={"limit": "250"})

    reading.receive(page(row("u1"), cursor="a b/+=?&%20"))

    query = {"limit": "250", "cursor": "a b/+=?&%20"}
    assert reading.request() == Request(method="GET", path="/accounts", query=query)
    reading.receive(page(row("u2"), cursor="ignored at the end", has_next=False))
    assert reading.request() is None
    assert [account.account_id for account in reading.accounts] == ["u1", "u2"]


@pytest.mark.parametrize("cursor", ["", "first"])
def test_cursor_that_leads_back_ends_the_reading(cursor: str) -> None:
    reading = CoinbaseReading()
    reading.receive(page(row("u1"), cursor="first"))

    with pytest.raises(Malformed, match="leads back"):
        reading.receive(page(row("u2"), cursor=cursor, has_next=True))


def test_pages_without_an_end_are_given_up() -> None:
    reading = CoinbaseReading()
    for number in range(1, MOST_PAGES):
        reading.receive(page(row(f"u{number}"), cursor=f"c{number}"))

    with pytest.raises(Malformed, match="no end"):
        reading.receive(page(row("u0"), cursor="one more"))


def test_page_that_failed_can_be_asked_again() -> None:
    reading = CoinbaseReading()
    reading.receive(page(row("u1"), cursor="next"))
    request = reading.request()
    for status, body, error in [
        (502, "<html>", Unreachable),
        (401, "Unauthorized", KeyDoubted),
        (200, "{", Malformed),
    ]:
        with pytest.raises(error):
            reading.receive(answer(body, status))
        assert reading.request() == request

    reading.receive(page(row("u2")))
    assert len(reading.accounts) == 2


def test_account_that_moved_to_a_later_page_counts_once() -> None:
    accounts = read(page(row("u1", value="1"), cursor="next"), page(row("u1", value="2")))

    assert [account.total for account in accounts] == [Decimal(2)]


def test_same_currency_in_several_accounts_stays_apart() -> None:
    accounts = read(page(row("u1"), row("u2", type="ACCOUNT_TYPE_VAULT")))

    assert [account.kind for account in accounts] == ["ACCOUNT_TYPE_CRYPTO", "ACCOUNT_TYPE_VAULT"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"type": "ACCOUNT_TYPE_MOON", "platform": "ACCOUNT_PLATFORM_MARS"}, True),
        ({"unheard_of": {"deep": [1]}}, True),
        ({"hold": None, "type": None, "platform": None, "retail_portfolio_id": None}, True),
        ({"active": False}, False),
        ({"deleted_at": "2026-09-30T01:38:13.165Z"}, False),
    ],
)
def test_what_is_new_or_missing_is_tolerated(more: dict[str, Any], expected: bool) -> None:
    (account,) = read(page(row(**more)))

    assert account.is_active is expected
    assert account.total == Decimal("1.5")
    assert account.kind == (more.get("type", "ACCOUNT_TYPE_CRYPTO") or "")


@pytest.mark.parametrize(
    "rows",
    [
        {"available_balance": {"value": "x", "currency": "BTC"}},
        {"available_balance": {"value": "NaN", "currency": "BTC"}},
        {"available_balance": {"value": "Infinity", "currency": "BTC"}},
        {"available_balance": {"value": "1e999999", "currency": "BTC"}},
        {"available_balance": {"value": "1e-999999", "currency": "BTC"}},
        {"available_balance": {"value": "9" * 65, "currency": "BTC"}},
        {"available_balance": {"value": "1", "currency": "ETH"}},
        {"hold": {"value": "", "currency": "BTC"}},
        {"available_balance": None},
        {"uuid": None},
    ],
)
def test_balance_that_is_none_fails_the_page(rows: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        CoinbaseReading().receive(page(row() | rows))


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "{}", '{"accounts":{}}', b"\xff".decode("latin1")]
)
def test_answer_that_is_none_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        CoinbaseReading().receive(answer(body))


places = st.integers(0, 30)
units = st.integers(-(10**40), 10**40)


@given(units, places, units, places)
def test_total_is_exact_whatever_the_digits(
    units: int, places: int, held: int, held_places: int
) -> None:
    def text(count: int, behind: int) -> str:
        digits = f"{abs(count):0{behind + 1}d}"
        point = len(digits) - behind
        return f"{'-' if count < 0 else ''}{digits[:point]}.{digits[point:]}".rstrip(".")

    hold = {"value": text(held, held_places), "currency": "BTC"}
    (account,) = read(page(row(value=text(units, places), hold=hold)))

    expected = units * 10 ** (60 - places) + held * 10 ** (60 - held_places)
    sign, digits, exponent = account.total.as_tuple()
    told = (-1 if sign else 1) * int("".join(map(str, digits)))
    assert told * 10 ** (60 + int(exponent)) == expected


def test_permissions_are_read() -> None:
    told = {
        "can_view": True,
        "can_trade": False,
        "can_transfer": True,
        "portfolio_uuid": "p1",
        "portfolio_type": "DEFAULT",
    }
    assert ACCOUNTS.permissions(answer(told)) == KeyPermissions(
        can_view=True, can_trade=False, can_transfer=True, portfolio_id="p1"
    )
    assert ACCOUNTS.permissions_request() == Request(method="GET", path="/key_permissions")


@pytest.mark.parametrize("missing", ["can_view", "can_trade", "can_transfer"])
def test_permission_that_is_not_told_is_not_guessed(missing: str) -> None:
    told = {"can_view": True, "can_trade": False, "can_transfer": False}
    del told[missing]

    with pytest.raises(Malformed, match=missing):
        ACCOUNTS.permissions(answer(told))


def test_key_without_the_scope_is_refused() -> None:
    body = {"error": "PERMISSION_DENIED", "error_details": "Missing required scopes"}

    with pytest.raises(KeyRefused):
        ACCOUNTS.permissions(answer(body, 403))
