"""Keys of Binance and their signatures; no secret is seen anywhere."""

from __future__ import annotations

import copy
import pickle
from urllib.parse import urlencode

import pytest

from trading.core.errors import ConfigError
from trading.exchanges.binance.accounts import BinanceAccounts
from trading.exchanges.binance.auth import BinanceKey, read_key, signed
from trading.exchanges.ports import Request

# The vendor's example, from its documentation of signed requests.
NAME = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    "&recvWindow=5000&timestamp=1499827319559"
)
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def key() -> BinanceKey:
    return read_key(name=NAME, secret=SECRET)


def test_signature_is_the_vendors() -> None:
    assert key().signature(PAYLOAD) == SIGNATURE


def test_request_carries_the_key_its_time_and_last_the_signature_of_all_before() -> None:
    request = Request(method="GET", path="/api/v3/account", query={"a": "b"}, weight=20)

    proven = signed(request, key(), at=1_499_827_319)

    assert list(proven.query) == ["a", "recvWindow", "timestamp", "signature"]
    before = {name: value for name, value in proven.query.items() if name != "signature"}
    assert before["timestamp"] == "1499827319000"
    assert proven.query["signature"] == key().signature(urlencode(before))
    assert proven.headers == {"x-mbx-apikey": NAME}
    assert (proven.path, proven.weight) == (request.path, request.weight)


def test_signing_again_proves_the_time_anew() -> None:
    request = Request(method="GET", path="/api/v3/account")

    first, second = (
        BinanceAccounts().signed(request, key(), base="https://x", at=at, nonce="") for at in (1, 2)
    )

    assert first.query["signature"] != second.query["signature"]


@pytest.mark.parametrize(
    ("name", "secret", "words"),
    [
        ("", SECRET, "is missing"),
        ("a b", SECRET, "something else"),
        (NAME, "", "is missing"),
        (NAME, f"{SECRET}!", "cannot be read"),
        (NAME, "-----BEGIN PRIVATE KEY-----\nx", "RSA or Ed25519"),
    ],
)
def test_what_is_no_key_is_refused_without_its_secret(name: str, secret: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        read_key(name=name, secret=secret)

    assert SECRET not in str(refused.value)
    assert refused.value.__context__ is None


def test_blanks_around_are_no_part_of_a_key() -> None:
    assert read_key(name=f" {NAME}\n", secret=f"{SECRET}\n").signature(PAYLOAD) == SIGNATURE


def test_key_shows_no_secret_and_is_not_copied() -> None:
    mine = key()
    assert SECRET not in repr(mine)
    assert NAME not in repr(mine)
    with pytest.raises(TypeError):
        pickle.dumps(mine)
    with pytest.raises(TypeError):
        copy.copy(mine)
