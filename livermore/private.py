"""Files that their owner alone may read: passwords, keys, addresses with passwords."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def kept_secret(path: Path, *, size: int = 24) -> str:
    """The secret in ``path``, made at the first call.

    Args:
        size: Random bytes in a new one; its text is about a third longer.
    """
    with contextlib.suppress(FileNotFoundError):
        if text := path.read_text(encoding="ascii").strip():
            return text
    text = secrets.token_urlsafe(size)
    write_private(path, text + "\n")
    return text


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step with mode 0600; no reader sees half of it."""
    making = path.with_name(f"{path.name}.new")
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
