"""What is recognised as a secret by its shape, and what people write that must pass."""

from __future__ import annotations

import json
import random
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_app.schema import default_document, secrecy
from settings_app.schema.secrecy import SHAPES, disguised_secrets, looks_secret

UUID = "0c5f2b1e-93d4-4f7a-8e61-b2d7a90c4e15"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BINANCE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
BASE64 = "MHcCAQEEIIGdqyl2mYR3nF1Wv5sK0/8tH+ZrQk7bUoGvYw2P9xLeoAoGCCqGSM49"
BASE64URL = "qZ3vN-8tLwYk2_RbXs7uHcE4mPdA9gJf6TnKo1iVeQ0"
TOKEN = "a1B2c3D4e5F6g7H8i9J0"

# One text at least for every shape, and those that only their randomness betrays.
SECRETS = {
    "private key (PEM)": [
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGdqyl2\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2Vw",
        r"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE",
        "BEGIN RSA PRIVATE KEY MIIEpAIB",
    ],
    "JSON Web Token": [
        "eyJhbGciOiJub25l.eyJzdWIiOiJhIn0.",
        "Bearer eyJhbGciOiJub25l.eyJzdWIiOiJhIn0",
    ],
    "Coinbase's name of a key": ["organizations/acme/apiKeys/main"],
    "UUID": [UUID, UUID.upper(), f"key {UUID}."],
    "hexadecimal": [HEX, f"0x{HEX}", HEX.upper(), HEX[:24], f"id={HEX[:32]};"],
    "token that begins with its kind": [
        f"ghp_{TOKEN}",
        f"github_pat_{TOKEN}",
        f"glpat-{TOKEN}",
        f"xoxb-{TOKEN}",
        "sk_live_aaaabbbbccccddd1",
    ],
    "key that begins with its kind": [
        f"sk-{TOKEN}",
        f"AIza{TOKEN}{TOKEN}",
        f"SG.{TOKEN}",
    ],
    "Amazon's id of a key": ["AKIAIOSFODNN7EXAMPLE"],
    "Telegram bot": ["110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"],
    "Discord bot": [f"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{'Zz-9' * 6}abc"],
    "link with a password": [
        "redis://:hunter2@db/0",
        "postgresql://anna:hunter2@db:5432/livermore",
        "smtps://anna%40example.org:x@mail.example.org",
        "https://0123456789abcdef0@example.org/1",
    ],
    "link with a key": ["https://example.org/feed?format=json&api_key=abcdefgh"],
    "webhook of a known service": [
        "https://discord.com/api/webhooks/1/x",
        "https://discordapp.com/api/v10/webhooks/1/x",
        "discord.com/api/webhooks/1/x",
        "https://hooks.slack.com/services/x",
        "https://api.telegram.org/bot1/x",
        "https://acme.webhook.office.com/webhookb2/x",
    ],
    "webhook": ["https://hooks.example.org/hooks/catch-me"],
    "address of a push service": ["discord://id/token", "tgram://1/2345678", "mailto://a:b@c.de"],
    "line of an environment file": ["COINBASE_SECRET=hunter2", "export API_KEY_2=hunter2"],
    "random letters and digits": [BINANCE, BINANCE[:32], BASE64, BASE64URL, f"key: {BINANCE}"],
}
IN_NAMES_ONLY = ["abcd1234efgh5678", "KEY_abcd1234efgh5678", "a1b2c3d4e5f6a7b8"]
NAMES = [
    "COINBASE_API_KEY_2",
    "Coinbase_ApiKeyId",
    "SECRET_KEY_OF_BINANCE_MAIN_ACCOUNT_2026",
    "CoinbaseApiKeyEnvironmentVariable",
    "BinanceMainAccountKey2026",
    "KUCOIN2_PASSPHRASE_OF_THE_SECOND_ACCOUNT_1",
    "webhook_url_environment_variable",
    "SecretEnvironmentVariableName",
]
ORDINARY = [
    *NAMES,
    "",
    "MACD-V, RSI 14 and ATR 26 on 1m,5m,15m,1h,4h,1d; stop at -4.5 %, target: 1:3",
    "EMA12/EMA26 crossover on BTC15m, exit RSI14>70 = done",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz 2013",
    "Ich kaufe um 09:30 und verkaufe um 16:00, außer montags.",
    "Je n'achète qu'après 14:30 : jamais avant l'ouverture de Wall Street (15:30)",
    "我只在每天早上9:30到11:30之间交易比特币和以太坊，止损4.5%，止盈9%。",
    "Торгую только биткоином с 09:30 до 16:00, стоп 4,5 %",
    "私は毎日9:30から11:30まで取引します。",
    "أتداول من الساعة 9:30 إلى 16:00",
    "https://www.tradingview.com/chart/AbCdEf12/",
    "https://www.tradingview.com/chart/BTCUSD/Qz8fN3aB-Bitcoin-breaks-the-150-level/",
    "https://www.tradingview.com/chart/?symbol=BINANCE%3ABTCUSDT.P&interval=240",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=short",
    "https://medium.com/@anna/how-i-trade-macd-v-with-15m-candles-in-2026",
    "https://example.org:8443/@anna",
    "http://localhost:8000/admin/control/?page=2",
    "/home/anna/Charts2024/MacdSettings_v2/BTC-USD/2026-01-31/notes.txt",
    r"C:\Users\Anna\Documents\Charts2024\BTC15m.csv",
    "1000SATS-USDT",
    "BTC-USD,ETH-USD,SOL-USD,DOGE-USD,1000PEPE-USDT",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+12",
    "dd.MM.yyyy HH:mm:ss",
    "anna.maria+alerts2026@mail.example.co.uk",
    "+49 170 1234567890123456789012345",
    "12345678901234567890123456789012345678901234567890",
    "2026-01-31T09:30:00.000000+01:00",
    "Commit 9f86d081884c in the main branch",
    "a token: Bitcoin, a secret: patience, a key: time",
    "iPhone15ProMaxVsGalaxyS24Ultra!",
    "=" * 80,
    "-" * 80,
]
MIXED = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    ("what", "text"), [(what, text) for what, texts in SECRETS.items() for text in texts]
)
def test_a_secret_is_recognised_by_its_shape(what: str, text: str) -> None:
    assert looks_secret(text)
    assert looks_secret(text, is_name=True)
    if what in SHAPES:
        assert SHAPES[what].search(text)


def test_every_shape_has_an_example() -> None:
    assert set(SHAPES) <= set(SECRETS)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


@pytest.mark.parametrize("text", NAMES)
def test_a_name_that_people_give_a_variable_is_no_secret(text: str) -> None:
    assert not looks_secret(text, is_name=True)


@pytest.mark.parametrize("text", IN_NAMES_ONLY)
def test_a_jumble_is_no_name_although_it_may_be_text(text: str) -> None:
    assert looks_secret(text, is_name=True)
    assert not looks_secret(text)


@pytest.mark.parametrize("text", ["CoinbaseApiKeyId_of_2026", "KEY_2", "A1_B2_C3_D4_E5_F6_G7_H8"])
def test_underscores_and_a_number_at_the_end_belong_to_names(text: str) -> None:
    assert not looks_secret(text, is_name=True)


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        (MIXED, 32),
        (MIXED, 64),
        ("0123456789abcdef", 24),
        ("0123456789abcdef", 64),
        (MIXED + "+/", 44),
        (MIXED + "-_", 43),
    ],
)
def test_random_keys_are_recognised_nearly_always(alphabet: str, length: int) -> None:
    dice = random.Random(7)
    keys = ["".join(dice.choices(alphabet, k=length)) for _ in range(1_000)]
    assert sum(map(looks_secret, keys)) >= 950
    in_names = [key for key in keys if key.isalnum()]
    assert sum(looks_secret(key, is_name=True) for key in in_names) >= 0.99 * len(in_names)


@given(st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters=":=-/Y")))
def test_a_text_without_any_mark_of_a_secret_passes_whatever_it_says(text: str) -> None:
    assert not looks_secret(text)


@given(st.text(max_size=secrecy.SHORTEST - 1))
def test_a_short_text_is_no_secret(text: str) -> None:
    assert not looks_secret(text, is_name=True)


@given(st.data())
def test_no_shape_needs_a_mark_that_the_gate_does_not_know(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(list(SHAPES.values())))
    text = data.draw(st.from_regex(shape))
    # Webhooks without their number, and tokens of letters alone, are addresses of nothing.
    if re.search("[0-9]|://", text):
        assert looks_secret(text + " " * secrecy.SHORTEST)


# ---------------------------------------------------------------------- whole documents
def document(**changes: Any) -> dict[str, Any]:
    return {**default_document("2f7d3a52-7c1e-4f0a-9a7e-0f4a5b8c9d10"), **changes}


def places(raw: Any) -> list[str]:
    return [error.pointer for error in disguised_secrets(raw)]


def test_a_document_as_it_should_be_holds_no_secret() -> None:
    watchlist = [
        {"symbol": f"COIN{number}-USDT", "exchange": "binance", "categories": ["layer 1"]}
        for number in range(500)
    ]
    assert disguised_secrets(document(watchlist=watchlist)) == []


def test_every_text_is_looked_at_however_deep() -> None:
    raw = document(
        a=BINANCE, b={"c": [{"d": HEX}, "fine", (UUID,)]}, watchlist=[{"categories": [BASE64]}]
    )
    assert sorted(places(raw)) == ["/a", "/b/c/0/d", "/b/c/2/0", "/watchlist/0/categories/0"]


@pytest.mark.parametrize("raw", [HEX, [HEX], None, 7, True])
def test_a_document_that_is_no_object_is_looked_at_too(raw: Any) -> None:
    assert bool(places(raw)) is (HEX in str(raw))


def test_only_the_documents_own_identity_may_look_like_one() -> None:
    assert places({"sub": UUID}) == []
    assert places({"sub": {"sub": UUID}, "a": {"sub": UUID}}) == ["/sub/sub", "/a/sub"]


def test_where_a_name_belongs_a_jumble_is_refused() -> None:
    jumble = IN_NAMES_ONLY[0]
    for key in ("ApiKeyEnvironmentVariableName", "webhook_url_environment_variable", "apiSecret"):
        assert places({"exchanges": {"coinbase": {key: jumble}}}) == [f"/exchanges/coinbase/{key}"]
    assert places({"trading_strategy": jumble}) == []


def test_a_secret_in_a_key_is_told_of_the_object_around_it() -> None:
    raw = {"exchanges": {BINANCE: {"enabled": True, "note": HEX}, "coinbase": {UUID: 1}}}
    assert places(raw) == ["/exchanges", "/exchanges/coinbase"]
    assert places({HEX: 1}) == [""]


@given(
    st.sampled_from([text for texts in SECRETS.values() for text in texts]),
    st.sampled_from(["/a", "/a/b", "key", "row", "name"]),
)
def test_no_message_and_no_pointer_repeats_a_secret(text: str, place: str) -> None:
    raw: Any = {
        "/a": {"a": text},
        "/a/b": {"a": {"b": text}},
        "key": {"a": {text: {"b": text}}},
        "row": {"a": ["fine", text]},
        "name": {"KeyEnvironmentVariable": text},
    }[place]
    errors = disguised_secrets(raw)
    assert errors
    told = json.dumps([str(error) for error in errors])
    assert text not in told
    assert json.dumps(text)[1:-1] not in told


def test_a_sub_class_of_a_mapping_hides_nothing() -> None:
    class Other(dict[str, Any]):
        pass

    assert places({"a": Other(b=HEX)}) == ["/a/b"]
