"""Where the servers keep their data.

Normally that is the state directory itself. A root user's checkout may lie where the servers'
account cannot go (``/root``, a ``mktemp -d``); then the data live under ``/var/lib/livermore``
and the state directory holds a link to them, so that the two are removed together.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from livermore.embedded.account import Account

_ELSEWHERE = Path("/var/lib/livermore")
_LINK = "servers"


def servers_home(state: Path, account: Account) -> Path:
    """The directory for the servers' data of one state directory, made if needed."""
    link = state / _LINK
    if link.exists():
        return link.resolve()
    state.mkdir(parents=True, exist_ok=True)
    if account.can_reach(state):
        link.mkdir(mode=0o711)
        return link.resolve()
    home = _ELSEWHERE / hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    _ELSEWHERE.chmod(0o711)
    link.unlink(missing_ok=True)  # a link whose target was removed
    link.symlink_to(home)
    return home


def remove_data(state: Path, data: str) -> None:
    """Remove one set of data of a state directory; the caller holds its lock.

    Args:
        data: What the directories' names end in.
    """
    for server in ("postgres", "redis"):
        directory = (state / _LINK).resolve() / f"{server}{data}"
        if directory.is_dir():
            shutil.rmtree(directory)


def remove_state(state: Path) -> None:
    """Remove a state directory and the data it points to."""
    link = state / _LINK
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)
