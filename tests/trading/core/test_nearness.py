"""The names most like one that is wrong."""

from __future__ import annotations

from string import ascii_uppercase

import pytest

from trading.core.nearness import NearNames
from trading.core.search import nearest

LISTED = [
    *("BTC-USD", "BTC-EUR", "WBTC-USD", "ETH-USD", "SOL-USD", "DOGE-USD", "PEPE-USD"),
    *(f"{a}{b}X-USD" for a in ascii_uppercase for b in ascii_uppercase),
]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("BTCC-USD", "BTC-USD"),
        ("BTC-USDX", "BTC-USD"),
        ("DOGGE-USD", "DOGE-USD"),
        ("DOG-USD", "DOGE-USD"),
        ("PPEE-USD", "PEPE-USD"),
    ],
)
def test_a_name_that_is_nearly_right_finds_the_right_one(wrong: str, right: str) -> None:
    assert NearNames(LISTED).of(wrong)[0] == nearest(wrong, LISTED)[0] == right


def test_a_name_like_no_other_finds_none() -> None:
    assert NearNames(["BTC-USD", "ETH-USD"]).of("QQQQQ-ZZZ") == []
    assert NearNames([]).of("BTC-USD") == []
