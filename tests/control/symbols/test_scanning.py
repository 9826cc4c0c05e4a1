"""The scanner: a proposal that changes nothing, and exactly what is approved of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pytest_django import Settings as Configuration

from control import client, leases, ledger, plan, wire
from control.models import ScanRun
from control.protocol import Command, Origin, listing_of
from control.symbols import scanning, scans
from control.symbols.admitting import NotAdmitted
from control.symbols.listings import ListingUnknown, listing
from control.symbols.scanning import NotProposed, ScanConflict, ScanMissing, ScanRefused
from settings_app import services
from settings_app.models import User
from tests.control.conftest import trader
from tests.control.ledgers import command, found
from tests.control.running import running_worker, status_when
from trading.core.market import Market
from trading.models import Position
from trading.net.endpoints import Endpoints
from trading.ports import Owner
from trading.scanner import Verdict
from trading.simulator import faults
from trading.simulator.server import Simulator

ORIGIN = Origin(who="anna", via="command line")
TEN = {"scanner": {"top_n": 10}}
BY_THE_SCANNER = {"modes": {"scalper-macdv": {"symbolSource": "scanner"}}, **TEN}


@pytest.fixture(autouse=True)
def _exchange(settings: Configuration, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return trader("BTC-USD", "BTC-USDC", document=TEN)


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return trader("SOL-USD", document=TEN)


def watched(user: User) -> list[str]:
    return [row.symbol for row in services.read(user.pk).document.watchlist]


def approve(user: User, run: ScanRun, **selected: Any) -> scanning.Approval:
    return scanning.approve(user, run.pk, by=user, origin=ORIGIN, wait=None, **selected)


# ------------------------------------------------------------------ proposing
def test_a_proposal_ranks_by_volume_and_changes_nothing(anna: User) -> None:
    before = services.read(anna.pk)
    run = scanning.preview(anna, by="anna")
    add, stays = (scans.symbols_of(run, v) for v in (Verdict.ADD, Verdict.STAYS))
    volumes = [row["quoteVolume24h"] for row in run.rows]
    assert (len(add), stays) == (9, ["BTC-USD"])
    assert volumes == sorted(volumes, reverse=True)
    assert scans.symbols_of(run, Verdict.REMOVE) == [], "another quote is none of its business"
    assert (run.state, run.cause, run.asked_by) == ("previewed", "asked", "anna")
    assert run.seen == len(listing("coinbase").instruments)
    assert services.read(anna.pk).revision == before.revision
    assert scans.last(anna.pk) == run


def test_what_is_watched_and_none_of_the_best_is_proposed_to_go_with_the_reason(db: None) -> None:
    tickers = listing("coinbase").tickers
    symbols = [s for s, one in listing("coinbase").instruments.items() if one.streamable]
    dollars = [s for s in symbols if s.endswith("-USD") and s != "USDT-USD"]
    last = min(dollars, key=lambda symbol: tickers[symbol].quote_volume_24h or 0.0)
    carl = trader(last, document=TEN)
    [row] = [row for row in scanning.preview(carl).rows if row["symbol"] == last]
    assert row["verdict"] == "remove"
    assert "10 are wanted" in row["reason"] or "volume is below" in row["reason"]


def test_an_exchange_that_is_off_is_not_scanned(db: None) -> None:
    carl = trader(document={"scanner": {"exchange": "kucoin"}})
    with pytest.raises(ScanRefused, match="kucoin is not enabled in the settings; enable it under"):
        scanning.preview(carl)
    assert scans.last(carl.pk) is None


@pytest.mark.parametrize("how", ["malformed", "throttled", "bad_gateway"])
def test_an_exchange_that_does_not_tell_gives_no_proposal(
    anna: User, simulator: Simulator, how: Any
) -> None:
    simulator.inject(faults.Fail(how=how, requests=1_000_000))
    try:
        with pytest.raises(ListingUnknown, match="nothing was changed"):
            scanning.preview(anna)
    finally:
        simulator.inject(faults.Accept())
    assert scans.last(anna.pk) is None


# ------------------------------------------------------------------ approving
def test_what_is_selected_is_added_by_one_save_and_the_rest_is_not(anna: User) -> None:
    run = scanning.preview(anna)
    first, second, *_ = scans.symbols_of(run, Verdict.ADD)
    before = services.read(anna.pk).revision
    done = approve(anna, run, add=[second, first])
    assert done.added == (second, first)
    assert watched(anna) == ["BTC-USD", "BTC-USDC", second, first]
    assert services.read(anna.pk).revision == before + 1
    ranked = [row["symbol"] for row in run.rows if row["symbol"] in {first, second, "BTC-USD"}]
    assert list(done.watched) == ranked, "in the order of the scan"
    assert [market.symbol for market in scans.approved(anna.pk)] == ranked
    assert (done.run.state, done.run.approved_by) == ("approved", anna.username)


def test_an_approval_is_undone_with_what_it_let_a_mode_watch(anna: User) -> None:
    services.patch(anna.pk, BY_THE_SCANNER, by=anna)
    first, second, *_ = scans.symbols_of(scanning.preview(anna), Verdict.ADD)
    approve(anna, scanning.preview(anna), add=[first])
    run, before = scanning.preview(anna), scans.approved(anna.pk)
    approve(anna, run, add=[second])
    assert Market("coinbase", second) in scans.approved(anna.pk)

    fence = leases.acquire([anna.pk], "worker")[anna.pk]
    owner = Owner(user_id=anna.pk, sub=anna.sub, fence=fence)
    undone = ledger.decide(owner, command(Command.UNDO), found(plan.situation(anna.pk)))

    assert undone.result.success
    assert watched(anna) == ["BTC-USD", "BTC-USDC", first]
    assert undone.situation is not None
    assert undone.situation.plan is not None
    assert set(undone.situation.plan.markets) == set(before) == set(scans.approved(anna.pk))
    run.refresh_from_db()
    assert (run.state, run.approved_at, run.approved_by) == ("previewed", None, "")
    assert approve(anna, run, add=[second]).added == (second,), "it waits to be approved again"


def test_nothing_is_removed_that_is_not_selected(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"exclude": ["BTC-USD"]}}, by=anna)
    run = scanning.preview(anna)
    assert scans.symbols_of(run, Verdict.REMOVE) == ["BTC-USD"]
    approve(anna, run)
    assert "BTC-USD" in watched(anna)
    another = scanning.preview(anna)
    done = approve(anna, another, add=[], remove=["BTC-USD"])
    assert done.removed == ("BTC-USD",)
    assert "BTC-USD" not in watched(anna)


def test_what_nobody_let_go_is_watched_on(anna: User) -> None:
    services.patch(anna.pk, {"scanner": {"exclude": ["BTC-USD"]}}, by=anna)
    done = approve(anna, scanning.preview(anna), add=[])
    assert done.watched == ("BTC-USD",)


def test_a_position_is_nobodys_from_before_its_cost_was_entered(anna: User) -> None:
    services.patch(anna.pk, BY_THE_SCANNER, by=anna)
    approve(anna, scanning.preview(anna))
    ScanRun.objects.filter(user=anna).update(approved=[{"symbol": "BTC-USD", "since": 7}])
    Position.objects.create(
        user=anna, exchange="coinbase", symbol="BTC-USD", quantity=1, cost_basis=100
    )
    made = plan.situation(anna.pk).plan
    assert made is not None
    assert made.markets_since[Market("coinbase", "BTC-USD")] > 7


def test_figures_of_more_than_an_hour_propose_nothing(anna: User, simulator: Simulator) -> None:
    old = listing("coinbase").listed
    text = msgspec.json.encode(replace(old, read_at=old.read_at - 4_000)).decode()
    wire.shared().set(listing_of("coinbase"), text)
    simulator.inject(faults.Fail(how="bad_gateway", requests=1_000_000))
    try:
        with pytest.raises(ListingUnknown, match="nothing was changed"):
            scanning.preview(anna)
    finally:
        simulator.inject(faults.Accept())


def test_a_scan_is_approved_once_and_by_whom_it_was_made_for(anna: User, bela: User) -> None:
    run = scanning.preview(anna)
    with pytest.raises(ScanMissing, match="no such scan of yours"):
        scanning.approve(bela, run.pk, by=bela, origin=ORIGIN, wait=None)
    approve(anna, run)
    with pytest.raises(ScanConflict, match="was approved already, at"):
        approve(anna, run)
    assert watched(bela) == ["SOL-USD"]
    assert scans.approved(bela.pk) == {}


def test_only_what_is_proposed_can_be_approved(anna: User) -> None:
    run = scanning.preview(anna)
    with pytest.raises(NotProposed, match="does not propose to add NOPE-USD"):
        approve(anna, run, add=["NOPE-USD"])
    with pytest.raises(NotProposed, match="does not propose to remove BTC-USD"):
        approve(anna, run, remove=["BTC-USD"])
    assert watched(anna) == ["BTC-USD", "BTC-USDC"]
    assert scans.last_approved(anna.pk) is None


def test_what_moved_since_is_told_and_not_forced(anna: User) -> None:
    run = scanning.preview(anna)
    first, second, *_ = scans.symbols_of(run, Verdict.ADD)
    rows = [{"symbol": symbol, "exchange": "coinbase"} for symbol in (first, "BTC-USD")]
    services.patch(anna.pk, {"watchlist": rows}, by=anna)
    done = approve(anna, run, add=[first, second])
    assert (done.added, done.already) == ((second,), (first,))
    assert watched(anna) == [first, "BTC-USD", second]


def test_an_old_scan_is_not_approved(anna: User) -> None:
    run = scanning.preview(anna)
    ScanRun.objects.filter(pk=run.pk).update(at=run.at - timedelta(days=3))
    with pytest.raises(ScanConflict, match="is 3 days old"):
        approve(anna, run)


def test_what_closed_since_is_refused_and_the_scan_stays_as_it_was(
    anna: User, simulator: Simulator
) -> None:
    run = scanning.preview(anna)
    first = scans.symbols_of(run, Verdict.ADD)[0]
    run.rows = [
        {**row, "symbol": "NOPE-USD"} if row["symbol"] == first else row for row in run.rows
    ]
    run.save()
    with pytest.raises(NotAdmitted, match="NOPE-USD of coinbase: Coinbase does not list it"):
        approve(anna, run, add=["NOPE-USD"])
    run.refresh_from_db()
    assert run.state == "previewed"
    assert watched(anna) == ["BTC-USD", "BTC-USDC"]


def test_what_was_watched_by_the_scan_before_goes_on_since_then(anna: User) -> None:
    approve(anna, scanning.preview(anna))
    since = scans.approved(anna.pk)
    ScanRun.objects.filter(user=anna).update(
        approved=[{"symbol": market.symbol, "since": 7} for market in since]
    )
    services.patch(anna.pk, {"watchlist": []}, by=anna)
    approve(anna, scanning.preview(anna))
    assert set(scans.approved(anna.pk).values()) == {7}


def test_old_runs_go_and_the_last_daily_one_and_the_last_approved_two_stay(anna: User) -> None:
    first = scanning.preview(anna)
    ScanRun.objects.filter(pk=first.pk).update(cause="daily")
    for_undo, second = scanning.preview(anna), scanning.preview(anna)
    approve(anna, for_undo)
    approve(anna, second)
    for _ in range(scans.KEPT_RUNS + 3):
        last = scanning.preview(anna)
    runs = ScanRun.objects.filter(user=anna)
    assert runs.count() == scans.KEPT_RUNS + 3
    assert scans.last_daily_at(anna.pk) == first.at
    assert {first.pk, for_undo.pk, second.pk, last.pk} <= set(runs.values_list("pk", flat=True))


# ------------------------------------------------------------------ what a mode watches by it
def test_the_mode_of_the_scanner_watches_what_was_approved_last(anna: User) -> None:
    services.patch(anna.pk, BY_THE_SCANNER, by=anna)
    now = plan.situation(anna.pk)
    assert now.plan is not None
    assert now.plan.markets == ()
    done = approve(anna, scanning.preview(anna))
    now = plan.situation(anna.pk)
    assert now.plan is not None
    assert [market.symbol for market in now.plan.markets] == list(done.watched)
    assert set(now.plan.markets_since) == set(now.plan.markets)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_a_worker_watches_exactly_what_was_approved_without_a_restart(
    redis_url: str, endpoints: dict[str, Endpoints]
) -> None:
    anna = trader("BTC-USD", is_paused=False, document=BY_THE_SCANNER)
    with running_worker(endpoints):
        status_when(anna, lambda status: status.state == "running" and not status.symbols)
        run = scanning.preview(anna)
        add = scans.symbols_of(run, Verdict.ADD)[:2]
        done = scanning.approve(anna, run.pk, add=add, by=anna, origin=ORIGIN)
        assert done.applied, done.message
        status = status_when(anna, lambda status: len(status.symbols) == 3)
        assert {one.symbol for one in status.symbols} == set(done.watched) == {*add, "BTC-USD"}
        again = scanning.preview(anna)
        done = scanning.approve(anna, again.pk, add=[], by=anna, origin=ORIGIN)
        assert done.applied, "no row changed, and the runtime was asked all the same"
    assert client.status(anna) is None or watched(anna) == ["BTC-USD", *add]
    assert Market("coinbase", add[0]) in scans.approved(anna.pk)
