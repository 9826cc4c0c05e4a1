"""Servers of the benchmarks' own, and Django as the web process has it.

Rule 1: durable, as `make run` starts them: a figure without the disk would flatter us.
Rule 2: never the developer's running ones, so nothing is written that somebody needs.
Rule 3: the servers have one processor and we another, where there are two: who wakes up where would
    else decide the figure.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from livermore.embedded.home import remove_state
from livermore.embedded.stack import Stack

MIN_PROCESSORS = 2
OURS = ("SECRET_KEY", "PORT", "EXCHANGE", "DJANGO_SETTINGS_MODULE")


@contextmanager
def own_servers() -> Iterator[Stack]:
    """A fresh database and Redis, migrated, with Django set up on them; removed afterwards."""
    state = Path(tempfile.mkdtemp(prefix="livermore-benchmarks-"))
    state.chmod(0o711)  # the servers' account passes through
    stack = Stack(state)
    try:
        with _on_the_servers_processor():
            stack.start()
        _set_up_django(state, stack)
        yield stack
    finally:
        stack.stop()
        remove_state(state)


@contextmanager
def _on_the_servers_processor() -> Iterator[None]:
    """What is started in here stays on the last processor; afterwards we keep to the first."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(processors) < MIN_PROCESSORS:
        yield
        return
    os.sched_setaffinity(0, processors[-1:])
    yield
    os.sched_setaffinity(0, processors[:1])


def every_processor(pid: int) -> None:
    """Let a process run where the machine likes, as the processes of ``make run`` do."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, range(os.cpu_count() or 1))


def _set_up_django(state: Path, stack: Stack) -> None:
    for name in tuple(os.environ):
        if name.startswith("LIVERMORE_") or name in OURS:
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "livermore.settings",
        "LIVERMORE_STATE": str(state),
        "LIVERMORE_DATABASE_POOL": "8",  # as livermore.asgi has it
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "SECRET_KEY": "benchmarks-only-" + "k" * 50,
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
