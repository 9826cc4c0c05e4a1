"""As whom the servers run, and what that account can reach.

PostgreSQL refuses to run as root, and Valkey has no reason to: started by root, both become the
unprivileged account ``nobody``. Started by anyone else, they run as that user.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from livermore.embedded.errors import StackError

_UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """The user of a server process.

    Args:
        uid: Numeric user.
        gid: Numeric group.
        dropped: Whether it is another user than ours, so that files must be given to it.
    """

    uid: int
    gid: int
    dropped: bool

    @property
    def popen(self) -> Mapping[str, int | list[int]]:
        """Keyword arguments with which ``subprocess`` starts a process as this account."""
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own_directory(self, path: Path) -> Path:
        """Make ``path`` a private directory of this account and return it.

        Raises:
            StackError: If it belongs to somebody else.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.lstat().st_uid
        if owner not in {self.uid, os.geteuid()}:
            raise StackError(
                f"{path} belongs to another user (number {owner}): run as that user, remove it, "
                "or set LIVERMORE_STATE to another directory."
            )
        if self.dropped and owner != self.uid:
            os.chown(path, self.uid, self.gid)
        return path

    def can_reach(self, path: Path) -> bool:
        """Whether every directory down to ``path`` lets this account through."""
        real = path.resolve()
        return all(self._may_enter(directory) for directory in (real, *real.parents))

    def _may_enter(self, directory: Path) -> bool:
        if not directory.exists():
            return True  # made by us later, with the modes we choose
        facts = directory.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """The account for servers started by this process.

    Raises:
        StackError: If we are root and there is nobody to become.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root and there is no user {_UNPRIVILEGED!r} to run it "
            "as: start Livermore as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, dropped=True)
