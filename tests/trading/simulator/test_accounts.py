"""Coinbase's private REST paths: who is let in, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.trading.simulator import shapes
from tests.trading.simulator.worlds import NOW, NOW_US, SEED, moment, world
from trading.exchanges.coinbase.accounts import CoinbaseAccounts
from trading.exchanges.coinbase.auth import read_key, signed
from trading.exchanges.ports import Account, Request, Response
from trading.simulator.catalog import products
from trading.simulator.holdings import holdings
from trading.simulator.venues.coinbase.keys import SimulatedKey, key_of_file, new_key
from trading.simulator.venues.coinbase.venue import Coinbase
from trading.simulator.venues.ports import Answer, Ask, Moment

HOST = "127.0.0.1:8701"
BASE = f"http://{HOST}/api/v3/brokerage"
PREFIX = "/api/v3/brokerage"
NONCE = "0f" * 32
P256 = new_key()
ED25519 = SimulatedKey(name="2c3d0a1b-0000", private=Ed25519PrivateKey.generate())
URI = f"GET {HOST}{PREFIX}/accounts"
UNAUTHORIZED = (401, b"Unauthorized\n", "text/plain")


def told(
    request: Request, key: SimulatedKey = P256, *, known: SimulatedKey | None = None
) -> Answer:
    """The answer to a request that our own code signed with ``key``."""
    file = key.portal_file()
    ours = read_key(name=file["name"], secret=file["privateKey"])
    proved = signed(request, ours, base=BASE, at=NOW, nonce=NONCE)
    ask = Ask(
        method=request.method,
        path=PREFIX + request.path,
        query=list(request.query.items()),
        headers={"host": HOST, **proved.headers},
    )
    return Coinbase(world(), keys=[known or key]).answer(ask, moment())


def get(path: str, query: Mapping[str, str] | None = None, key: SimulatedKey = P256) -> Answer:
    return told(Request(method="GET", path=path, query=query or {}), key)


def body(path: str, **query: Any) -> Any:
    answer = get(path, {name: str(value) for name, value in query.items()})
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def accounts() -> tuple[Account, ...]:
    """Everything, read by the code that reads the real venue."""
    reading = CoinbaseAccounts().reading()
    while (request := reading.request()) is not None:
        answer = told(request)
        reading.receive(Response(status=answer.status, headers={}, body=answer.body))
    return reading.accounts


# ---------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize("key", [P256, ED25519])
@pytest.mark.parametrize("path", ["/accounts", "/key_permissions", "/products/BTC-USD"])
def test_whoever_signs_with_the_key_is_let_in(key: SimulatedKey, path: str) -> None:
    assert get(path, key=key).status == 200


def test_whoever_signs_with_another_key_is_not() -> None:
    other = new_key()
    impostor = replace(other, name=P256.name)
    for key in (other, impostor):
        answer = told(Request(method="GET", path="/accounts"), key, known=P256)
        assert (answer.status, answer.body, answer.content_type) == UNAUTHORIZED


def asked(token: str | None, at: Moment | None = None, *, host: str = HOST) -> Answer:
    headers = {"host": host} if token is None else {"host": host, "authorization": token}
    ask = Ask(method="GET", path=f"{PREFIX}/accounts", headers=headers)
    return Coinbase(world(), keys=[P256]).answer(ask, at or moment())


def token(
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    *,
    key: Any = P256.private,
    algorithm: str = "ES256",
) -> str:
    """A good token, but for what is given; a value of None leaves one out."""
    good = {"sub": P256.name, "iss": "cdp", "nbf": NOW, "exp": NOW + 120, "uri": URI}
    written = {k: v for k, v in (good | dict(claims or {})).items() if v is not None}
    head = {"kid": P256.name, "nonce": NONCE} | dict(header or {})
    return f"Bearer {jwt.encode(written, key, algorithm, {k: v for k, v in head.items() if v})}"


def test_a_good_token_made_by_hand_is_believed() -> None:
    assert asked(token()).status == 200


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer a.b.c",
        token().replace("Bearer", "Basic"),
        token()[:-8] + "AAAAAAAA",
        token({"sub": "another"}),
        token({"sub": None}),
        token({}, {"kid": "another"}),
        token({}, {"kid": None}),
        token({"uri": None}),
        token({"uri": f"POST {HOST}{PREFIX}/accounts"}),
        token({"uri": f"GET {HOST}{PREFIX}/key_permissions"}),
        token({"uri": f"{URI}?limit=250"}),
        token({"uri": f"GET api.coinbase.com{PREFIX}/accounts"}),
        token({"exp": None}),
        token({"nbf": None}),
        token({"nbf": float(NOW)}),
        token({"exp": NOW + 121}),
        token({"nbf": NOW - 120, "exp": NOW}),
        token({"nbf": NOW + 60, "exp": NOW + 120}),
        token({"nbf": NOW + 10, "exp": NOW + 5}),
        token(key=ec.generate_private_key(ec.SECP256R1())),
        token(key=ED25519.private, algorithm="EdDSA"),
        token(key="x" * 64, algorithm="HS256"),
        token(key="", algorithm="none"),
    ],
)
def test_a_token_with_anything_wrong_is_answered_by_one_word(bad: str | None) -> None:
    answer = asked(bad)
    assert (answer.status, answer.body, answer.content_type) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(-31, 401), (-30, 200), (0, 200), (119, 200), (120, 401), (90, 200), (-90, 401)],
)
def test_a_token_is_judged_by_the_clock_that_the_venue_tells(seconds: int, status: int) -> None:
    later = moment(NOW * 1_000_000 + seconds * 1_000_000)
    skewed = moment(NOW * 1_000_000)._replace(skew_ns=seconds * 1_000_000_000)

    assert asked(token(), later).status == status
    assert asked(token(), skewed).status == status


def test_another_host_is_another_address() -> None:
    assert asked(token(), host="localhost:8701").status == 401


def test_a_file_of_the_portal_is_a_key() -> None:
    for key in (P256, ED25519):
        read = key_of_file(json.dumps(key.portal_file()).encode())
        assert (read.name, read.algorithm) == (key.name, key.algorithm)
        assert read.portal_file() == key.portal_file()
    assert "PRIVATE" not in repr(P256)


# ---------------------------------------------------------------------------- what they are told


def test_bodies_have_the_shape_of_production() -> None:
    listed = body("/accounts")
    one = body(f"/accounts/{listed['accounts'][0]['uuid']}")
    assert shapes.differences(listed, shapes.ACCOUNTS) == []
    assert shapes.differences(one, {"account": shapes.ACCOUNT}) == []
    assert shapes.differences(body("/key_permissions"), shapes.KEY_PERMISSIONS) == []


def test_accounts_are_paged_by_cursor_and_none_is_lost() -> None:
    whole: list[str] = []
    cursor = ""
    while True:
        page = body("/accounts", limit=100, cursor=cursor)
        assert page["size"] == len(page["accounts"]) <= 100
        whole += [account["uuid"] for account in page["accounts"]]
        cursor = page["cursor"]
        if not page["has_next"]:
            break
    assert cursor == ""
    assert len(whole) == len(set(whole)) == len(holdings(SEED, products()))
    assert body("/accounts")["size"] == 49


@pytest.mark.parametrize("query", [{"limit": "251"}, {"limit": "x"}, {"cursor": "nowhere"}])
def test_a_bad_page_is_an_invalid_argument(query: dict[str, str]) -> None:
    answer = get("/accounts", query)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == "INVALID_ARGUMENT"


def test_our_reading_finds_every_kind_of_holding() -> None:
    held = {(account.kind, account.currency): account for account in accounts() if account.total}
    price = {product.base: product.price for product in world().products.values()}

    assert len(accounts()) > 250
    assert {("ACCOUNT_TYPE_FIAT", "USD"), ("ACCOUNT_TYPE_FIAT", "EUR")} <= held.keys()
    assert {("ACCOUNT_TYPE_CRYPTO", "USDC"), ("ACCOUNT_TYPE_CRYPTO", "REN")} <= held.keys()
    assert {("ACCOUNT_TYPE_CRYPTO", "BTC"), ("ACCOUNT_TYPE_VAULT", "BTC")} <= held.keys()
    assert held["ACCOUNT_TYPE_CRYPTO", "ETH"].hold > 0
    dust = held["ACCOUNT_TYPE_CRYPTO", "XLM"].total * Decimal(price["XLM"])
    assert 0 < dust < Decimal("0.01")


def test_a_restart_shows_the_same_accounts() -> None:
    assert accounts() == accounts()
    assert body("/accounts") == json.loads(
        Coinbase(world(), keys=[P256])
        .answer(
            Ask(
                method="GET",
                path=f"{PREFIX}/accounts",
                headers={"host": HOST, "authorization": token()},
            ),
            moment(NOW_US + 1_000_000),
        )
        .body
    )


def test_a_key_tells_what_it_may_and_may_no_more() -> None:
    blind = replace(P256, can_view=False, can_transfer=True)
    permissions = json.loads(get("/key_permissions", key=blind).body)
    assert [permissions[f"can_{what}"] for what in ("view", "trade", "transfer")] == [
        False,
        False,
        True,
    ]
    refused = get("/accounts", key=blind)
    assert refused.status == 403
    assert json.loads(refused.body)["error_details"] == "Missing required scopes"


def test_nothing_can_be_ordered() -> None:
    assert told(Request(method="POST", path="/orders")).status == 403


def test_the_twin_of_a_public_path_says_the_same() -> None:
    public = Ask(method="GET", path=f"{PREFIX}/market/products/BTC-USD")
    assert body("/products/BTC-USD") == json.loads(Coinbase(world()).answer(public, moment()).body)


@pytest.mark.parametrize("path", ["/nonsense", "/accounts/nobody", "/products/NOPE-USD"])
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert get(path).status == 404


# ---------------------------------------------------------------------------- the user channel


def listening(key: SimulatedKey, known: SimulatedKey = P256) -> list[Any]:
    """What a subscription to ``user`` with a token of ``key`` is answered."""
    file = key.portal_file()
    ours = read_key(name=file["name"], secret=file["privateKey"])
    claims = {"sub": ours.name, "iss": "cdp", "nbf": NOW, "exp": NOW + 120}
    token = jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.name})
    session = Coinbase(world(), keys=[known]).new_session(moment(), {})
    asked = {"type": "subscribe", "channel": "user", "product_ids": ["BTC-USD"], "jwt": token}
    return [json.loads(frame.text) for frame in session.receive(json.dumps(asked), moment())]


def test_the_owner_of_a_key_is_told_of_no_orders() -> None:
    told_of, acknowledged = listening(P256)
    assert told_of["channel"] == "user"
    (event,) = told_of["events"]
    assert (event["type"], event["orders"]) == ("snapshot", [])
    assert set(event["positions"]) == {
        "perpetual_futures_positions",
        "expiring_futures_positions",
        "prediction_market_positions",
    }
    (user,) = acknowledged["events"][0]["subscriptions"]["user"]
    assert len(user) == 36


@pytest.mark.parametrize(
    ("key", "known"),
    [(new_key(), P256), (replace(P256, can_view=False), replace(P256, can_view=False))],
)
def test_whoever_proves_nothing_hears_of_no_user(key: SimulatedKey, known: SimulatedKey) -> None:
    assert listening(key, known) == [{"type": "error", "message": "authentication failure"}]
