"""``python -m tests.soak``: a quickened day with everything breaking; exit 1 if it shows."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.__main__ import in_words, set_up_django, tell
from tests.faults.servers import BreakableServers, breakable_servers

if TYPE_CHECKING:  # these need Django's models, and so an address first
    from settings_app.models import User
    from tests.faults.stage import Stage
    from tests.soak.exchange import QuickExchange
    from tests.soak.havoc import Certain, Havoc
    from tests.soak.kept import KeptCandles
    from tests.soak.verdict import Findings

HOURS, SPEED, SYMBOLS = 24.0, 120.0, 50
MOST_SECONDS = 7_200.0
WARM_SECONDS = 180.0
LOOK_SECONDS = 0.2
TOLD_VIOLATIONS = 60
DAY = 86_400


def main() -> int:
    """Run, and tell what came of it."""
    arguments = _arguments()
    # Told to stop, it leaves no server and no worker behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seconds = arguments.seconds or min(arguments.hours * 3_600.0 / arguments.speed, MOST_SECONDS)
    tell(
        f"soak of seed {arguments.seed} at {arguments.at} for {seconds:g} s at {arguments.speed:g} "
        f"times the speed: {seconds * arguments.speed / 3_600:.1f} h, {arguments.symbols} symbols"
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
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--first", nargs="*", default=[], help="faults to begin with, by name")
    parser.add_argument("--calm", action="store_true", help="break nothing")
    tomorrow = int(time.time()) // DAY * DAY + DAY
    parser.add_argument("--at", type=int, default=tomorrow, help="simulated time, unix seconds")
    return parser.parse_args()


def run(servers: BreakableServers, arguments: argparse.Namespace, seconds: float) -> int:
    """One day on fresh servers; the exit status."""
    from tests.faults.stage import Stage
    from tests.soak.certainty import Certainty
    from tests.soak.exchange import QuickExchange, symbols_of
    from tests.soak.havoc import Havoc
    from tests.soak.kept import KeptCandles

    exchange = QuickExchange(
        Path(servers.state),
        seed=arguments.seed,
        speed=arguments.speed,
        products=4 * arguments.symbols,
        at=arguments.at,
    )
    symbols = symbols_of(exchange.world(), arguments.symbols)
    kept = KeptCandles(servers.redis, symbols)
    stage = Stage(servers, exchange.start())
    try:
        user = stage.trader(*symbols)
        certain = partial(Certainty, user, symbols)
        havoc = Havoc(stage, exchange, kept, certain, f"{arguments.seed} havoc")
        stage.worker()
        since = warm(stage, exchange, kept)
        deadline = time.monotonic() + seconds
        if arguments.calm:
            time.sleep(seconds)
        else:
            havoc.until(deadline, first=tuple(arguments.first))
        until = quiet(stage, exchange, kept, certain)
        findings = judged(stage, exchange, kept, havoc, user, since, until)
        report(havoc, findings, since, until)
    finally:
        for worker in stage.workers:
            worker.end()
        exchange.close()
        kept.close()
    return 1 if findings.violations or havoc.unsettled else 0


def warm(stage: Stage, exchange: QuickExchange, kept: KeptCandles) -> int:
    """Wait until bars of every market close; from when on everything is judged (unix seconds)."""
    began = exchange.now
    _wait_until_none(stage, lambda: kept.behind(began + 60), "told")
    return int(exchange.now) // 60 * 60


def quiet(stage: Stage, exchange: QuickExchange, kept: KeptCandles, certain: Certain) -> int:
    """Let everything be told and mended, and the worker end well; until when all is judged."""
    until = int(exchange.now) // 60 * 60
    _wait_until_none(stage, lambda: kept.behind(until), "told")
    _wait_until_none(stage, certain(exchange.now).left, "certain")
    for worker in stage.workers:
        if worker.is_running:
            worker.ask_to_stop()
            worker.exit_status()
    return until


def _wait_until_none(stage: Stage, left: Callable[[], list[str]], what: str) -> None:
    """Wait until no market is left that has to be something yet."""
    deadline = time.monotonic() + WARM_SECONDS
    while markets := left():
        if time.monotonic() > deadline:
            log = stage.workers[-1].said[-4_000:]
            raise AssertionError(f"{len(markets)} markets are not {what}: {markets}\n{log}")
        time.sleep(LOOK_SECONDS)


def judged(
    stage: Stage,
    exchange: QuickExchange,
    kept: KeptCandles,
    havoc: Havoc,
    user: User,
    since: int,
    until: int,
) -> Findings:
    """Everything that stands, against the true candles."""
    from tests.soak import ledger, oracle, verdict

    truth = oracle.Oracle(exchange.world(), until)
    lives = oracle.lives(worker.said for worker in stage.workers)
    judge = verdict.Verdict(truth, havoc.timeline)
    for symbol in kept.symbols:
        before, rows = ledger.alerts(user, symbol, since, until)
        fired = truth.fired(symbol, lives[symbol], since, before)
        judge.judge_alerts(symbol, rows, fired)
        judge.judge_candles(symbol, kept)
    return judge.findings


def report(havoc: Havoc, findings: Findings, since: int, until: int) -> None:
    """What was broken, what was compared, and what is wrong."""
    tell(f"judged: {(until - since) / 3_600:.2f} simulated hours from {since} to {until}")
    tell(f"broken: {in_words(havoc.counts)}")
    tell(f"found: {in_words(findings.counts)}")
    wrong = [*havoc.unsettled, *findings.violations]
    if not wrong:
        tell("everything is as the true candles say")
        return
    for span in (*havoc.timeline.troubles, *havoc.timeline.amendments):
        tell(f"-- {span.since:.0f} to {span.until:.0f} {span.what} {span.symbol or ''}")
    tell(f"{len(wrong)} differences:")
    for sentence in wrong[:TOLD_VIOLATIONS]:
        tell(f"  {sentence}")


if __name__ == "__main__":
    sys.exit(main())
