"""``python -m tests.chaos``: break everything at random for a while; exit 1 if it shows."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import django

from tests.faults.servers import BreakableServers, breakable_servers

if TYPE_CHECKING:  # these need Django's models, and so an address first
    from tests.chaos.havoc import Havoc
    from tests.chaos.ledger import Ledger

USERS, SENDERS = 4, 2
DEFAULT_SECONDS = 120.0
TRACE_LINES = 80


def main() -> int:
    """Run, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1_000_000)))
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS)
    arguments = parser.parse_args()
    seed, seconds = arguments.seed, arguments.seconds
    # Told to stop, it leaves no server and no worker behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tell(f"chaos of seed {seed} for {seconds:g} s, {USERS} users with {SENDERS} senders each")
    with breakable_servers() as servers:
        set_up_django(servers)
        return run(servers, seed, seconds)


def set_up_django(servers: BreakableServers) -> None:
    """Django of this process on those servers, migrated."""
    for name in tuple(os.environ):
        if name.startswith("LIVERMORE_"):
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "livermore.settings",
        "LIVERMORE_STATE": str(servers.state),
        "DATABASE_URL": servers.stack.database_url,
        "REDIS_URL": servers.redis.url,
        "SECRET_KEY": "chaos-only-" + "k" * 50,
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


def run(servers: BreakableServers, seed: str, seconds: float) -> int:
    """One run on fresh servers; the exit status."""
    from tests.chaos import verdict
    from tests.chaos.havoc import Havoc
    from tests.chaos.ledger import Ledger
    from tests.chaos.senders import Sender
    from tests.faults.programs import simulated_exchange
    from tests.faults.stage import Stage

    with simulated_exchange() as exchange:
        stage, ledger, stop = Stage(servers, exchange), Ledger(), threading.Event()
        havoc = Havoc(stage, f"{seed} havoc", ledger)
        users = [stage.trader("BTC-USD", "ETH-USD") for _ in range(USERS)]
        senders = [
            Sender(user, f"{seed} {number} {nth}", ledger, stop)
            for number, user in enumerate(users)
            for nth in range(SENDERS)
        ]
        try:
            for sender in senders:
                sender.start()
            havoc.until(time.monotonic() + seconds)
            stop.set()
            for sender in senders:
                sender.join()
            havoc.end()
            found = [f"a sender broke: {s.failure!r}" for s in senders if s.failure is not None]
            found += verdict.violations(stage, users, ledger)
            report(ledger, havoc, found)
        finally:
            stop.set()
            for worker in stage.workers:
                worker.end()
    return 1 if found else 0


def report(ledger: Ledger, havoc: Havoc, found: list[str]) -> None:
    """What was sent, what was broken, and what that broke."""
    taken = sum(sent.taken for sent in ledger.sent)
    tell(f"sent: {len(ledger.sent)} commands, of which Redis took {taken}")
    tell(f"      {in_words(Counter(str(sent.command) for sent in ledger.sent))}")
    tell(f"broken: {in_words(havoc.counts)}")
    if not found:
        tell("every promise was kept")
        return
    for line in ledger.last(TRACE_LINES):
        tell(line)
    for worker in havoc.workers:
        tell(f"-- the end of the log of worker {worker.pid}\n{worker.said[-2_000:]}")
    tell(f"{len(found)} promises were broken:")
    for sentence in found:
        tell(f"  {sentence}")


def in_words(counts: Mapping[str, int]) -> str:
    """How often what."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
