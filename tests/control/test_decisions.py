"""What each command does and answers, over rows in memory."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from control import decisions
from control.decisions import Verdict
from control.leases import Fenced
from control.plan import Situation
from control.protocol import Command, State
from tests.control.ledgers import (
    MemoryLedger,
    Rows,
    command,
    decide,
    found,
    instrument,
    listing,
    refused,
)
from trading.core.holdings import Holding
from trading.core.market import InstrumentKind, Market

ALL_COMMANDS = [
    (Command.PAUSE, {}),
    (Command.RESUME, {}),
    (Command.RELOAD_SETTINGS, {}),
    (Command.SWITCH_MODE, {"mode": "position-monitor"}),
    (Command.ADD_SYMBOL, {"symbol": "SOL-USD"}),
    (Command.REMOVE_SYMBOL, {"symbol": "BTC-USD"}),
    (Command.FORCE_BACKFILL, {"symbol": "BTC-USD"}),
    (Command.CLEAR_CACHE, {"scope": "all"}),
]


def symbols(rows: Rows) -> list[str]:
    return [row["symbol"] for row in rows.document["watchlist"]]


def said(verdict: Verdict) -> str:
    return str(verdict.result.message)


@pytest.mark.parametrize(("name", "payload"), ALL_COMMANDS)
def test_every_command_is_carried_out_once_and_answered_alike_ever_after(
    name: Command, payload: dict[str, Any]
) -> None:
    rows, what = Rows(), command(name, payload=payload)
    first = decide(rows, what)
    assert first.result.status == "succeeded"
    again = decide(rows, what)
    assert again.result == first.result
    assert (again.situation, again.order, again.is_repeat) == (None, None, True)
    assert rows.carried_out[str(what.id)] == 1


@pytest.mark.parametrize(("name", "payload"), ALL_COMMANDS)
def test_a_transaction_that_fails_leaves_nothing_behind(
    name: Command, payload: dict[str, Any]
) -> None:
    rows = Rows()
    decisions.decide(MemoryLedger(rows), command(name, payload=payload), found(rows.situation()))
    untouched = Rows()
    assert rows.desired == untouched.desired
    assert rows.document == untouched.document
    assert rows.receipts == {}
    assert rows.undo is None


@pytest.mark.parametrize(("name", "payload"), ALL_COMMANDS)
def test_a_fenced_off_worker_decides_nothing(name: Command, payload: dict[str, Any]) -> None:
    rows = Rows()
    rows.fence = 2
    with pytest.raises(Fenced):
        decisions.decide(
            MemoryLedger(rows, fence=1), command(name, payload=payload), found(rows.situation())
        )


# ---------------------------------------------------------------------- intents
def test_a_foreign_pause_records_the_intent_and_acts_on_it() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.PAUSE))
    assert said(verdict) == "paused; left 2 subscriptions"
    assert rows.desired.is_paused
    assert verdict.situation is not None
    assert verdict.situation.desired == rows.desired


def test_an_intent_that_is_recorded_already_is_not_recorded_again() -> None:
    rows = Rows()
    revision = rows.record(is_paused=True).revision
    decide(rows, command(Command.PAUSE, desiredRevision=revision))
    assert rows.desired.revision == revision


@pytest.mark.parametrize(
    ("name", "payload"),
    [(Command.PAUSE, {}), (Command.RESUME, {}), (Command.SWITCH_MODE, {"mode": "scalper-macdv"})],
)
def test_a_newer_intent_makes_an_older_one_void(name: Command, payload: dict[str, Any]) -> None:
    rows = Rows()
    for _ in range(2):
        rows.record(is_paused=False)
    verdict = decide(rows, command(name, payload=payload, desiredRevision=1))
    assert verdict.result.status == "failed"
    assert said(verdict).startswith("superseded by a newer intent")
    assert rows.desired.revision == 2


@pytest.mark.parametrize(
    ("name", "payload"),
    [(Command.PAUSE, {}), (Command.RESUME, {}), (Command.SWITCH_MODE, {"mode": "scalper-macdv"})],
)
def test_an_intent_that_the_database_does_not_have_is_not_claimed(
    name: Command, payload: dict[str, Any]
) -> None:
    rows = Rows()
    verdict = decide(rows, command(name, payload=payload, desiredRevision=1))
    assert verdict.result.status == "failed"
    assert "is not in the database" in said(verdict)
    assert rows.desired.revision == 0


@pytest.mark.parametrize(
    ("name", "payload", "wish"),
    [
        (Command.RESUME, {}, {"is_paused": False}),
        (Command.SWITCH_MODE, {"mode": "position-monitor"}, {"mode": "position-monitor"}),
    ],
)
def test_an_intent_that_is_overtaken_while_it_is_decided_is_superseded(
    name: Command, payload: dict[str, Any], wish: dict[str, Any]
) -> None:
    rows = Rows(is_paused=True)
    revision = rows.record(**wish).revision

    class Overtaken(MemoryLedger):
        def situation(self) -> Situation:
            self._draft.record(is_paused=True)  # somebody's pause commits just now
            return super().situation()

    what = command(name, payload=payload, desiredRevision=revision)
    verdict = decisions.decide(Overtaken(rows), what, found(rows.situation()))
    assert said(verdict).startswith("superseded by a newer intent")
    assert verdict.situation is None


def test_a_resume_while_the_data_plane_is_down_does_not_claim_to_run() -> None:
    rows = Rows(is_paused=True)
    verdict = decide(rows, command(Command.RESUME), plane_is_down=True)
    assert (
        said(verdict)
        == "resumed; the data plane was down and starts again, to be watching 2 symbols"
    )


def test_pausing_twice_succeeds_twice() -> None:
    rows = Rows()
    decide(rows, command(Command.PAUSE))
    again = decide(rows, command(Command.PAUSE))
    assert (again.result.success, said(again)) == (True, "already paused")


def test_a_pause_that_the_poll_has_applied_first_does_not_claim_that_nothing_changed() -> None:
    rows = Rows()
    revision = rows.record(is_paused=True).revision
    verdict = decide(rows, command(Command.PAUSE, desiredRevision=revision))
    assert said(verdict) == "paused"


def test_a_pause_reads_no_plan_anew_unless_the_settings_moved() -> None:
    rows = Rows()
    known = rows.situation()
    verdict = decide(rows, command(Command.PAUSE), known)
    assert verdict.situation is not None
    assert verdict.situation.plan is known.plan
    rows.document["watchlist"] = rows.document["watchlist"][:1]
    rows.settings_revision += 1
    verdict = decide(rows, command(Command.PAUSE), known)
    assert verdict.situation is not None
    assert verdict.situation.settings_revision == rows.settings_revision


def test_a_mode_that_is_not_implemented_is_refused_before_anything_is_recorded() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.SWITCH_MODE, payload={"mode": "scalper-orderbook"}))
    assert said(verdict) == "mode scalper-orderbook is not implemented"
    assert rows.desired.revision == 0


def test_a_switch_of_the_mode_while_paused_says_when_it_takes_effect() -> None:
    rows = Rows(is_paused=True)
    verdict = decide(rows, command(Command.SWITCH_MODE, payload={"mode": "position-monitor"}))
    assert said(verdict) == "mode position-monitor; takes effect on resume"


# ---------------------------------------------------------------------- the watchlist
def test_an_added_symbol_is_watched_at_once() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"}))
    assert said(verdict) == "SOL-USD of coinbase added; watching 3 symbols"
    assert verdict.result.data is not None
    assert verdict.result.data["added"] == ["SOL-USD"]
    assert symbols(rows) == ["BTC-USD", "ETH-USD", "SOL-USD"]


def test_adding_what_is_watched_changes_nothing() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.ADD_SYMBOL, payload={"symbol": "BTC-USD"}))
    assert said(verdict) == "BTC-USD of coinbase is on the watchlist already"
    assert rows.settings_revision == 1
    assert rows.undo is None


def test_adding_a_disabled_symbol_enables_its_row() -> None:
    rows = Rows()
    rows.document["watchlist"][0]["enabled"] = False
    verdict = decide(rows, command(Command.ADD_SYMBOL, payload={"symbol": "BTC-USD"}))
    assert verdict.result.success
    assert symbols(rows) == ["BTC-USD", "ETH-USD"]
    assert rows.document["watchlist"][0]["enabled"]


def test_a_symbol_that_the_exchange_does_not_list_is_refused_with_the_nearest() -> None:
    rows = Rows()
    verdict = decide(
        rows,
        command(Command.ADD_SYMBOL, payload={"symbol": "SOLL-USD"}),
    )
    assert said(verdict).startswith("symbol: coinbase does not list SOLL-USD; did you mean SOL-USD")
    assert rows.settings_revision == 1


@pytest.mark.parametrize(
    ("symbol", "says"),
    [
        ("DOGE-USD", "symbol: DOGE-USD of coinbase cannot be watched: trading disabled"),
        ("OLD-USD", "symbol: OLD-USD of coinbase cannot be watched: delisted"),
        ("BTC-PERP", "symbol: BTC-PERP of coinbase is a future, no spot market"),
    ],
)
def test_a_symbol_that_is_not_open_is_refused_with_its_status(symbol: str, says: str) -> None:
    rows = Rows()
    listed = listing(
        instrument("DOGE-USD", streamable=False, status="trading disabled"),
        instrument("OLD-USD", streamable=False, status="delisted"),
        instrument("BTC-PERP", streamable=False, kind=InstrumentKind.FUTURE),
    )
    add = command(Command.ADD_SYMBOL, payload={"symbol": symbol})
    assert said(decide(rows, add, listed=listed)) == says
    assert (rows.settings_revision, rows.undo) == (1, None)


def test_a_market_that_shares_the_book_of_another_is_added() -> None:
    rows = Rows()
    listed = listing(instrument("BTC-USDC", alias_of="BTC-USD"))
    add = command(Command.ADD_SYMBOL, payload={"symbol": "BTC-USDC"})
    assert decide(rows, add, listed=listed).result.success
    assert symbols(rows) == ["BTC-USD", "ETH-USD", "BTC-USDC"]


@pytest.mark.parametrize("unlisted", ["", "Coinbase did not tell what it lists (no answer)."])
def test_nothing_is_added_while_it_is_not_known_what_is_listed(unlisted: str) -> None:
    rows = Rows()
    verdict = decide(
        rows,
        command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"}),
        listed=lambda _: None,
        unlisted=unlisted,
    )
    assert verdict.result.status == "failed"
    usual = "it is not known what coinbase lists; nothing was changed. Try again later."
    assert said(verdict) == (unlisted or usual)
    assert (rows.settings_revision, rows.undo) == (1, None)


@pytest.mark.parametrize(
    ("symbol", "is_paused", "says"),
    [
        ("BTC-USD", False, "removed; mode position-monitor watches it still, for it is held"),
        ("BTC-USD", True, "removed; takes effect on resume; it is watched then still"),
        ("ETH-USD", False, "removed; watching 1 symbol"),
        ("ETH-USD", True, "removed; takes effect on resume"),
        ("SOL-USD", False, "is not on the watchlist; nothing to remove"),
    ],
)
def test_a_removed_symbol_that_is_held_is_told_to_be_watched_still(
    symbol: str, is_paused: bool, says: str
) -> None:
    rows = Rows(is_paused=is_paused)
    rows.record(mode="position-monitor")
    rows.held = {Market("coinbase", "BTC-USD"): None}
    verdict = decide(rows, command(Command.REMOVE_SYMBOL, payload={"symbol": symbol}))
    assert says in said(verdict)
    assert verdict.result.data is not None
    assert verdict.result.data["stillWatched"] is (symbol == "BTC-USD")


def test_a_symbol_of_an_exchange_that_is_not_enabled_is_refused_with_the_way_out() -> None:
    rows = Rows()
    payload = {"symbol": "BTC-USDT", "exchange": "kucoin"}
    verdict = decide(rows, command(Command.ADD_SYMBOL, payload=payload))
    assert "kucoin is not enabled" in said(verdict)
    assert "/exchanges" in said(verdict)


def test_a_removed_symbol_is_left_at_once() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.REMOVE_SYMBOL, payload={"symbol": "BTC-USD"}))
    assert said(verdict) == "BTC-USD of coinbase removed; watching 1 symbol"
    assert symbols(rows) == ["ETH-USD"]


def test_removing_what_is_not_there_changes_nothing_and_says_so() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.REMOVE_SYMBOL, payload={"symbol": "SOL-USD"}))
    assert (verdict.result.success, rows.settings_revision) == (True, 1)
    assert "nothing to remove" in said(verdict)


@pytest.mark.parametrize("is_paused", [False, True])
def test_an_added_symbol_that_the_mode_does_not_watch_is_not_said_to_be_watched(
    is_paused: bool,
) -> None:
    rows = Rows(is_paused=is_paused)
    rows.record(mode="position-monitor")
    verdict = decide(rows, command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"}))
    assert said(verdict).endswith("mode position-monitor does not watch the watchlist")


# ---------------------------------------------------------------------- reloading
def test_a_reload_tells_what_changed_and_how_each_was_applied() -> None:
    rows = Rows()
    known = rows.situation()
    rows.document = {
        **rows.document,
        "watchlist": rows.document["watchlist"][1:],
        "position_refresh_hours": 8.0,
    }
    rows.settings_revision = 2
    verdict = decide(rows, command(Command.RELOAD_SETTINGS), known)
    assert said(verdict) == "settings revision 2 applied"
    assert verdict.result.data is not None
    assert verdict.result.data["removed"] == ["BTC-USD"]
    assert verdict.result.data["changes"] == [
        {"path": "/position_refresh_hours", "applied": "at next refresh"},
        {"path": "/watchlist", "applied": "at once"},
    ]


def test_a_reload_while_paused_says_what_waits_for_the_resume() -> None:
    rows = Rows(is_paused=True)
    known = rows.situation()
    profile = {"trade_settings": {"stop_loss_percentage": 4.5, "max_daily_trades": 3}}
    rows.document = {**rows.document, "watchlist": [], "perseus_profile": profile}
    rows.settings_revision = 2
    verdict = decide(rows, command(Command.RELOAD_SETTINGS), known)
    assert verdict.result.data is not None
    trading = "/perseus_profile/trade_settings"
    assert verdict.result.data["changes"] == [
        {"path": f"{trading}/max_daily_trades", "applied": "recorded only"},
        {"path": f"{trading}/stop_loss_percentage", "applied": "on resume"},
        {"path": "/watchlist", "applied": "on resume"},
    ]


def test_a_reload_says_that_it_applied_what_positions_cost() -> None:
    rows = Rows()
    known = rows.situation()
    assert known.plan is not None
    held = Holding.of(Decimal(100), stop_loss_percentage=2.5, take_profit_percentage=5.0)
    before = replace(known.plan, holdings={known.plan.markets[0]: held})
    verdict = decide(rows, command(Command.RELOAD_SETTINGS), replace(known, plan=before))
    assert said(verdict) == "what positions cost is applied; the settings had not changed"


def test_a_reload_of_what_is_applied_already_tells_again_what_that_changed() -> None:
    rows = Rows()
    made = ({"path": "/watchlist", "applied": "at once"},)
    verdict = decide(rows, command(Command.RELOAD_SETTINGS), changes=made)
    assert said(verdict).startswith("nothing had changed")
    assert verdict.result.data is not None
    assert verdict.result.data["changes"] == list(made)


# ---------------------------------------------------------------------- undo
@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (Command.PAUSE, {}),
        (Command.SWITCH_MODE, {"mode": "position-monitor"}),
        (Command.ADD_SYMBOL, {"symbol": "SOL-USD"}),
        (Command.REMOVE_SYMBOL, {"symbol": "BTC-USD"}),
    ],
)
def test_undo_brings_back_what_the_last_command_changed(
    name: Command, payload: dict[str, Any]
) -> None:
    rows = Rows()
    before = (rows.desired.is_paused, rows.desired.mode, rows.document["watchlist"])
    done = decide(rows, command(name, payload=payload))
    assert done.situation is not None
    assert done.situation.undo == rows.undo is not None
    undone = decide(rows, command(Command.UNDO))
    assert undone.result.success, said(undone)
    assert (rows.desired.is_paused, rows.desired.mode, rows.document["watchlist"]) == before
    assert undone.situation is not None
    assert undone.situation.undo is None
    assert said(decide(rows, command(Command.UNDO))) == "there is nothing to undo"


def test_a_repetition_that_changed_nothing_does_not_hide_what_can_be_undone() -> None:
    rows = Rows()
    decide(rows, command(Command.PAUSE))
    decide(rows, command(Command.PAUSE))
    assert decide(rows, command(Command.UNDO)).result.success
    assert not rows.desired.is_paused


def test_undo_refuses_what_somebody_has_decided_anew() -> None:
    rows = Rows()
    decide(rows, command(Command.PAUSE))
    rows.record(is_paused=False)  # and its command is on its way
    verdict = decide(rows, command(Command.UNDO))
    assert not verdict.result.success
    assert "pause cannot be undone: the desired state was changed since" in said(verdict)
    assert not rows.desired.is_paused


def test_undo_refuses_a_watchlist_that_was_saved_since() -> None:
    rows = Rows()
    decide(rows, command(Command.REMOVE_SYMBOL, payload={"symbol": "BTC-USD"}))
    rows.settings_revision += 1
    verdict = decide(rows, command(Command.UNDO))
    assert "the settings were changed since" in said(verdict)
    assert symbols(rows) == ["ETH-USD"]


# ---------------------------------------------------------------------- history
def test_a_backfill_is_ordered_behind_the_answer() -> None:
    rows = Rows()
    payload = {"symbol": "BTC-USD", "timeframes": ["1h", "1m"]}
    verdict = decide(rows, command(Command.FORCE_BACKFILL, payload=payload))
    assert verdict.order is not None
    (order,) = verdict.order.backfills
    assert [str(timeframe) for timeframe in order.timeframes] == ["1m", "1h"]
    assert order.market.symbol == "BTC-USD"


def test_a_paused_runtime_fetches_nothing_and_says_so() -> None:
    rows = Rows(is_paused=True)
    verdict = decide(rows, command(Command.FORCE_BACKFILL, payload={"symbol": "BTC-USD"}))
    assert verdict.order is None
    assert "paused" in said(verdict)


@pytest.mark.parametrize(
    ("payload", "markets", "timeframes", "clears", "says"),
    [
        ({"scope": "all"}, 2, 6, True, "2 symbols on 6 timeframes are read"),
        ({"scope": "symbol", "symbol": "BTC-USD"}, 1, 6, False, "1 symbol on 6 timeframes is"),
        ({"scope": "timeframe", "timeframe": "1h"}, 2, 1, False, "2 symbols on 1 timeframe are"),
        (
            {"scope": "timeframe", "timeframe": "1h", "symbol": "ETH-USD"},
            1,
            1,
            False,
            "1 symbol on",
        ),
    ],
)
def test_a_cleared_cache_is_fetched_anew_as_far_as_was_asked(
    payload: dict[str, str], markets: int, timeframes: int, clears: bool, says: str
) -> None:
    verdict = decide(Rows(), command(Command.CLEAR_CACHE, payload=payload))
    assert verdict.order is not None
    assert len(verdict.order.backfills) == markets
    assert {len(order.timeframes) for order in verdict.order.backfills} == {timeframes}
    assert verdict.order.clears is clears
    assert says in said(verdict)


# ---------------------------------------------------------------------- refusals
def test_a_refused_command_keeps_an_earlier_answer() -> None:
    rows, pause = Rows(), command(Command.PAUSE)
    done = decide(rows, pause).result
    assert refused(rows, pause) == done


def test_an_expired_command_is_never_carried_out_afterwards() -> None:
    rows, add = Rows(), command(Command.ADD_SYMBOL, payload={"symbol": "SOL-USD"})
    assert refused(rows, add).status == "expired"
    assert decide(rows, add).result.status == "expired"
    assert symbols(rows) == ["BTC-USD", "ETH-USD"]


def test_a_faulted_runtime_is_told_to_pause_like_any_other() -> None:
    rows = Rows()
    verdict = decide(rows, command(Command.PAUSE), state=State.FAULTED)
    assert verdict.result.success
    assert rows.desired.is_paused
