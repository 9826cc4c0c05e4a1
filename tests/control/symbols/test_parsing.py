"""A file of symbols, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.symbols.exporting import written
from control.symbols.parsing import MOST_BYTES, FileRefused, FileRow, Format, parse
from settings_app.schema import default_document, validate
from settings_app.schema.document import Settings
from settings_app.schema.markets import MOST_SYMBOLS
from settings_app.schema.secrecy import looks_secret

SECRET = "hunter2-Correct-Horse"
BTC = ("BTC-USD", "coinbase")
SOL = ("SOL-USD", "kucoin")


def rows_of(text: str | bytes, form: Format | None = None) -> list[FileRow]:
    return parse(text, form, exchange="coinbase")


def names(rows: list[FileRow]) -> list[tuple[str, str]]:
    return [(row.symbol, row.exchange) for row in rows if not row.trouble]


@pytest.mark.parametrize(
    "text",
    [
        "BTC-USD\nSOL-USD,kucoin\n",
        "btc-usd\r\nsol-usd,KuCoin",
        "\ufeffBTC-USD\rSOL-USD,kucoin",
        "\ufeffBTC-USD\nSOL-USD,kucoin".encode(),
        "# mine\n\nBTC-USD # the first\n   \nSOL-USD,kucoin,,\n",
        "exchange;symbol\ncoinbase;BTC-USD\nkucoin;SOL-USD",
        " Symbol \tEnabled\tExchange\nBTC-USD\tyes\t\nSOL-USD\tyes\tkucoin",
        '"symbol","exchange"\n"BTC-USD", "coinbase"\n"SOL-USD","kucoin"\n',
        '["BTC-USD", {"symbol": "SOL-USD", "exchange": "kucoin"}]',
        ' {"watchlist": [{"symbol": "BTC-USD"}, {"exchange": "kucoin", "symbol": "SOL-USD"}]}',
        b'\xef\xbb\xbf["btc-usd", {"symbol": "SOL-USD", "exchange": "kucoin"}]',
    ],
)
def test_lists_are_read_however_they_are_written(text: str | bytes) -> None:
    assert names(rows_of(text)) == [BTC, SOL]


@pytest.mark.parametrize(
    ("text", "enabled", "categories"),
    [
        ("BTC-USD", None, None),
        ("BTC-USD,coinbase,,", None, ()),
        ("BTC-USD,coinbase,FALSE", False, None),
        ("BTC-USD,coinbase,1,high-cap| layer 1 |", True, ("high-cap", "layer 1")),
        ('categories;symbol\n"a|b";BTC-USD', None, ("a", "b")),
        ('[{"symbol": "BTC-USD", "enabled": false, "categories": []}]', False, ()),
        ('[{"symbol": "BTC-USD", "categories": ["a"]}]', None, ("a",)),
    ],
)
def test_what_a_file_does_not_say_stays_unsaid(
    text: str, enabled: bool | None, categories: tuple[str, ...] | None
) -> None:
    [row] = rows_of(text)
    assert (row.trouble, row.enabled, row.categories) == ("", enabled, categories)


@pytest.mark.parametrize(
    ("text", "line", "column", "rule"),
    [
        (f"BTC-USD\n{SECRET}\n", 2, 1, "the symbol must be base and quote with a dash"),
        (f"symbol,exchange\nBTC-USD,{SECRET}\n", 2, 9, "the exchange must be coinbase, binance"),
        ("exchange,symbol\ncoinbase\n", 2, 9, "the symbol must be base and quote"),
        ("BTC-USD,coinbase,perhaps", 1, 18, "enabled must be true or false"),
        (f"BTC-USD,coinbase,true,{SECRET}", 1, 23, "categories must be up to 10"),
        ("BTC-USD,coinbase,true,a|a", 1, 23, "categories must be up to 10 different ones"),
        (f"BTC-USD,coinbase,true,a,{SECRET}", 1, 25, "must have at most 4 columns"),
        (f'BTC-USD,"{SECRET}\nETH-USD', 1, 9, "a quote must be closed"),
        ('"BTC-USD"x,coinbase', 1, 1, "a quote must be closed"),
        ("BTC-USD\0,coinbase", 1, 1, "the symbol must be"),
        ("\ud800BTC-USD,coinbase", 1, 1, "the symbol must be"),
        (f"{'A' * 60}-USD", 1, 1, "the symbol must be"),
        (f"BTC-USD,coinbase,true,{'a' * 33}", 1, 23, "categories must be"),
        (f"BTC-USD,coinbase,true,{'0a1b2c3d4e5f6789' * 2}", 1, 23, "categories must be"),
        (f"BTC-USD,coinbase,true,{'|'.join('abcdefghijk')}", 1, 23, "categories must be up to 10"),
    ],
)
def test_a_malformed_row_says_where_and_what_is_right_and_repeats_nothing(
    text: str, line: int, column: int, rule: str
) -> None:
    [row] = [row for row in rows_of(text) if row.trouble]
    assert (row.line, row.column, row.symbol) == (line, column, "")
    assert row.trouble.startswith(rule)
    assert SECRET not in repr(row)
    assert row.place == f"line {line}, column {column}"


def test_a_quote_that_is_not_closed_spoils_its_own_line_only() -> None:
    rows = rows_of('"BTC-USD\nETH-USD\nLTC-USD,"coinbase"\n')
    assert [bool(row.trouble) for row in rows] == [True, False, False]


@pytest.mark.parametrize(
    "entry",
    [7, None, [], {}, {"exchange": "coinbase"}, {"symbol": "BTC-USD", SECRET: 1}],
)
def test_an_entry_that_is_no_row_is_told_by_its_number(entry: Any) -> None:
    first, second, third = rows_of(json.dumps(["BTC-USD", entry, "ETH-USD"]))
    assert (first.trouble, third.trouble, third.number) == ("", "", 3)
    assert second.trouble.startswith("must be a symbol, or an object with symbol")
    assert second.place == "entry 2"


@pytest.mark.parametrize(
    ("member", "rule"),
    [
        ({"symbol": 7}, "the symbol must be"),
        ({"symbol": "BTC"}, "the symbol must be"),
        ({"exchange": "kraken"}, "the exchange must be"),
        ({"exchange": None}, "the exchange must be"),
        ({"enabled": 1}, "enabled must be"),
        ({"categories": {}}, "categories must be"),
        ({"categories": [1]}, "categories must be"),
    ],
)
def test_a_value_of_an_entry_follows_the_rules_of_the_watchlist(
    member: dict[str, Any], rule: str
) -> None:
    [row] = rows_of(json.dumps([{"symbol": "BTC-USD", **member}]))
    assert row.trouble.startswith(rule)


def test_the_first_of_two_rows_of_one_market_counts() -> None:
    rows = rows_of("BTC-USD\nBTC-USD,kucoin\nbtc-usd,coinbase,false\n")
    assert [row.repeats for row in rows] == [None, None, 1]


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ('["BTC-USD",\n "ETH-USD" "SOL-USD"]', "must be JSON", (2, 12)),
        ("[" * 500 + "]" * 500, "must not be nested deeper", (None, None)),
        ('["BTC-USD", "\\ud800"]', "surrogate", (None, None)),
        ('["BTC-USD", "\\u0000"]', "NUL", (None, None)),
        ('[{"symbol": "BTC-USD", "symbol": "ETH-USD"}]', "twice", (None, None)),
        ('{"symbols": ["BTC-USD"]}', 'whose "watchlist" is one', (None, None)),
        ('{"watchlist": {}}', 'whose "watchlist" is one', (None, None)),
        ("symbol,exchange,colour\nBTC-USD", "colour is none of them", (1, 17)),
        ("# mine\nsymbol,symbol\nBTC-USD", "symbol stands twice", (2, 8)),
        ("exchange,enabled\ncoinbase,true", "must have the column symbol", (1, 1)),
        (b"BTC-USD\xff", "must be text in UTF-8", (None, None)),
        ("\u00e4" * (MOST_BYTES // 2) + "a", "must have at most 2 MB", (None, None)),
        (b"\n" * (MOST_BYTES + 1), "must have at most 2 MB", (None, None)),
    ],
)
def test_what_is_no_file_of_symbols_is_refused_whole(
    text: str | bytes, reason: str, place: tuple[int | None, int | None]
) -> None:
    with pytest.raises(FileRefused, match=reason) as refused:
        rows_of(text)
    assert (refused.value.line, refused.value.column) == place


@pytest.mark.parametrize("form", Format)
def test_a_file_has_as_many_rows_as_a_watchlist(form: Format) -> None:
    symbols = [f"A{number}-USD" for number in range(MOST_SYMBOLS + 1)]
    whole, more = (
        json.dumps(some) if form is Format.JSON else "\n".join(some)
        for some in (symbols[:-1], symbols)
    )
    assert len(rows_of(whole)) == MOST_SYMBOLS
    with pytest.raises(FileRefused, match="at most 2,000 rows"):
        rows_of(more)


# ------------------------------------------------------------------ for every file
def innocent(pattern: str) -> st.SearchStrategy[str]:
    """Texts of a pattern that no document would be refused for."""
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: not looks_secret(text))


def a_watchlist() -> st.SearchStrategy[Settings]:
    row = st.fixed_dictionaries(
        {
            "symbol": innocent(r"[A-Z0-9]{1,20}-[A-Z0-9]{2,10}"),
            "exchange": st.sampled_from(["coinbase", "binance", "kucoin"]),
            "enabled": st.booleans(),
            "categories": st.lists(
                innocent(r"[a-z0-9]([a-z0-9 _-]{0,30}[a-z0-9])?"),
                unique=True,
                max_size=10,
            ),
        }
    )
    rows = st.lists(row, max_size=12, unique_by=lambda row: (row["symbol"], row["exchange"]))
    return rows.map(
        lambda rows: Settings.model_validate_json(
            json.dumps({**default_document("anna"), "watchlist": rows})
        )
    )


@pytest.mark.parametrize("form", Format)
@given(document=a_watchlist())
def test_an_export_is_read_without_a_loss(form: Format, document: Settings) -> None:
    text = written(document, form)
    assert written(document, form) == text
    for named in (form, None):
        rows = parse(text.encode(), named, exchange="binance")
        assert all(row.trouble == "" and row.repeats is None for row in rows)
        assert [(row.symbol, row.exchange, row.enabled, row.categories) for row in rows] == [
            (entry.symbol, entry.exchange, entry.enabled, entry.categories)
            for entry in document.watchlist
        ]


FRAGMENTS = ["BTC-USD", "coinbase", "true", "symbol", ",", ";", "\t", "\n", "\r", '"', "#", "|"]


@given(
    text=st.one_of(
        st.text(st.characters(exclude_categories=()), max_size=200),
        st.lists(st.sampled_from([*FRAGMENTS, "\0", "\ud800", "[", "{"])).map("".join),
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.sampled_from(FRAGMENTS),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FRAGMENTS), inner),
        ).map(json.dumps),
    ),
    form=st.sampled_from([None, *Format]),
)
def test_no_file_raises_anything_else(text: str | bytes, form: Format | None) -> None:
    try:
        rows = rows_of(text, form)
    except FileRefused:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    document = {**default_document("anna")}
    first = [row for row in rows if not row.trouble and row.repeats is None]
    document["watchlist"] = [
        {"symbol": row.symbol, "exchange": row.exchange, "categories": list(row.categories or ())}
        for row in first
    ]
    assert len(validate(document).watchlist) == len(first)
