"""Texts of anybody's, as Discord shows them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.alerts.said import words
from trading.alerts.markdown import NOTHING, escaped, table, units

MARKUP = re.compile(r"(?<!\\)(?:\\\\)*[*_~`|<>\[\]()#]|@(?!\u200b)|(?<!\\)://")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BTC-USD 1h: through +150", "BTC-USD 1h: through +150"),
        ("-150.5 or less", "-150.5 or less"),
        ("- one", r"\- one"),
        ("*b* _i_ ~s~ `c` ||x||", r"\*b\* \_i\_ \~s\~ \`c\` \|\|x\|\|"),
        ("@everyone <@1>", "@\u200beveryone \\<@\u200b1\\>"),
        ("see https://x.y", r"see https\://x.y"),
        ("1. one", r"1\. one"),
        ("a\\*", r"a\\\*"),
        ("a\r\nb\x00c", "a  bc"),
        ("  \t", NOTHING),
        ("\u202eesrever", "esrever"),
    ],
)
def test_text_is_shown_letter_by_letter(text: str, shown: str) -> None:
    assert escaped(text, 100) == shown


@given(words, st.integers(1, 300), st.booleans())
def test_nothing_is_markup_and_nothing_too_long(text: str, most: int, lines: bool) -> None:
    shown = escaped(text, most, lines=lines)
    assert 0 < units(shown) <= most
    assert shown == shown.strip()
    assert MARKUP.search(shown) is None
    assert (len(shown) - len(shown.rstrip("\\"))) % 2 == 0, "the cut is behind what escapes nothing"
    assert not re.search(r"(?m)^ *(?:[-+]|\d+[.)])(?=\s|$)", shown)


def test_letter_beyond_the_basic_plane_counts_twice() -> None:
    assert units("😀") == 2
    assert escaped("😀" * 3, 5) == "😀😀…"


@given(st.lists(words, max_size=60), st.integers(40, 400))
def test_table_is_one_code_block_of_whole_rows(rows: list[str], most: int) -> None:
    shown = table(rows, most)
    assert units(shown) <= most
    if shown:
        assert shown.count("```") == 2
        assert shown.startswith("```\n")
        assert shown.endswith("\n```")


def test_table_says_how_many_rows_are_left_out() -> None:
    assert (
        table([f"row {index}" for index in range(10)], 40)
        == "```\nrow 0\nrow 1\nrow 2\n… and 7 more\n```"
    )
