"""From a day to its 1,440 minutes: moods, a bridged path, and exact shares of trades and volume.

Rule 1: the shares add up: a day's trades and volume are the sums of its minutes'.
Rule 2: every bar can be made of its trades: one trade is a point, two are an open and a close,
    three have room for one wick, four or more for both.
Rule 3: a bar opens near the last traded close; the day ends near its drawn close.
Rule 4: moods and path are the course's, so the markets of an asset move together; each one's closes
    stand aside of it by a part of a typical step, but for the market that leads.

A day is a row of moods, each twenty minutes or longer. In a trend the average step is a large
part of the average true range; MACD-V tends to 700 times that ratio (the two averages of a
line lag 5.5 and 12.5 bars behind it), so trends of 0.3 to 0.75 reach every level up to ±400.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading.simulator.chance import Bits, Floats, Ints, bell, lanes, shares, stream
from trading.simulator.days import MINUTES, Days

_MOODS_A_DAY = 72  # of at least 20 minutes each: enough for 1,440
_SHORTEST_MOOD, _MOOD_SPAN = 20, 45
_SALT_MOOD, _SALT_PATH, _SALT_BAR = 1, 2, 3

# Share of moods, noise of a step, trend of a step (least, most), activity.
_QUIET = (0.14, 0.30, (0.0, 0.0), 0.55)
_NORMAL = (0.30, 0.80, (0.0, 0.06), 1.0)
_TREND = (0.42, 0.42, (0.30, 0.75), 1.4)
_VIOLENT = (0.14, 2.20, (0.0, 0.5), 2.6)
_MOODS = (_QUIET, _NORMAL, _TREND, _VIOLENT)
_UNTIL = np.cumsum([mood[0] for mood in _MOODS])[:-1]
_NOISE = np.array([mood[1] for mood in _MOODS])
_LEAST = np.array([mood[2][0] for mood in _MOODS])
_MOST = np.array([mood[2][1] for mood in _MOODS])
_ACTIVITY = np.array([mood[3] for mood in _MOODS])


@dataclass(frozen=True, slots=True)
class Bars:
    """Minute bars, shape ``(rows, minutes)``. Where ``trades`` is 0 there is no bar: the prices
    of such a minute mean nothing."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    trades: Ints

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
        """All of it, in the order of the fields."""
        return self.open, self.high, self.low, self.close, self.volume, self.trades


def draw(days: Days) -> Bars:
    """The minutes of every row of ``days``."""
    noise, trend, activity = _moods(days.courses)
    path = _bridge(_walk(days, noise, trend), days)
    busy, wick_up, wick_down, gap = lanes(stream(days.keys, MINUTES, _SALT_BAR))
    weights = activity * (0.15 + 3.0 * busy * busy * busy)
    weights[np.arange(MINUTES) < days.opens_at[:, None]] = 0.0
    trades = shares(days.trades, weights)
    volume = trades + shares(days.volume - days.trades, trades * (0.3 + wick_up + wick_down))

    unit = days.unit[:, None] * (0.15 + 0.35 * noise)
    beside = (gap - 0.5) * 0.2 * unit
    close = _closes(path, beside, days)
    opened = _last_traded(close, trades, days) + np.rint(beside).astype(np.int64)
    opened = np.where(trades == 1, close, np.maximum(opened, 1))
    above = np.rint(unit * 1.6 * wick_up * wick_up).astype(np.int64)
    below = np.rint(unit * 1.6 * wick_down * wick_down).astype(np.int64)
    above[(trades < 3) | ((trades == 3) & (gap < 0.5))] = 0
    below[(trades < 3) | ((trades == 3) & (gap >= 0.5))] = 0
    return Bars(
        open=opened,
        high=np.maximum(opened, close) + above,
        low=np.maximum(np.minimum(opened, close) - below, 1),
        close=close,
        volume=volume,
        trades=trades,
    )


def _moods(keys: Bits) -> tuple[Floats, Floats, Floats]:
    """Noise, trend and activity of each minute, in units of the row's typical step."""
    kind, strength, sign, length = lanes(stream(keys, _MOODS_A_DAY, _SALT_MOOD))
    mood = np.searchsorted(_UNTIL, kind.ravel()).reshape(kind.shape)
    trend = (_LEAST[mood] + (_MOST[mood] - _LEAST[mood]) * strength) * np.sign(sign - 0.5)
    ends = np.cumsum(_SHORTEST_MOOD + (length * _MOOD_SPAN).astype(np.int64), axis=1)
    lasting = np.diff(np.minimum(ends, MINUTES), axis=1, prepend=0).ravel()
    shape = (len(keys), MINUTES)
    return (
        np.repeat(_NOISE[mood].ravel(), lasting).reshape(shape),
        np.repeat(trend.ravel(), lasting).reshape(shape),
        np.repeat(_ACTIVITY[mood].ravel(), lasting).reshape(shape),
    )


def _walk(days: Days, noise: Floats, trend: Floats) -> Floats:
    """Where each minute ends from the day's begin, in the row's typical steps.

    Of a quotient it is the difference of the two walks: within a day they go so little that the
    quotient of the prices is hardly another, a percent on the wildest days.
    """
    walk = _walked(days.courses, noise, trend)
    if (rows := days.quote_unit > 0.0).any():
        quotes = days.quotes[rows]
        noise_of, trend_of, _ = _moods(quotes)
        walk[rows] -= days.quote_unit[rows, None] * _walked(quotes, noise_of, trend_of)
    return walk


def _walked(courses: Bits, noise: Floats, trend: Floats) -> Floats:
    """The same of courses, in typical steps of their own."""
    steps = trend + noise * bell(stream(courses, MINUTES, _SALT_PATH))
    return np.cumsum(steps, axis=1, dtype=np.float64)


def _closes(path: Floats, beside: Floats, days: Days) -> Ints:
    """The path in whole steps; ``beside`` it where the row does not lead."""
    follows = days.keys != days.courses
    if follows.any():
        path = np.maximum(path + np.where(follows[:, None], beside, 0.0), 1.0)
    return np.rint(path).astype(np.int64)


def _bridge(walk: Floats, days: Days) -> Floats:
    """The walk in price steps, tilted so that it ends at the day's close, never below a step."""
    tilt = np.arange(1, MINUTES + 1) / MINUTES
    path: Floats = walk * days.unit[:, None] + days.before[:, None]
    path += (days.after[:, None] - path[:, -1:]) * tilt
    return np.maximum(path, 1.0)


def _last_traded(close: Ints, trades: Ints, days: Days) -> Ints:
    """For each minute the close of the last minute before it that has trades."""
    begin = np.rint(days.before).astype(np.int64)[:, None]
    traded = trades > 0
    if traded.all():
        return np.concatenate([begin, close[:, :-1]], axis=1)
    at = np.where(traded, np.arange(MINUTES), -1)
    at = np.maximum.accumulate(at, axis=1)
    at = np.concatenate([np.full((len(at), 1), -1), at[:, :-1]], axis=1)
    known = np.take_along_axis(close, np.maximum(at, 0), axis=1)
    return np.where(at >= 0, known, begin)
