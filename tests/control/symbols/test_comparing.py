"""A row of a file, held against what an exchange lists."""

from __future__ import annotations

from typing import Any

import pytest

from control.symbols.comparing import Comparison
from control.symbols.listings import Listing
from control.symbols.parsing import FileRow
from control.symbols.previews import Outcome, PreviewedRow, State
from trading.core.market import Instrument, InstrumentKind, Market
from trading.listings import Listed


def instrument(symbol: str, **facts: Any) -> Instrument:
    base, _, quote = symbol.partition("-")
    steps = {"price_increment": "0.01", "base_increment": "0.001", "streamable": True}
    market = Market("coinbase", symbol)
    return Instrument(market=market, base=base, quote=quote, **{**steps, **facts})


LISTED = (
    instrument("BTC-USD"),
    instrument("BTC-USDC", alias_of="BTC-USD"),
    instrument("OLD-USD", streamable=False, status="delisted"),
    instrument("BTCF-USD", streamable=False, kind=InstrumentKind.FUTURE),
    instrument("NEW-USD", streamable=False),
)


class Exchange:
    """What it lists, and how often it was asked."""

    def __init__(self, trouble: str = "") -> None:
        self.asked: list[str] = []
        self._trouble = trouble

    def listing(self, exchange: str) -> Listing:
        self.asked.append(exchange)
        listed = Listed(exchange=exchange, instruments=LISTED, tickers=(), read_at=0.0)
        return Listing("Coinbase", listed, self._trouble)


def compared(*symbols: str, exchange: Exchange | None = None) -> list[PreviewedRow]:
    source = exchange or Exchange()
    comparison = Comparison(known={}, enabled=["coinbase"], listing=source.listing)
    return [
        comparison.of(FileRow(number=number, symbol=symbol, exchange="coinbase"))
        for number, symbol in enumerate(symbols, 1)
    ]


@pytest.mark.parametrize(
    ("symbol", "outcome", "detail"),
    [
        ("BTC-USD", "added", ""),
        ("BTC-USDC", "added", "shares the order book of BTC-USD"),
        ("OLD-USD", "disabled", "Coinbase: delisted"),
        ("BTCF-USD", "disabled", "Coinbase: it is a future"),
        ("NEW-USD", "disabled", "Coinbase: it is not traded now"),
        ("OLDD-USD", "unknown", "Coinbase does not list it"),
        (
            "BTCF-USDC",
            "unknown",
            "Coinbase does not list it; did you mean BTC-USDC or BTC-USD?",
        ),
    ],
)
def test_a_row_is_what_the_exchange_makes_of_it(symbol: str, outcome: str, detail: str) -> None:
    [row] = compared(symbol)
    assert (row.outcome, row.detail, row.after is not None) == (
        outcome,
        detail,
        outcome == "added",
    )


def test_an_exchange_is_asked_once_and_only_of_what_is_new() -> None:
    exchange = Exchange()
    compared(*(f"A{number}-USD" for number in range(50)), exchange=exchange)
    assert exchange.asked == ["coinbase"]
    there = {("BTC-USD", "coinbase"): State(enabled=True, categories=())}
    comparison = Comparison(known=there, enabled=[], listing=exchange.listing)
    row = comparison.of(FileRow(number=1, symbol="BTC-USD", exchange="coinbase"))
    elsewhere = comparison.of(FileRow(number=2, symbol="BTC-USD", exchange="kucoin"))
    assert [row.outcome, elsewhere.outcome] == [
        Outcome.ALREADY_THERE,
        Outcome.EXCHANGE_NOT_ENABLED,
    ]
    assert exchange.asked == ["coinbase"]


def test_an_old_listing_says_so() -> None:
    source = Exchange("HTTP 429")
    comparison = Comparison(known={}, enabled=["coinbase"], listing=source.listing)
    assert not comparison.notes
    comparison.of(FileRow(number=1, symbol="BTC-USD", exchange="coinbase"))
    assert len(comparison.notes) == 1
    assert comparison.notes[0].startswith("Coinbase did not answer (HTTP 429); this is ")
