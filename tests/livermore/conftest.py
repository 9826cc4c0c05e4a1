"""State directories of their own for tests that start servers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from livermore.embedded.home import remove_state
from tests.livermore.processes import kill_all


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty state directory; whatever still runs in it at the end is killed."""
    directory = Path(tempfile.mkdtemp(prefix="livermore-state-"))
    directory.chmod(0o711)  # the servers' account passes through
    yield directory
    kill_all(directory)
    remove_state(directory)
