"""One WebSocket connection: numbering, snapshots, acknowledgements, cadences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.trading.simulator.worlds import NOW_US, THIN, decoded, moment, world
from trading.simulator.venues.coinbase.session import CoinbaseSession

NOBODY: frozenset[str] = frozenset()


class Client:
    """A client of one session, with both clocks in hand."""

    def __init__(self, **options: Any) -> None:
        self.now_us, self.steady = NOW_US, 1_000.0
        self.session = CoinbaseSession(world(), self.at(), uptime=66_987, **options)

    def at(self) -> Any:
        return moment(self.now_us, self.steady)

    def ask(self, kind: str, channel: str, *names: str) -> list[dict[str, Any]]:
        message = {"type": kind, "channel": channel, "product_ids": list(names)}
        return decoded(self.session.receive(json.dumps(message), self.at()))

    def wait(self, seconds: float, muted: frozenset[str] = NOBODY) -> list[dict[str, Any]]:
        self.now_us += int(seconds * 1e6)
        self.steady += seconds
        return decoded(self.session.advance(self.at(), muted))


def trades_of(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        trade
        for frame in frames
        if frame["channel"] == "market_trades"
        for event in frame["events"]
        for trade in event["trades"]
    ]


def test_numbers_run_over_all_channels_from_zero() -> None:
    client = Client()
    told = client.ask("subscribe", "heartbeats")
    told += client.ask("subscribe", "market_trades", "BTC-USD", "ETH-USD")
    for _ in range(40):
        told += client.wait(0.25)
    told += client.ask("unsubscribe", "market_trades")
    assert [frame["sequence_num"] for frame in told] == list(range(len(told)))
    assert {frame["channel"] for frame in told} == {
        "heartbeats",
        "market_trades",
        "subscriptions",
    }


def test_what_was_due_is_numbered_before_the_snapshot_of_a_later_subscription() -> None:
    client = Client()
    told = client.ask("subscribe", "market_trades", "BTC-USD")
    client.now_us += 20_000_000  # trades of BTC-USD are due, and nobody has asked for them yet
    told += client.ask("subscribe", "market_trades", "ETH-USD")
    assert [frame["sequence_num"] for frame in told] == list(range(len(told)))
    products = [trades_of([frame])[0]["product_id"] for frame in told[2:-1]]
    assert products == ["BTC-USD", "ETH-USD"]


def test_snapshots_come_before_the_acknowledgement() -> None:
    told = Client().ask("subscribe", "market_trades", "BTC-USD", "ETH-USD")
    assert [frame["channel"] for frame in told] == [
        "market_trades",
        "market_trades",
        "subscriptions",
    ]
    assert [len(frame["events"][0]["trades"]) for frame in told[:2]] == [100, 100]


def test_the_acknowledgement_is_cumulative_and_leaves_unknown_products_out() -> None:
    client = Client()
    client.ask("subscribe", "heartbeats")
    client.ask("subscribe", "level2", "BTC-USD")
    ack = client.ask("subscribe", "level2", "ETH-USD", "NOPE-USD", "REN-USD")[-1]
    assert ack["events"] == [
        {"subscriptions": {"heartbeats": ["heartbeats"], "level2": ["BTC-USD", "ETH-USD"]}}
    ]


def test_unsubscribing_everything_leaves_an_empty_acknowledgement_and_silence() -> None:
    client = Client()
    client.ask("subscribe", "market_trades", "BTC-USD", "ETH-USD")
    ack = client.ask("unsubscribe", "market_trades", "BTC-USD")[-1]
    assert ack["events"] == [{"subscriptions": {"market_trades": ["ETH-USD"]}}]
    assert client.ask("unsubscribe", "market_trades")[-1]["events"] == [{"subscriptions": {}}]
    assert client.wait(30.0) == []


def test_trades_are_newest_first_with_the_side_of_the_maker() -> None:
    client = Client()
    client.ask("subscribe", "market_trades", "BTC-USD")
    before = client.now_us
    told = trades_of(client.wait(20.0))
    truth = world().trades("BTC-USD", before, client.now_us)
    assert [int(trade["trade_id"]) for trade in told] == [t.trade_id for t in reversed(truth)]
    assert [trade["side"] for trade in told] == [
        "SELL" if trade.taker_buys else "BUY" for trade in reversed(truth)
    ]


def test_no_trade_is_told_twice_or_forgotten() -> None:
    client = Client()
    told = trades_of(client.ask("subscribe", "market_trades", "BTC-USD"))
    for _ in range(200):
        told += trades_of(client.wait(0.3))
    ids = sorted(int(trade["trade_id"]) for trade in told)
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert len(ids) > 120


def test_one_frame_may_mix_products_and_stays_newest_first() -> None:
    client = Client()
    client.ask("subscribe", "market_trades", "BTC-USD", "ETH-USD")
    told = trades_of(client.wait(30.0))
    assert {trade["product_id"] for trade in told} == {"BTC-USD", "ETH-USD"}


def test_an_alias_is_acknowledged_as_asked_and_told_as_its_book() -> None:
    client = Client()
    told = client.ask("subscribe", "market_trades", "BTC-USDC")
    assert told[-1]["events"] == [{"subscriptions": {"market_trades": ["BTC-USDC"]}}]
    assert {trade["product_id"] for trade in trades_of(told)} == {"BTC-USD"}
    # Both names together are one stream.
    assert trades_of(client.ask("subscribe", "market_trades", "BTC-USD")) == []


def test_a_real_usdc_market_keeps_its_name() -> None:
    told = Client().ask("subscribe", "market_trades", "USDT-USDC")
    assert {trade["product_id"] for trade in trades_of(told)} == {"USDT-USDC"}


@pytest.mark.parametrize("channel", ["user", "nonsense", None])
def test_an_unknown_channel_is_an_unnumbered_error(channel: str | None) -> None:
    client = Client()
    told = decoded(
        client.session.receive(json.dumps({"type": "subscribe", "channel": channel}), client.at())
    )
    assert told == [{"type": "error", "message": "authentication failure"}]
    assert client.ask("subscribe", "heartbeats")[0]["sequence_num"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"type":"nonsense","channel":"ticker"}',
        '{"channel":"ticker","product_ids":5}',
    ],
)
def test_nonsense_is_an_unnumbered_error(text: str) -> None:
    client = Client()
    told = decoded(client.session.receive(text, client.at()))
    assert told == [{"type": "error", "message": "failure to subscribe"}]


def test_a_connection_that_asks_for_nothing_is_closed_after_five_seconds() -> None:
    client = Client()
    client.wait(4.9)
    assert client.session.close_code(client.at()) is None
    client.wait(0.2)
    assert client.session.close_code(client.at()) == 1008


def test_a_connection_that_asked_stays_open() -> None:
    client = Client()
    client.ask("subscribe", "heartbeats")
    client.ask("unsubscribe", "heartbeats")
    client.wait(60.0)
    assert client.session.close_code(client.at()) is None


def test_heartbeats_count_on_from_the_uptime() -> None:
    client = Client()
    client.ask("subscribe", "heartbeats")
    told = [frame for _ in range(20) for frame in client.wait(0.25)]
    counters = [frame["events"][0]["heartbeat_counter"] for frame in told]
    assert counters == [66_987, 66_988, 66_989, 66_990, 66_991]
    assert told[0]["events"][0]["current_time"].startswith(
        "2026-09-30 02:39:55.123456 +0000 UTC m=+66988"
    )


def test_a_stall_is_not_made_up_for_by_a_burst_of_heartbeats() -> None:
    client = Client()
    client.ask("subscribe", "heartbeats")
    assert len(client.wait(60.0)) == 1
    assert len(client.wait(0.25)) <= 1


def test_candles_are_five_minutes_one_to_a_frame_and_final_before_the_next() -> None:
    client = Client()
    client.ask("subscribe", "candles", "BTC-USD", "ETH-USD")
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(420):
        for frame in client.wait(1.0):
            (event,) = frame["events"]
            (candle,) = event["candles"]
            last[candle["product_id"], candle["start"]] = candle
    now = client.now_us // 1_000_000
    for name in ("BTC-USD", "ETH-USD"):
        price = world().products[name].price_step.write
        for bar in world().candles(name, 300, NOW_US // 1_000_000, now, client.now_us):
            assert last[name, str(bar.opened_at)]["close"] == price(bar.close)
            assert last[name, str(bar.opened_at)]["open"] == price(bar.open)


def test_the_snapshot_of_candles_is_sparse() -> None:
    (snapshot, _) = Client().ask("subscribe", "candles", "BTC-USD")
    starts = [int(candle["start"]) for candle in snapshot["events"][0]["candles"]]
    assert starts == sorted(starts, reverse=True)
    assert 50 < len(starts) <= 100
    assert (starts[0] - starts[-1]) // 300 > len(starts) * 1.2


def test_a_book_follows_from_its_changes() -> None:
    client = Client()
    (snapshot, _) = client.ask("subscribe", "level2", "BTC-USD")
    book = {
        (level["side"], level["price_level"]): level["new_quantity"]
        for level in snapshot["events"][0]["updates"]
    }
    for _ in range(80):
        for frame in client.wait(0.25):
            for level in frame["events"][0]["updates"]:
                at = (level["side"], level["price_level"])
                if level["new_quantity"] == "0":
                    del book[at]
                else:
                    book[at] = level["new_quantity"]
    bids = [float(price) for side, price in book if side == "bid"]
    asks = [float(price) for side, price in book if side == "offer"]
    assert (len(bids), len(asks)) == (25, 25)
    assert max(bids) < min(asks)


def test_a_muted_product_loses_what_it_did() -> None:
    client = Client()
    client.ask("subscribe", "market_trades", "BTC-USD", "ETH-USD")
    first = trades_of(client.wait(30.0))
    silent = trades_of(client.wait(30.0, frozenset({"BTC-USD"})))
    after = trades_of(client.wait(30.0))
    assert {trade["product_id"] for trade in silent} == {"ETH-USD"}
    newest = max(int(t["trade_id"]) for t in first if t["product_id"] == "BTC-USD")
    oldest = min(int(t["trade_id"]) for t in after if t["product_id"] == "BTC-USD")
    assert oldest > newest + 1


def test_a_thin_product_is_quiet_but_subscribed() -> None:
    client = Client()
    told = client.ask("subscribe", "ticker", THIN)
    assert [frame["channel"] for frame in told] == ["ticker", "subscriptions"]
    assert client.wait(0.25) == []


def test_ticker_batch_comes_every_five_seconds_without_the_best_prices() -> None:
    client = Client()
    client.ask("subscribe", "ticker_batch", "BTC-USD")
    told = [frame for _ in range(60) for frame in client.wait(0.25)]
    assert len(told) == 3
    assert not any(key.startswith("best_") for key in told[0]["events"][0]["tickers"][0])


def test_old_envelopes_have_an_empty_client_id() -> None:
    assert Client(client_id=True).ask("subscribe", "heartbeats")[0]["client_id"] == ""


def test_many_trades_are_told_in_frames_in_the_order_in_which_they_happened() -> None:
    client = Client()
    names = ("BTC-USD", "ETH-USD", "SOL-USD", "RARI-USD")
    client.ask("subscribe", "market_trades", *names)
    frames = client.wait(1_800.0)
    assert len(frames) > 2
    stamps = [frame["timestamp"] for frame in frames]
    assert stamps == sorted(stamps)
    newest = ""
    for frame in frames:
        times = sorted(trade["time"] for trade in frame["events"][0]["trades"])
        assert newest <= times[0]
        newest = times[-1]
        assert newest <= frame["timestamp"]
    ids = [
        int(t["trade_id"])
        for f in frames
        for t in reversed(f["events"][0]["trades"])
        if t["product_id"] == "BTC-USD"
    ]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
