"""``python -m tests.soak``: a quickened day with everything breaking; exit 1 if it shows."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos.__main__ import in_words, set_up_django, tell
from tests.faults.servers import BreakableServers, breakable_servers

if TYPE_CHECKING:  # these need Django's models, and so an address first
    from settings_app.models import User
    from tests.faults.stage import Stage
    from tests.soak.exchanges import QuickExchanges
    from tests.soak.havoc import Havoc
    from tests.soak.kept import KeptCandles
    from tests.soak.settling import Certain
    from tests.soak.verdict import Findings
    from trading.core.market import Market

HOURS, SPEED, SYMBOLS = 24.0, 120.0, 50
MOST_SECONDS = 7_200.0
WARM_SECONDS = 180.0
LOOK_SECONDS = 0.2
TOLD_VIOLATIONS = 200
DAY = 86_400


def main() -> int:
    """Run, and tell what came of it."""
    arguments = _arguments()
    # Told to stop, it leaves no server and no worker behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seconds = arguments.seconds or min(arguments.hours * 3_600.0 / arguments.speed, MOST_SECONDS)
    tell(
        f"soak of seed {arguments.seed} at {arguments.at} for {seconds:g} s at {arguments.speed:g} "
        f"times the speed: {seconds * arguments.speed / 3_600:.1f} h, {arguments.symbols} markets"
    )
    with breakable_servers() as servers:
        set_up_django(servers)
        return run(servers, arguments, seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--hours", type=float, default=HOURS, help="simulated (default 24)")
    parser.add_argument("--seconds", type=float, help="real ones instead")
    parser.add_argument(
        "--speed", type=float, default=SPEED, help="simulated seconds in a real one"
    )
    parser.add_argument("--symbols", type=int, default=SYMBOLS, help="of all exchanges together")
    parser.add_argument(
        "--first", nargs="*", default=[], help="faults to begin with: name, or name@exchange"
    )
    parser.add_argument("--log", type=Path, help="where to keep what the workers said")
    parser.add_argument("--calm", action="store_true", help="break nothing")
    tomorrow = int(time.time()) // DAY * DAY + DAY
    parser.add_argument("--at", type=int, default=tomorrow, help="simulated time, unix seconds")
    return parser.parse_args()


def run(servers: BreakableServers, arguments: argparse.Namespace, seconds: float) -> int:
    """One day on fresh servers; the exit status."""
    from tests.faults.stage import Stage
    from tests.soak.certainty import Certainty
    from tests.soak.exchanges import QuickExchanges
    from tests.soak.havoc import Havoc
    from tests.soak.kept import KeptCandles
    from tests.soak.settling import Settling

    exchanges = QuickExchanges(
        Path(servers.state),
        seed=arguments.seed,
        speed=arguments.speed,
        at=arguments.at,
        symbols=arguments.symbols,
    )
    kept = KeptCandles(servers.redis, exchanges.markets)
    stage = Stage(servers, exchanges)
    try:
        exchanges.start()
        user = stage.trader(document=watching(exchanges.markets))
        certain = partial(Certainty, user, kept)
        settling = Settling(exchanges, kept, certain)
        havoc = Havoc(stage, exchanges, settling, f"{arguments.seed} havoc")
        stage.worker()
        since = warm(stage, exchanges, kept)
        live_through(havoc, arguments, seconds)
        until = quiet(stage, exchanges, certain)
        findings = judged(stage, exchanges, kept, havoc, user, since, until)
        wrong = [*settling.unsettled, *findings.violations]
        report(havoc, findings, wrong, since, until)
    finally:
        for worker in stage.workers:
            worker.end()
        if arguments.log:
            arguments.log.write_text("".join(worker.said for worker in stage.workers))
        exchanges.close()
        kept.close()
    return 1 if wrong else 0


def live_through(havoc: Havoc, arguments: argparse.Namespace, seconds: float) -> None:
    """Let so many real seconds pass."""
    if arguments.calm:
        time.sleep(seconds)
    else:
        havoc.until(time.monotonic() + seconds, first=tuple(arguments.first))


def watching(markets: Sequence[Market]) -> dict[str, Any]:
    """What a document has to say so that these are watched."""
    return {
        "exchanges": {market.exchange: {"enabled": True} for market in markets},
        "watchlist": [{"symbol": one.symbol, "exchange": one.exchange} for one in markets],
    }


def warm(stage: Stage, exchanges: QuickExchanges, kept: KeptCandles) -> int:
    """Wait until bars of every market close; from when on everything is judged (unix seconds)."""
    began = exchanges.now
    _wait_until_none(stage, lambda: kept.behind(began + 60), "told")
    return int(exchanges.now) // 60 * 60


def quiet(stage: Stage, exchanges: QuickExchanges, certain: Certain) -> int:
    """Let everything be told and mended, and the worker end well; until when all is judged."""
    until = int(exchanges.now) // 60 * 60
    _wait_until_none(stage, certain(exchanges.now).left, "certain")
    for worker in stage.workers:
        if worker.is_running:
            worker.ask_to_stop()
            worker.exit_status()
    return until


def _wait_until_none(stage: Stage, left: Callable[[], list[Market]], what: str) -> None:
    """Wait until no market is left that has to be something yet."""
    deadline = time.monotonic() + WARM_SECONDS
    while markets := left():
        if time.monotonic() > deadline:
            log = stage.workers[-1].said[-4_000:]
            raise AssertionError(f"{len(markets)} markets are not {what}: {markets}\n{log}")
        time.sleep(LOOK_SECONDS)


def judged(
    stage: Stage,
    exchanges: QuickExchanges,
    kept: KeptCandles,
    havoc: Havoc,
    user: User,
    since: int,
    until: int,
) -> Findings:
    """Everything that stands, against the true candles."""
    from tests.soak import ledger, oracle, verdict

    truth = oracle.Oracle(exchanges.worlds(), until)
    lives = oracle.lives(worker.said for worker in stage.workers)
    judge = verdict.Verdict(truth, havoc.timeline)
    for market in kept.markets:
        before, rows = ledger.alerts(user, market, since, until)
        fired = truth.fired(market, lives[market], since, before)
        judge.judge_alerts(market, rows, fired)
        judge.judge_candles(market, kept)
    return judge.findings


def report(havoc: Havoc, findings: Findings, wrong: Sequence[str], since: int, until: int) -> None:
    """What was broken, what was compared, and what is wrong."""
    tell(f"judged: {(until - since) / 3_600:.2f} simulated hours from {since} to {until}")
    tell(f"broken: {in_words(havoc.counts)}")
    for name, counts in findings.of.items():
        tell(f"found of {name}: {in_words(counts)}")
    tell(f"found: {in_words(findings.counts)}")
    if not wrong:
        tell("everything is as the true candles say")
        return
    for span in (*havoc.timeline.troubles, *havoc.timeline.amendments):
        where = " ".join(word for word in span.place if word) or "everywhere"
        tell(f"-- {span.since:.0f} to {span.until:.0f} {span.what}, {where}")
    tell(f"{len(wrong)} differences:")
    for sentence in wrong[:TOLD_VIOLATIONS]:
        tell(f"  {sentence}")


if __name__ == "__main__":
    sys.exit(main())
