"""What a scan proposes, of listings that a test makes and of any that there may be."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.market import Instrument, InstrumentKind, Market, Ticker
from trading.scanner import MOST_LEFT_OUT, Criteria, Scan, Verdict, scan


def listed(symbol: str, **fields: Any) -> Instrument:
    """A market that can be watched, unless a field says otherwise."""
    base, _, quote = symbol.rpartition("-")
    values: dict[str, Any] = {"streamable": True, "base": base, "quote": quote, **fields}
    return Instrument(
        market=Market("coinbase", symbol), price_increment="0.01", base_increment="0.01", **values
    )


def traded(symbol: str, volume: float | None) -> Ticker:
    """What was traded in a market, quote currency."""
    return Ticker(
        symbol=symbol,
        price=2.0,
        change_24h=1.0,
        base_volume_24h=None if volume is None else volume / 2,
        quote_volume_24h=volume,
    )


def criteria(**fields: Any) -> Criteria:
    wanted: dict[str, Any] = {"exchange": "coinbase", "quote": "USD", "top_n": 2}
    return Criteria(**{**wanted, "min_volume_24h_quote": 0.0, **fields})


def scanned(volumes: dict[str, float | None], *watched: str, **fields: Any) -> Scan:
    """A scan of markets of which each has this volume."""
    instruments = [listed(symbol) for symbol in volumes]
    tickers = [traded(symbol, volume) for symbol, volume in volumes.items()]
    return scan(instruments, tickers, criteria(**fields), watched=watched)


def verdicts(done: Scan) -> dict[str, tuple[str, str]]:
    return {
        row.market.symbol: (str(row.verdict), row.reason) for row in (*done.rows, *done.left_out)
    }


def test_the_best_by_volume_are_proposed_and_what_is_watched_and_not_among_them_goes() -> None:
    done = scanned({"A-USD": 1.0, "B-USD": 9.0, "C-USD": 5.0, "D-USD": 0.5}, "C-USD", "A-USD")
    assert verdicts(done) == {
        "B-USD": ("add", ""),
        "C-USD": ("stays", ""),
        "A-USD": ("remove", "rank 3, and 2 are wanted"),
        "D-USD": ("left out", "rank 4, and 2 are wanted"),
    }
    assert [row.rank for row in done.rows] == [1, 2, 3]
    assert done.seen == 4


def test_of_two_alike_the_name_decides() -> None:
    done = scanned({"C-USD": 7.0, "A-USD": 7.0, "B-USD": 7.0})
    assert done.symbols(Verdict.ADD) == ("A-USD", "B-USD")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": InstrumentKind.FUTURE}, "it is a future, no spot market"),
        ({"alias_of": "BTC-USDC"}, "it shares the order book of BTC-USDC"),
        ({"base": "USDT"}, "USDT is money"),
        ({"base": "EUR"}, "EUR is money"),
        ({"streamable": False, "status": "delisted"}, "it cannot be watched: delisted"),
        ({"streamable": False}, "it cannot be watched now"),
    ],
)
@pytest.mark.parametrize("is_watched", [False, True])
def test_what_cannot_be_watched_is_not_proposed(
    fields: dict[str, Any], reason: str, is_watched: bool
) -> None:
    watched = ["X-USD"] if is_watched else []
    done = scan([listed("X-USD", **fields)], [traded("X-USD", 9.0)], criteria(), watched=watched)
    assert verdicts(done) == {"X-USD": ("remove" if is_watched else "left out", reason)}


def test_what_is_below_the_minimum_or_has_no_figure_or_is_not_wanted_is_left_out() -> None:
    volumes = {"A-USD": 90_000.0, "B-USD": None, "C-USD": 1e9, "D-USD": 2e6}
    done = scanned(volumes, min_volume_24h_quote=100_000.0, exclude=frozenset({"C-USD"}))
    assert verdicts(done) == {
        "D-USD": ("add", ""),
        "C-USD": ("left out", "it is among those that you never want to see"),
        "A-USD": ("left out", "its volume is below 100,000 USD"),
        "B-USD": ("left out", "the exchange does not tell what is traded in it"),
    }


def test_another_quote_is_none_of_its_business() -> None:
    done = scanned({"A-USD": 1.0, "A-EUR": 9.0}, "B-EUR", "A-EUR", "GONE-USD")
    assert verdicts(done) == {
        "A-USD": ("add", ""),
        "GONE-USD": ("remove", "the exchange does not list it any more"),
    }


def test_what_is_left_out_is_told_of_those_with_most_volume() -> None:
    done = scanned({f"C{n}-USD": float(n) for n in range(100)})
    assert len(done.left_out) == MOST_LEFT_OUT
    assert done.left_out_count == 98
    assert done.left_out[0].market.symbol == "C97-USD"


NAMES = st.sampled_from([f"{base}-{quote}" for base in "ABCDEFGH" for quote in ("USD", "EUR")])
MARKETS = st.dictionaries(
    NAMES,
    st.tuples(
        st.none() | st.floats(0, 1e12),
        st.fixed_dictionaries(
            {
                "streamable": st.booleans(),
                "kind": st.sampled_from(InstrumentKind),
                "alias_of": st.none() | st.just("Z-USD"),
            }
        ),
    ),
)
WISHES = st.builds(
    Criteria,
    exchange=st.just("coinbase"),
    quote=st.sampled_from(["USD", "EUR"]),
    top_n=st.integers(1, 5),
    min_volume_24h_quote=st.floats(0, 1e12),
    exclude=st.frozensets(NAMES, max_size=3),
)


@given(MARKETS, WISHES, st.frozensets(NAMES), st.randoms(use_true_random=False))
def test_whatever_is_listed_a_scan_keeps_its_promises(
    markets: dict[str, Any], wishes: Criteria, watched: frozenset[str], chance: random.Random
) -> None:
    instruments = [listed(symbol, **fields) for symbol, (_, fields) in markets.items()]
    tickers = [traded(symbol, volume) for symbol, (volume, _) in markets.items()]
    done = scan(instruments, tickers, wishes, watched=watched)
    added, stays, removed = (
        set(done.symbols(verdict)) for verdict in (Verdict.ADD, Verdict.STAYS, Verdict.REMOVE)
    )
    assert len(added | stays) <= wishes.top_n
    assert not (added | stays) & wishes.exclude
    assert not added & watched
    assert stays | removed == {symbol for symbol in watched if symbol.endswith(wishes.quote)}
    assert all(row.reason for row in done.rows if row.market.symbol in removed)
    chance.shuffle(instruments)
    chance.shuffle(tickers)
    assert scan(instruments, tickers, wishes, watched=sorted(watched)) == done
