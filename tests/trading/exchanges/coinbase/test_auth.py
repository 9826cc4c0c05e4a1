"""Keys are read in every form that the portal and the vendor's SDK know, and tokens verify."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from trading.core.errors import ConfigError
from trading.exchanges.coinbase.auth import (
    ACCEPTED,
    CoinbaseKey,
    PrivateKey,
    read_key,
    signed,
    subscription_token,
)
from trading.exchanges.ports import Request

NAME = "organizations/0a1b/apiKeys/2c3d"
AT = 1_790_735_993
NONCE = "0f" * 32
BASE = "https://api.coinbase.com/api/v3/brokerage"
ACCOUNTS = Request(method="GET", path="/accounts", query={"limit": "250"})

P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = Ed25519PrivateKey.generate()
OLD, NEW = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def pem(
    private: Any, form: PrivateFormat = NEW, sealed: KeySerializationEncryption | None = None
) -> str:
    written: bytes = private.private_bytes(Encoding.PEM, form, sealed or NoEncryption())
    return written.decode()


def raw(*, with_public: bool) -> str:
    public = ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    seed = ED25519.private_bytes_raw()
    return base64.b64encode(seed + public if with_public else seed).decode()


def one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def decoded(token: str, private: PrivateKey, algorithm: str) -> dict[str, Any]:
    """Header and claims of a token whose signature was verified; times are not looked at."""
    options = {"verify_exp": False, "verify_nbf": False}
    return jwt.decode_complete(token, private.public_key(), [algorithm], options=options)  # type: ignore[arg-type]


READABLE = [
    pytest.param(pem(P256, OLD), P256, id="SEC1"),
    pytest.param(one_line(pem(P256, OLD)), P256, id="SEC1 in one line"),
    pytest.param(pem(P256, OLD).replace("\n", "\\r\\n"), P256, id="SEC1 from Windows in one line"),
    pytest.param(f"\n  {pem(P256)}\n", P256, id="PKCS8 with blanks around it"),
    pytest.param(pem(ED25519), ED25519, id="Ed25519 as PKCS8"),
    pytest.param(one_line(pem(ED25519)), ED25519, id="Ed25519 as PKCS8 in one line"),
    pytest.param(raw(with_public=False), ED25519, id="Ed25519 of 32 bytes"),
    pytest.param(raw(with_public=True), ED25519, id="Ed25519 of 64 bytes"),
    pytest.param(
        raw(with_public=True)[:64] + "\n" + raw(with_public=True)[64:], ED25519, id="wrap"
    ),
]


@pytest.mark.parametrize(("secret", "private"), READABLE)
@pytest.mark.parametrize("label", [None, "name", "id"])
def test_key_is_read_and_its_token_verifies(
    secret: str, private: PrivateKey, label: str | None
) -> None:
    if label is None:
        key = read_key(name=f" {NAME}\n", secret=secret)
    else:
        file = {label: NAME, "privateKey": secret, "created": "2026"}
        key = read_key(name="", secret=json.dumps(file))

    token = key.token(at=AT, nonce=NONCE)

    expected = "ES256" if private is P256 else "EdDSA"
    assert decoded(token, private, expected)["header"] == {
        "alg": expected,
        "kid": NAME,
        "nonce": NONCE,
        "typ": "JWT",
    }
    part = token.split(".")[2]
    assert len(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) == 64


def test_file_may_stand_beside_its_own_name_only() -> None:
    file = json.dumps({"name": NAME, "privateKey": pem(P256)})

    assert read_key(name=NAME, secret=file).name == NAME
    with pytest.raises(ConfigError, match="another key"):
        read_key(name="organizations/0a1b/apiKeys/other", secret=file)


def test_request_is_signed_for_itself_without_its_query() -> None:
    key = CoinbaseKey(NAME, P256)

    request = signed(ACCOUNTS, key, base=BASE, at=AT, nonce=NONCE)

    scheme, token = request.headers["authorization"].split(" ")
    assert scheme == "Bearer"
    assert decoded(token, P256, "ES256")["payload"] == {
        "sub": NAME,
        "iss": "cdp",
        "nbf": AT,
        "exp": AT + 120,
        "uri": "GET api.coinbase.com/api/v3/brokerage/accounts",
    }
    assert (request.method, request.path, request.query) == ("GET", "/accounts", ACCOUNTS.query)
    assert token not in repr(request)


@pytest.mark.parametrize(
    ("base", "uri"),
    [
        ("http://127.0.0.1:8701/api/v3/brokerage", "127.0.0.1:8701/api/v3/brokerage/accounts"),
        ("https://api.coinbase.com:443/api/", "api.coinbase.com/api/accounts"),
        ("https://somebody:word@api.coinbase.com", "api.coinbase.com/accounts"),
    ],
)
def test_token_names_the_host_as_the_request_will(base: str, uri: str) -> None:
    request = signed(ACCOUNTS, CoinbaseKey(NAME, P256), base=base, at=AT, nonce=NONCE)

    token = request.headers["authorization"].removeprefix("Bearer ")
    assert decoded(token, P256, "ES256")["payload"]["uri"] == f"GET {uri}"


def test_subscription_is_bound_to_no_address() -> None:
    token = subscription_token(CoinbaseKey(NAME, ED25519), at=AT, nonce=NONCE)

    claims = decoded(token, ED25519, "EdDSA")["payload"]
    assert claims == {"sub": NAME, "iss": "cdp", "nbf": AT, "exp": AT + 120}


@pytest.mark.parametrize("nonce", ["", "0f" * 31, "0F" * 32, "xy" * 32])
def test_nonce_that_is_none_is_refused(nonce: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        CoinbaseKey(NAME, P256).token(at=AT, nonce=nonce)


PASSWORD = BestAvailableEncryption(b"a password")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
UNREADABLE = [
    pytest.param("", id="nothing"),
    pytest.param("swordfish-swordfish-swordfish", id="a word"),
    pytest.param(NAME, id="the name once more"),
    pytest.param(raw(with_public=False)[:-4], id="base64 cut short"),
    pytest.param(base64.b64encode(bytes(48)).decode(), id="48 bytes"),
    pytest.param(pem(P256)[:-60], id="PEM cut short"),
    pytest.param(pem(P256, sealed=PASSWORD), id="PEM with a password"),
    pytest.param(pem(ec.generate_private_key(ec.SECP384R1())), id="another curve"),
    pytest.param(pem(RSA), id="RSA"),
    pytest.param("{", id="half a file"),
    pytest.param(json.dumps({"name": NAME}), id="file without a key"),
    pytest.param(json.dumps({"name": NAME, "privateKey": 7}), id="file with a number"),
    pytest.param(json.dumps({"name": NAME, "privateKey": "swordfish"}), id="file with a word"),
]


def told(name: str, secret: str) -> str:
    """Everything that a log could print of the error, and of what stands behind it."""
    with pytest.raises(ConfigError) as caught:
        read_key(name=name, secret=secret)
    error = caught.value
    assert error.__context__ is None
    return "".join(traceback.format_exception_only(error)) + repr(error)


@pytest.mark.parametrize("secret", UNREADABLE)
def test_unreadable_key_is_told_with_what_is_accepted(secret: str) -> None:
    assert ACCEPTED in told(NAME, secret)


@given(st.text('abcdefghijklmnopqrstuvwxyzABC0123456789+/=-{}": \n\\', max_size=90))
def test_no_piece_of_an_unreadable_secret_is_told(noise: str) -> None:
    secret = f"Zq7{noise}Zq7Zq7Zq7"
    text = told(NAME, secret)

    assert "Zq7" not in text
    assert text == told(NAME, "Zq7")


@pytest.mark.parametrize("name", ["", "two words", "né", "x" * 300, pem(ED25519)])
def test_wrong_name_is_told_without_repeating_it(name: str) -> None:
    text = told(name, raw(with_public=False))

    assert "organizations/…/apiKeys/…" in text
    assert not name or name not in text


@pytest.mark.parametrize("private", [P256, ED25519])
def test_key_shows_its_name_and_no_secret(private: PrivateKey) -> None:
    key = CoinbaseKey(NAME, private)

    assert repr(key) == f"CoinbaseKey(name='{NAME}', algorithm='{key.algorithm}')"
    assert str(key) == repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
