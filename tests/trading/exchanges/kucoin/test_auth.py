"""Keys of KuCoin and their signatures; no secret is seen anywhere."""

from __future__ import annotations

import copy
import pickle

import pytest

from trading.core.errors import ConfigError
from trading.exchanges.kucoin.accounts import KucoinAccounts
from trading.exchanges.kucoin.auth import KucoinKey, read_key, signed
from trading.exchanges.ports import Request

NAME = "6705f5c311545b000157d3eb"
SECRET = "d0c3a6d2-51bb-4f6e-9d0a-8fe3ab3b34a1"
PASSPHRASE = "opensesame"


def key(name: str = NAME) -> KucoinKey:
    return read_key(name=name, secret=SECRET, passphrase=PASSPHRASE)


def test_request_and_passphrase_are_signed_by_the_documented_rule() -> None:
    """The texts and what they amount to were computed from the documentation, apart from here."""
    request = Request(method="GET", path="/api/v1/accounts", query={"type": "trade"}, weight=5)
    known = KucoinKey(NAME, "secret", "passphrase")

    proven = signed(request, known, at=1_700_000_000)

    assert proven.headers == {
        "kc-api-key": NAME,
        "kc-api-timestamp": "1700000000000",
        "kc-api-sign": "CYlAPWPBsrrIibcANyIBMRGzkUEWzmPVO7IuftVMD3o=",
        "kc-api-passphrase": "sWd5rQWAxDzYJTY6K2sov6seA0l3uNP70anWxITg8IA=",
        "kc-api-key-version": "3",
    }
    assert (proven.path, proven.query, proven.weight) == (request.path, request.query, 5)


@pytest.mark.parametrize(("behind", "version"), [("", "3"), (":v3", "3"), (":v2", "2")])
def test_version_is_the_newest_unless_it_is_said(behind: str, version: str) -> None:
    proven = signed(Request(method="GET", path="/"), key(NAME + behind), at=1)

    assert proven.headers["kc-api-key-version"] == version
    assert proven.headers["kc-api-key"] == NAME


def test_each_moment_has_a_signature_of_its_own() -> None:
    signatures = {
        signed(Request(method="GET", path=path), key(), at=at).headers["kc-api-sign"]
        for path in ("/a", "/b")
        for at in (1, 2)
    }

    assert len(signatures) == 4


@pytest.mark.parametrize(
    ("name", "secret", "passphrase", "words"),
    [
        ("", SECRET, PASSPHRASE, "API key must be letters and digits; it is missing"),
        ("with space in it", SECRET, PASSPHRASE, "this one is something else"),
        (NAME + ":v1", SECRET, PASSPHRASE, "version 2 or 3, was 1"),
        (NAME, "", PASSPHRASE, "secret is missing"),
        (NAME, "hush hush hush hush", PASSPHRASE, "secret cannot be read"),
        (NAME, SECRET, "", "passphrase is missing"),
        (NAME, SECRET, "hush\x07hush", "passphrase cannot be read"),
        (NAME, SECRET, "hush" * 17, "passphrase cannot be read"),
    ],
)
def test_text_that_is_no_key_is_refused_without_a_word_of_it(
    name: str, secret: str, passphrase: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        KucoinAccounts().read_key(name=name, secret=secret, passphrase=passphrase)
    assert "hush" not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_key_shows_nothing_that_it_signs_with() -> None:
    shown = repr(key())

    assert shown == "KucoinKey(name='6705…', version=3)"
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            copied(key())


def test_signed_request_shows_no_header() -> None:
    proven = signed(Request(method="GET", path="/"), key(), at=1)

    assert proven.headers["kc-api-sign"] not in repr(proven)
    assert proven.headers["kc-api-passphrase"] not in repr(proven)
