"""What a user's open pages are told beside the status: a bounded queue, and who listens at all.

Rule 1: the data plane only appends. What is said is put into words here, on the control plane's
    loop, once for all users who see the same of a market.
Rule 2: an indicator that moved is told where somebody listens: at midnight six thousand move for
    each user, and nearly always nobody looks.
Rule 3: what cannot be told now is worth nothing later, and is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from control.protocol import IndicatorEvent, Wire, events_of
from control.status import cell
from trading.ports import IndicatorUpdate

WAITING_EVENTS = 20_000
AT_ONCE = 1_000

Said = tuple[str, str]
"""Whom it concerns, by sub, and the text."""


class PageEvents:
    """The queue, filled by both planes and drained by :meth:`take`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._waiting: deque[Said | IndicatorUpdate] = deque(maxlen=WAITING_EVENTS)

    def __len__(self) -> int:
        return len(self._waiting)

    def moved(self, update: IndicatorUpdate) -> None:
        """One cell of a user's map is another one now."""
        self._waiting.append(update)

    def tell(self, sub: str, event: Wire) -> None:
        """Tell something of one user."""
        self._waiting.append((sub, event.to_json()))

    async def take(self, may_tell: Callable[[str], bool]) -> list[Said]:
        """What is to be published now, oldest first; it waits no more.

        Args:
            may_tell: Whether anything of a user may be told by this worker.

        Raises:
            redis.RedisError: If Redis cannot say who listens.
        """
        taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        subs = {one.owner.sub for one in taken if isinstance(one, IndicatorUpdate)}
        heard = await listened_to(self._client, {sub for sub in subs if may_tell(sub)})
        words: dict[tuple[int, tuple[str, ...]], str] = {}
        said: list[Said] = []
        for one in taken:
            if not isinstance(one, IndicatorUpdate):
                said += [one] if may_tell(one[0]) else []
            elif one.owner.sub in heard:
                key = (id(one.point), one.indicators)
                if key not in words:
                    words[key] = _words(one)
                said.append((one.owner.sub, words[key]))
        return said


async def listened_to(client: Redis, subs: Collection[str]) -> Collection[str]:
    """To whose events somebody has subscribed.

    Raises:
        redis.RedisError: If Redis does not say.
    """
    if not subs:
        return ()
    named = sorted(subs)
    async with client.pipeline(transaction=False) as pipe:
        for sub in named:  # a command touches one user's names
            pipe.pubsub_numsub(events_of(sub))
        pipe.pubsub_numpat()
        *counted, patterns = await pipe.execute()
    if patterns:  # of whoever hears everything
        return subs
    return {sub for sub, [(_, count)] in zip(named, counted, strict=True) if count}


def publish(pipe: Pipeline, said: Sequence[Said]) -> None:
    """Queue what is said into a pipeline."""
    for sub, text in said:
        pipe.publish(events_of(sub), text)


def _words(update: IndicatorUpdate) -> str:
    return IndicatorEvent(
        symbol=update.candle.market.symbol,
        exchange=update.candle.market.exchange,
        timeframe=str(update.candle.timeframe),
        cell=cell(update.point, update.indicators),
        closed_at=update.candle.closes_at * 1_000,
    ).to_json()
