"""Which backfills a command orders, and how the status shows them."""

from __future__ import annotations

from typing import Any

import pytest

from control import wire
from control.backfills import ordered_by_backfill, ordered_by_clear, status_of
from control.protocol import BackfillPayload, ClearCachePayload, candles_of
from settings_app.models import User
from tests.control.running import RunningWorker, eventually, status_when
from trading.core.market import Market, Timeframe
from trading.ports import BackfillFacts, BackfillOrder, BackfillState

BTC = Market("coinbase", "BTC-USD")
ETH = Market("coinbase", "ETH-USD")
BNB = Market("binance", "BNB-USDT")
ALL = tuple(Timeframe)


@pytest.mark.parametrize(
    ("payload", "market", "timeframes"),
    [
        ({"symbol": "BTC-USD"}, BTC, ALL),
        ({"symbol": "BNB-USDT", "exchange": "binance"}, BNB, ALL),
        (
            {"symbol": "BTC-USD", "timeframes": ["1h", "1m", "1h"]},
            BTC,
            (Timeframe.M1, Timeframe.H1),
        ),
    ],
)
def test_a_backfill_orders_one_market(
    payload: dict[str, Any], market: Market, timeframes: tuple[Timeframe, ...]
) -> None:
    read = BackfillPayload.model_validate(payload)
    order = ordered_by_backfill(read, command_id="c", primary="coinbase")
    assert (order.id, order.market, order.timeframes) == ("c", market, timeframes)


@pytest.mark.parametrize(
    ("payload", "markets", "timeframes"),
    [
        ({"scope": "all"}, [BTC, ETH, BNB], ALL),
        ({"scope": "symbol", "symbol": "SOL-USD"}, [Market("coinbase", "SOL-USD")], ALL),
        ({"scope": "symbol", "symbol": "BNB-USDT", "exchange": "binance"}, [BNB], ALL),
        ({"scope": "timeframe", "timeframe": "1h"}, [BTC, ETH, BNB], (Timeframe.H1,)),
        (
            {"scope": "timeframe", "timeframe": "1h", "exchange": "binance"},
            [BNB],
            (Timeframe.H1,),
        ),
        ({"scope": "timeframe", "timeframe": "1d", "symbol": "BTC-USD"}, [BTC], (Timeframe.D1,)),
    ],
)
def test_clearing_has_read_anew_what_it_means(
    payload: dict[str, Any], markets: list[Market], timeframes: tuple[Timeframe, ...]
) -> None:
    orders = ordered_by_clear(
        ClearCachePayload.model_validate(payload),
        command_id="c",
        primary="coinbase",
        watched=[BTC, ETH, BNB, BTC],
    )
    assert [order.market for order in orders] == markets
    assert {order.timeframes for order in orders} == {timeframes}
    assert [order.id for order in orders] == [f"c/{n}" for n in range(1, len(markets) + 1)]


@pytest.mark.parametrize(
    ("state", "began", "ended", "at"),
    [
        (BackfillState.WAITING, None, None, 1),
        (BackfillState.RUNNING, 2, None, 2),
        (BackfillState.FAILED, 2, 3, 3),
        (BackfillState.CANCELLED, None, 3, 3),
    ],
)
def test_the_status_tells_when_it_began_or_ended(
    state: BackfillState, began: int | None, ended: int | None, at: int
) -> None:
    shown = status_of(
        BackfillFacts(
            id="c",
            market=BTC,
            timeframes=(Timeframe.M1,),
            state=state,
            done=100,
            total=300,
            ordered_at_ms=1,
            began_at_ms=began,
            ended_at_ms=ended,
            eta_ms=7,
            message="why",
        )
    )
    assert shown.to_dict() == {
        "id": "c",
        "symbol": "BTC-USD",
        "exchange": "coinbase",
        "timeframes": ["1m"],
        "state": str(state),
        "done": 100,
        "total": 300,
        "at": at,
        "etaMs": 7,
        "message": "why",
    }


def test_an_ordered_backfill_ends_in_the_cache_that_all_share(
    anna: User, bela: User, worker: RunningWorker
) -> None:
    for user in (anna, bela):
        status_when(user, lambda status: status.state == "running")
    name = candles_of("coinbase", "ETH-USD", "1m")
    eventually(lambda: wire.shared().zcard(name))
    wire.shared().zadd(name, {"[60,1.0,2.0,0.5,1.5,0.1,0]": 60})
    order = BackfillOrder(id="c", market=ETH)
    assert worker.plane.backfill(anna.sub, order) is None

    def told() -> BackfillFacts | None:
        facts = worker.plane.facts(anna.sub)
        return facts.backfills[0] if facts and facts.backfills else None

    eventually(lambda: (one := told()) and one.state is BackfillState.DONE)
    eventually(lambda: wire.shared().zcount(name, 60, 60) == 0)
    assert wire.shared().zcard(name) >= 250
    other = worker.plane.facts(bela.sub)
    assert other is not None
    assert other.backfills == ()
