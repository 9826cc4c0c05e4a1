"""A status is composed of two planes' facts and claims no more than they do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from control import status
from control.lifecycle import Life
from control.positions.held import Held
from control.protocol import Desired, ErrorLine, State
from control.status import ErrorTail, Known
from trading.core.indicators import IndicatorPoint
from trading.core.liquidity import Liquidity
from trading.core.market import Market, Timeframe
from trading.core.stages import Stage
from trading.ports import DeskFacts, FailureFacts, FeedFacts, MarketFacts, Owner, WarmUp

BTC = Market("coinbase", "BTC-USD")
KNOWN = Known(
    owner=Owner(user_id=1, sub="anna", fence=3),
    life=Life(state=State.RUNNING, since_ms=500, version=9),
    desired=Desired(is_paused=False, mode="scalper-macdv", revision=4),
    mode="scalper-macdv",
    timeframes=("1m",),
    indicators=("macdv", "rsi"),
    markets=(BTC,),
    started_at_ms=100,
    settings_revision=2,
    worker="w",
    beat_age_ms=20,
    fault=None,
    signals_today=1,
    alerts_waiting=0,
    last_signal_at_ms=None,
    queue_depth=0,
    malformed=0,
    errors=[],
    latency={"coinbase": (1.0, 2.0)},
)
POINT = IndicatorPoint(
    60, 120, 5.0, 151.239, 140.0, 11.239, {"rsi": 60.0}, 1.0, Stage.RISK_OVERBOUGHT, 300
)
FACTS = DeskFacts(
    at_ms=900,
    feeds=(FeedFacts(exchange="coinbase", label="Coinbase", state="connected", subscriptions=1),),
    markets=(MarketFacts(market=BTC, live="stale", points={Timeframe.M1: POINT}),),
    candles_closed=7,
    trades=70,
    last_candle_at=60,
    last_signal_at=None,
)


def test_a_status_says_what_both_planes_know() -> None:
    made = status.compose(KNOWN, FACTS, 1_000)
    assert (made.sub, made.epoch, made.state_version, made.at) == ("anna", 3, 9, 1_000)
    assert (made.counts.watched, made.counts.stale, made.counts.trades) == (1, 1, 70)
    assert made.exchanges[0].latency == [1.0, 2.0]
    assert made.last_candle_at == 60_000
    cell = made.symbols[0].tf["1m"]
    assert (cell.v, cell.stage) == (151.24, "risk-overbought")


HELD = Held(
    market=BTC,
    quantity=Decimal(2),
    cost_basis=Decimal(4),
    by_hand=True,
    changed_at=datetime.now(UTC),
)


def test_a_status_says_what_is_held_and_what_it_is_worth() -> None:
    told = status.compose(replace(KNOWN, held=(HELD,)), FACTS, 1_000).held
    assert told is not None
    [one] = told
    assert (one.symbol, one.quantity, one.value, one.gain) == ("BTC-USD", "2", 10.0, 25.0)


def test_a_symbol_says_that_it_is_mending_while_it_is_and_not_in_a_pause() -> None:
    market = replace(FACTS.markets[0], is_mending=True)
    made = status.compose(KNOWN, replace(FACTS, markets=(market,)), 1_000)
    assert made.to_dict()["symbols"][0]["mending"] is True
    assert "mending" not in status.compose(KNOWN, FACTS, 1_000).to_dict()["symbols"][0]
    paused = replace(KNOWN, life=Life(state=State.PAUSED, since_ms=500, version=9))
    made = status.compose(paused, replace(FACTS, markets=(market,)), 1_000)
    assert made.symbols[0].mending is None


def test_a_cell_says_where_its_market_is_not_liquid() -> None:
    quiet = structs.replace(POINT, macd_v=None, stage=Stage.WARMING_UP, liquidity=Liquidity.LOW)
    assert status.cell(quiet).to_dict()["liquidity"] == "low"
    assert "liquidity" not in status.cell(POINT).to_dict()


def test_a_warm_market_in_which_nothing_was_traded_says_so_instead_of_a_number() -> None:
    market = replace(FACTS.markets[0], live="receiving")
    made = status.compose(KNOWN, replace(FACTS, markets=(market,)), 1_000)
    cells = made.to_dict()["symbols"][0]["tf"]
    assert cells["1m"]["v"] == 151.24
    assert cells["1d"] == {"stage": "warming-up", "liquidity": "low"}


def warming(bars: int | None) -> MarketFacts:
    warm_up = None if bars is None else WarmUp(bars=bars, ready=(Timeframe.M1,) if bars else ())
    return MarketFacts(market=BTC, live="warming", warm_up=warm_up)


@pytest.mark.parametrize(("bars", "told"), [(None, 0), (0, 0), (300, 300), (1_799, 1_799)])
def test_a_status_says_how_far_the_warm_up_has_come(bars: int | None, told: int) -> None:
    made = status.compose(KNOWN, replace(FACTS, markets=(warming(bars),)), 1_000).to_dict()
    assert made["counts"]["warming"] == 1
    assert made["warmUp"] == {"bars": told, "wanted": 1_800}
    of_symbol = {"bars": told, "wanted": 1_800, "ready": ["1m"]} if told else None
    assert made["symbols"][0].get("warmUp") == of_symbol
    assert made["symbols"][0]["tf"] == {}


def test_a_warm_symbol_counts_whole_in_what_all_of_them_still_want() -> None:
    eth = Market("coinbase", "ETH-USD")
    markets = (warming(600), MarketFacts(market=eth, live="receiving"))
    known = replace(KNOWN, markets=(BTC, eth))
    made = status.compose(known, replace(FACTS, markets=markets), 1_000)
    assert made.warm_up is not None
    assert (made.warm_up.bars, made.warm_up.wanted) == (2_400, 3_600)
    assert (made.counts.warming, made.counts.watched) == (1, 2)


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_the_warm_up_is_told_no_more_when_it_is_over_or_paused(state: State) -> None:
    known = replace(KNOWN, life=Life(state=state, since_ms=700, version=10))
    market = FACTS.markets[0] if state is State.RUNNING else warming(600)
    made = status.compose(known, replace(FACTS, markets=(market,)), 1_000).to_dict()
    assert made["counts"]["warming"] == 0
    assert "warmUp" not in made
    assert "warmUp" not in made["symbols"][0]


def test_the_warm_up_of_a_thousand_symbols_adds_little_to_a_status() -> None:
    markets = tuple(Market("coinbase", f"C{n}-USD") for n in range(1_000))
    facts = replace(FACTS, markets=tuple(replace(warming(0), market=m) for m in markets))
    made = status.compose(replace(KNOWN, markets=markets), facts, 1_000)
    assert len(made.to_json()) < 1_000 * 80


@pytest.mark.parametrize(
    ("indicators", "told"),
    [
        (("macdv",), {"v": 151.24, "s": 140.0, "h": 11.24, "stage": "risk-overbought"}),
        (("rsi",), {"g": {"rsi": 60.0}}),
    ],
)
def test_a_user_is_told_of_the_enabled_indicators_alone(
    indicators: tuple[str, ...], told: dict[str, Any]
) -> None:
    both = status.compose(KNOWN, FACTS, 1_000).symbols[0].tf["1m"]
    made = status.compose(replace(KNOWN, indicators=indicators), FACTS, 1_000)
    assert set(made.indicators) == set(indicators)
    assert made.symbols[0].tf["1m"].to_dict() == told
    assert both.to_dict()["g"] == {"rsi": 60.0}, "what another user sees is another cell"


def test_a_market_is_composed_once_for_all_who_watch_it_until_it_moves() -> None:
    first, second = (
        status.compose(replace(KNOWN, owner=Owner(user_id=n, sub=f"user{n}", fence=1)), FACTS, n)
        for n in (1, 2)
    )
    assert first.symbols[0] is second.symbols[0]
    moved = replace(FACTS.markets[0], points={Timeframe.M1: structs.replace(POINT, macd_v=1.0)})
    after = status.compose(KNOWN, replace(FACTS, markets=(moved,)), 3)
    assert after.symbols[0].tf["1m"].v == 1.0


def test_what_is_composed_without_checks_is_as_the_wire_wants_it() -> None:
    made = status.compose(KNOWN, FACTS, 1_000)
    assert type(made).model_validate_json(made.to_json()) == made


def test_without_facts_nothing_is_claimed_of_the_market() -> None:
    made = status.compose(KNOWN, None, 1_000)
    assert (made.exchanges, made.counts.trades) == ([], 0)
    assert [(symbol.live, symbol.tf) for symbol in made.symbols] == [("warming", {})]


def test_facts_of_before_do_not_change_what_is_watched_now() -> None:
    made = status.compose(replace(KNOWN, markets=()), FACTS, 1_000)
    assert (made.symbols, made.counts.watched) == ([], 0)


def test_which_credentials_are_set_is_unknown_until_it_was_looked_at() -> None:
    assert "credentialsSet" not in status.compose(KNOWN, None, 1_000).to_dict()
    for names in ((), ("COINBASE_KEY", "COINBASE_SECRET")):
        made = status.compose(replace(KNOWN, credentials_set=names), None, 1_000)
        assert made.to_dict()["credentialsSet"] == list(names)


def test_while_paused_no_symbol_is_said_to_be_stale_or_receiving() -> None:
    paused = replace(KNOWN, life=Life(state=State.PAUSED, since_ms=700, version=10))
    made = status.compose(paused, FACTS, 1_000)
    assert [symbol.live for symbol in made.symbols] == ["paused"]
    assert made.paused_at == 700


def test_a_loop_that_has_not_turned_for_a_second_hangs() -> None:
    assert status.compose(KNOWN, FACTS, 1).data_plane.state == "turning"
    assert status.compose(replace(KNOWN, beat_age_ms=1_001), FACTS, 1).data_plane.state == "hangs"


def test_the_errors_of_both_planes_are_one_tail_newest_first() -> None:
    failures = (
        FailureFacts(at_ms=20, where="Coinbase", level="warning", message="no history"),
        FailureFacts(at_ms=40, where="Coinbase", level="warning", message="no history"),
    )
    own = ErrorLine(at=30, where="database", level="error", message="away")
    made = status.compose(replace(KNOWN, errors=[own]), replace(FACTS, failures=failures), 1_000)
    assert [(line.at, line.where, line.count) for line in made.errors] == [
        (40, "Coinbase", 2),
        (30, "database", 1),
    ]


def test_equal_errors_are_counted_and_the_tail_is_bounded() -> None:
    tail = ErrorTail()
    for at in range(200):
        tail.add(at_ms=at, where="feed", level="error", message=str(at % 100))
    lines = tail.lines()
    assert len(lines) == status.ERROR_LINES
    assert lines[0].at == 199
    tail.add(at_ms=500, where="feed", level="error", message="99")
    assert (tail.lines()[0].at, tail.lines()[0].count) == (500, 2)


def test_only_what_matters_at_once_changes_the_shape() -> None:
    now = status.shape(KNOWN, FACTS)
    assert status.shape(KNOWN, replace(FACTS, trades=71, at_ms=950)) == now
    assert status.shape(replace(KNOWN, beat_age_ms=999), FACTS) == now
    for changed in (
        replace(KNOWN, beat_age_ms=5_000),
        replace(KNOWN, life=KNOWN.life.touched()),
        replace(KNOWN, settings_revision=3),
        replace(KNOWN, markets=()),
        replace(KNOWN, malformed=1),
        replace(KNOWN, credentials_set=("COINBASE_KEY",)),
        replace(KNOWN, held=(HELD,)),
    ):
        assert status.shape(changed, FACTS) != now
    gone = replace(FACTS, feeds=(replace(FACTS.feeds[0], state="unreachable"),))
    assert status.shape(KNOWN, gone) != now
