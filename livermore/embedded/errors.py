"""What can keep a stack from starting, each as a sentence for the person at the terminal."""

from __future__ import annotations

import errno
from pathlib import Path

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StackError(Exception):
    """The stack cannot run; the text says why and what to do about it."""


def disk_full(where: Path, *, needed_mb: int | None = None) -> StackError:
    """No room left under ``where``."""
    need = f" ({needed_mb} MB are needed)" if needed_mb else ""
    return StackError(
        f"The disk that holds {where} is full{need}: free some space, or set LIVERMORE_STATE to "
        "a directory on another disk."
    )


def is_disk_full(error: OSError) -> bool:
    """Whether the system refused to write for want of space or quota."""
    return error.errno in _DISK_FULL
