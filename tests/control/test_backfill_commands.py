"""``manage.py backfill`` and ``clear_cache``: with and without a runtime, and what they refuse."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from control import client, listening, wire
from control.management.following import follow
from control.protocol import (
    BackfillStatus,
    RuntimeStatus,
    candles_of,
    responses_of,
    result_of,
    status_of,
)
from settings_app.models import User
from tests.control.running import RunningWorker, eventually, status_when
from tests.control.statuses import a_status
from tests.trading.running import Rest
from trading.core.market import Market
from trading.net.endpoints import Endpoints
from trading.simulator.faults import Accept, Refuse
from trading.simulator.server import Simulator

ALL = ("1m", "5m", "15m", "1h", "4h", "1d")


@pytest.fixture(autouse=True)
def _reachable(settings: Any, endpoints: dict[str, Endpoints]) -> None:
    settings.EXCHANGES = endpoints


@pytest.fixture
def away(simulator: Simulator) -> Iterator[None]:
    """The exchange answers nobody, for the length of a test."""
    simulator.inject(Refuse(seconds=3_600.0, scope="rest"))
    yield
    simulator.inject(Accept())


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, also where whoever started the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def called(*arguments: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def kept(symbol: str) -> dict[str, int]:
    """How many candles of a market are kept, by timeframe."""
    with wire.connect() as redis:
        counts: dict[str, Any] = {t: redis.zcard(candles_of("coinbase", symbol, t)) for t in ALL}
    return {t: count for t, count in counts.items() if count}


def stale(symbol: str, timeframe: str = "1m") -> str:
    """Leave an entry of long ago in the cache; the entry."""
    entry = "[60,1.0,2.0,0.5,1.5,0.1,0]"
    with wire.connect() as redis:
        redis.zadd(candles_of("coinbase", symbol, timeframe), {entry: 60})
    return entry


def is_kept(symbol: str, entry: str, timeframe: str = "1m") -> bool:
    with wire.connect() as redis:
        return redis.zscore(candles_of("coinbase", symbol, timeframe), entry) is not None


# -- where no runtime is up


def test_without_a_runtime_the_command_reads_and_swaps_by_itself(anna: User) -> None:
    entry = stale("BTC-USD")
    printed = called("backfill", "BTC-USD", "ETH-USD", "--timeframes", "1m, 1h", "--yes")
    assert "This command does it." in printed
    assert printed.endswith("Done.\n")
    for symbol in ("BTC-USD", "ETH-USD"):
        assert set(kept(symbol)) == {"1m", "1h"}
        assert min(kept(symbol).values()) >= 250
    assert not is_kept("BTC-USD", entry)


def test_a_dry_run_says_what_would_be_asked_and_does_nothing(anna: User, away: None) -> None:
    stale("BTC-USD")
    printed = called("backfill", "BTC-USD", "ETH-USD", "--timeframes", "1m,1d", "--dry-run")
    assert printed.splitlines() == [
        "coinbase BTC-USD 1m 1d: 3 requests for 600 candles; swaps 2 keys, 1 candle in them",
        "coinbase ETH-USD 1m 1d: 3 requests for 600 candles; swaps 2 keys, 0 candles in them",
        "In all 6 requests for 1,200 candles.",
        "This command would do it.",
    ]
    assert kept("BTC-USD") == {"1m": 1}


def test_a_dry_run_names_what_would_be_refused(anna: User) -> None:
    with pytest.raises(CommandError) as refused:
        called("backfill", "BTC-UDS", "ETH-USD", "--timeframes", "1h", "--dry-run")
    assert str(refused.value).startswith(
        "BTC-UDS: would be refused; Coinbase lists no market of that name. Did you mean BTC-USD"
    )
    assert kept("ETH-USD") == {}


def test_what_could_not_be_read_exits_with_the_reason_and_changes_nothing(
    anna: User, away: None
) -> None:
    entry = stale("BTC-USD")
    with pytest.raises(CommandError, match="No history of BTC-USD: coinbase: no answer"):
        called("backfill", "BTC-USD", "--timeframes", "1m", "--yes")
    assert is_kept("BTC-USD", entry)


def test_what_is_known_is_done_although_another_symbol_is_not(anna: User) -> None:
    with pytest.raises(CommandError, match="No history of NOPE-USD") as refused:
        called("backfill", "NOPE-USD", "BTC-USD", "--timeframes", "1h", "--yes")
    assert "BTC-USD" not in str(refused.value)
    assert set(kept("BTC-USD")) == {"1h"}


@pytest.mark.usefixtures("_ctrl_c")
def test_whoever_interrupts_it_leaves_the_candles_from_before(
    anna: User, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator, "_venue", simulator._venue)  # listened to for this test only
    rest = Rest(simulator)
    rest.hold()
    entry = stale("BTC-USD")
    here = threading.get_ident()

    def interrupt() -> None:
        eventually(lambda: rest.candles_of(Market("coinbase", "BTC-USD")))
        signal.pthread_kill(here, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt, name="Ctrl-C", daemon=True)
    interrupting.start()
    with pytest.raises(SystemExit) as exit_:
        called("backfill", "BTC-USD", "--timeframes", "1m", "--yes")
    rest.release()
    interrupting.join(20.0)
    assert exit_.value.code == 130
    assert is_kept("BTC-USD", entry)


def test_clearing_removes_the_users_own_and_swaps_what_all_share(anna: User, bela: User) -> None:
    entry = stale("ETH-USD")  # both watch it
    with wire.connect() as redis:
        for user in (anna, bela):
            redis.set(result_of(user.sub, "a"), "{}")
    printed = called("clear_cache", "--user", anna.username, "--yes")
    assert f"results of {anna.username}: removes 1 key" in printed
    assert (set(kept("BTC-USD")), set(kept("ETH-USD"))) == (set(ALL), set(ALL))
    assert kept("SOL-USD") == {}, "what only the other user watches is left alone"
    assert not is_kept("ETH-USD", entry)
    assert wire.shared().exists(result_of(anna.sub, "a")) == 0
    assert wire.shared().exists(result_of(bela.sub, "a")) == 1


def test_clearing_one_timeframe_leaves_everything_else(anna: User) -> None:
    hours, minutes = stale("BTC-USD", "1h"), stale("BTC-USD", "1m")
    with wire.connect() as redis:
        redis.set(result_of(anna.sub, "a"), "{}")
    called("clear_cache", "--scope", "timeframe", "--timeframe", "1h", "--yes")
    assert not is_kept("BTC-USD", hours, "1h")
    assert is_kept("BTC-USD", minutes, "1m")
    assert wire.shared().exists(result_of(anna.sub, "a")) == 1


def test_a_dry_run_of_clearing_says_how_much_and_removes_nothing(anna: User, away: None) -> None:
    with wire.connect() as redis:
        redis.set(result_of(anna.sub, "a"), "{}")
    printed = called("clear_cache", "--dry-run")
    assert printed.splitlines()[0] == f"results of {anna.username}: removes 1 key"
    assert "In all 14 requests for 3,600 candles." in printed
    assert wire.shared().exists(result_of(anna.sub, "a")) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backfill", "BTC-USD"], "There is nobody to ask: add --yes"),
        (["clear_cache"], "There is nobody to ask: add --yes"),
        (["backfill", "btc", "--yes"], "symbol: must be a symbol in capitals"),
        (["backfill", "BTC-USD", "--timeframes", "2m", "--yes"], "timeframes.0: must be .1m., .5m"),
        (
            ["backfill", "BTC-USD", "--exchange", "kraken", "--yes"],
            "Livermore has no feed for kraken; known are coinbase",
        ),
        (["backfill", "BTC-USD", "--user", "nobody", "--yes"], "There is no user 'nobody'"),
        (["clear_cache", "--scope", "symbol", "--yes"], "^payload: scope symbol needs a symbol"),
        (["clear_cache", "--scope", "timeframe", "--yes"], "scope timeframe needs a timeframe"),
        (["clear_cache", "--symbol", "BTC-USD", "--yes"], "use scope symbol"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    anna: User, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match=says):
        called(*arguments)
    assert kept("BTC-USD") == {}


@pytest.mark.parametrize(("answer", "is_done"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_is_asked(
    anna: User, monkeypatch: pytest.MonkeyPatch, answer: str, is_done: bool
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    arguments = ("backfill", "BTC-USD", "--timeframes", "1d")
    if is_done:
        called(*arguments)
    else:
        with pytest.raises(CommandError, match="Nothing was done"):
            called(*arguments)
    assert bool(kept("BTC-USD")) == is_done


# -- where one is up


def a_backfill(state: str, done: int = 0, **changes: Any) -> BackfillStatus:
    shown = {
        "id": "a",
        "symbol": "BTC-USD",
        "exchange": "coinbase",
        "timeframes": ["1m"],
        "state": state,
        "done": done,
        "total": 300,
        "at": 1,
    }
    return BackfillStatus.model_validate({**shown, **changes})


def told(user: User, *backfills: BackfillStatus) -> RuntimeStatus:
    return a_status(user.sub, backfill=list(backfills))


class Following(threading.Thread):
    """Somebody who watches a runtime's backfills, beside the test."""

    def __init__(self, user: User, *ids: str) -> None:
        super().__init__(name="following", daemon=True)
        self._user, self._ids = user, ids
        self.failures: list[str] | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.failures = follow(self._user, self._ids, 300)
        except CommandError as exc:
            self.error = exc

    def tell(self, status: RuntimeStatus) -> None:
        """Publish a status once it is listened to."""
        channel = status_of(self._user.sub)
        eventually(lambda: wire.shared().publish(channel, status.to_json()))


@pytest.mark.parametrize(
    ("end", "failures"),
    [
        (a_backfill("done", 300), []),
        (a_backfill("failed", message="no."), ["coinbase BTC-USD failed: no."]),
        (
            a_backfill("cancelled", message="cancelled by a pause"),
            ["coinbase BTC-USD cancelled: cancelled by a pause"],
        ),
    ],
)
def test_a_backfill_of_a_runtime_is_watched_to_its_end(
    anna: User, end: BackfillStatus, failures: list[str]
) -> None:
    wire.shared().set(status_of(anna.sub), told(anna, a_backfill("waiting")).to_json())
    following = Following(anna, "a")
    following.start()
    following.tell(told(anna, a_backfill("running", 100), a_backfill("failed", id="another")))
    assert following.is_alive()
    following.tell(told(anna, end))
    following.join(20.0)
    assert following.failures == failures


def test_a_runtime_that_does_not_know_the_backfill_is_no_success(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.management.following.STATUS_TTL_SECONDS", 0.3)
    wire.shared().set(status_of(anna.sub), told(anna).to_json())
    following = Following(anna, "a")
    following.start()
    while following.is_alive():
        wire.shared().publish(status_of(anna.sub), told(anna).to_json())
        following.join(0.05)
    assert following.failures == ["The runtime says nothing of backfill a."]


def test_a_runtime_that_falls_silent_is_no_success(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.management.following.STATUS_TTL_SECONDS", 0.3)
    wire.shared().set(status_of(anna.sub), told(anna, a_backfill("running")).to_json())
    following = Following(anna, "a")
    following.start()
    following.join(20.0)
    assert "has fallen silent" in str(following.error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["backfill", "BTC-USD", "--timeframes", "1m"],
        ["clear_cache", "--scope", "symbol", "--symbol", "BTC-USD"],
    ],
)
def test_a_runtime_that_is_up_is_asked_and_its_refusal_is_told(
    anna: User, worker: RunningWorker, arguments: list[str]
) -> None:
    status_when(anna, lambda status: status.state == "running")
    client.send(anna, "pause")
    status_when(anna, lambda status: status.state == "paused")
    with listening.listening_to(responses_of(anna.sub)) as heard:
        out = StringIO()
        with pytest.raises(CommandError):
            call_command(*arguments, "--yes", stdout=out, stderr=StringIO())
        assert heard.get_message(timeout=20.0) is not None, "the runtime was asked"
    assert f"The runtime of {anna.username} does it." in out.getvalue()


@pytest.mark.parametrize(
    "arguments", [["backfill", "BTC-USD", "--timeframes", "1m"], ["clear_cache"]]
)
def test_a_runtime_that_is_up_does_it_and_is_followed_to_the_end(
    anna: User, worker: RunningWorker, arguments: list[str]
) -> None:
    status_when(anna, lambda status: status.state == "running" and status.counts.trades > 0)
    out = StringIO()
    call_command(*arguments, "--yes", stdout=out, stderr=StringIO())
    assert out.getvalue().endswith("Done.\n")
    status = client.status(anna)
    assert status is not None
    assert {one.state for one in status.backfill} == {"done"}
