"""Shorter bars into longer ones.

Rule 1: a fold is exact: first open, highest high, lowest low, last close, the sums.
Rule 2: an empty bar has no say; a long bar of empty ones is empty.
"""

from __future__ import annotations

import numpy as np

from trading.simulator.chance import Ints
from trading.simulator.minutes import Bars

_HIGHEST = np.iinfo(np.int64).max


def fold(bars: Bars, length: int) -> Bars:
    """Bars of ``length`` neighbours each; the number of columns must be a multiple of it."""
    if length == 1:
        return bars
    shape = (bars.trades.shape[0], -1, length)
    counts = bars.trades.reshape(shape)
    traded = counts > 0
    first = traded.argmax(axis=-1)
    last = length - 1 - traded[..., ::-1].argmax(axis=-1)
    return Bars(
        open=_pick(bars.open.reshape(shape), first),
        high=np.where(traded, bars.high.reshape(shape), 0).max(axis=-1),
        low=np.where(traded, bars.low.reshape(shape), _HIGHEST).min(axis=-1),
        close=_pick(bars.close.reshape(shape), last),
        volume=bars.volume.reshape(shape).sum(axis=-1),
        trades=counts.sum(axis=-1),
    )


def _pick(values: Ints, at: Ints) -> Ints:
    return np.take_along_axis(values, at[..., None], axis=-1)[..., 0]
