"""One supervisor per state directory, held by a lock that dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from livermore.embedded.errors import StackError

_LOCK_SECONDS = 0.5  # whoever only looks at the lock holds it for microseconds
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold a state directory for as long as the block runs.

    Raises:
        StackError: If another run holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackError(
                        f"Livermore is already running with the data in {lock.parent}: stop that "
                        "one, or set LIVERMORE_STATE to another directory."
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
