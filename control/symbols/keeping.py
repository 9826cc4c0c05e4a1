"""The listings that a worker's data plane has read, put where every process finds them.

Rule 1: the exchange is not asked for this: it is what the data plane reads for itself, each half
    hour, of the exchanges that somebody watches.
Rule 2: what is there is replaced by newer ones only; where a Redis has lost it, it is put again.
Rule 3: in a thread: a listing is a megabyte, and no command is to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from control.symbols.listings import AWAY, absent, keep
from trading.listings import Listed

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 30.0


class Keeping:
    """Keeps the readings of one worker.

    Args:
        readings: The newest of each exchange.
    """

    def __init__(self, readings: Callable[[], Sequence[Listed]]) -> None:
        self._readings = readings
        self._kept: dict[str, float] = {}  # when they were read, by exchange

    async def run(self) -> None:
        """Look for new ones, until cancelled."""
        while True:
            try:
                await self._keep_new()
            except AWAY as exc:
                log.warning("listings.not_kept", reason=str(exc))
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep_new(self) -> None:
        readings = self._readings()
        missing = await asyncio.to_thread(absent, [listed.exchange for listed in readings])
        for listed in readings:
            if listed.exchange in missing or self._kept.get(listed.exchange) != listed.read_at:
                await asyncio.to_thread(keep, listed)
                self._kept[listed.exchange] = listed.read_at
