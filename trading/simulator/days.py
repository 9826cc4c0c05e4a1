"""The coarsest drawing of the world: where a product's days begin and end, and how busy they are.

Rule 1: any day of any product can be asked for alone; nothing is walked from the beginning.
    Closes are fractal value noise about the product's level, so the price wanders like one that
    was walked but stays plausible for ever.
Rule 2: a row is one product on one day. Prices are in price steps, volumes in size steps.
Rule 3: the markets of one asset follow one course, that of its dollar market; another stands aside
    of it by up to a typical minute's step at the end of a day. What is quoted in an asset follows
    the quotient of two courses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trading.simulator.catalog import VOLATILITY, Product
from trading.simulator.chance import Bits, Flags, Floats, Ints, bell, mixed, subkeys, uniform

MINUTES = 1_440
_OCTAVES = 10  # waves of 1, 2, 4 … 512 days
_PERIODS = 2.0 ** np.arange(_OCTAVES)
_DAY_PER_MINUTE = 60.0  # a day's swing in a minute's steps: above sqrt(1440), for trends add up
_SALT_LEVEL, _SALT_BUSY, _SALT_UNIT, _SALT_KEY, _SALT_OPENING, _SALT_ASIDE = range(1, 7)


@dataclass(frozen=True, slots=True)
class Keys:
    """What some products are drawn from, one entry for each."""

    own: Bits  # of the product: its trades, volumes, wicks and gaps
    course: Bits  # of the market that it follows; its own where it is that market
    quote: Bits  # of the market that its quote follows
    is_quotient: Flags  # whether its quote follows one: else ``quote`` means nothing


@dataclass(frozen=True, slots=True)
class Days:
    """Some product-days; every field has one entry for each row."""

    keys: Bits
    courses: Bits  # the same as the key where the row's product leads
    quotes: Bits  # of the quote's course; means nothing where ``quote_unit`` is 0
    quote_unit: Floats  # a typical minute's step of the quote, in such of the row
    before: Floats  # the close of the day before, in price steps
    after: Floats  # the close this day tends to, in price steps
    trades: Ints
    volume: Ints  # in size steps, at least one for each trade
    unit: Floats  # a typical minute's step, in price steps
    opens_at: Ints  # minute of the day at which trading starts: not 0 on the first day only


def draw(products: Sequence[Product], keys: Keys, days: Ints) -> Days:
    """The rows of ``products`` on ``days``; ``keys`` are the products'."""
    level = np.array([product.price / product.price_step.value for product in products])
    volatility = np.array([product.volatility for product in products])
    turnover = np.array(
        [product.turnover / (product.price * product.size_step.value) for product in products]
    )
    ends = np.stack([days - 1, days])
    before, after = np.maximum(level * np.exp(_distance(keys, ends, volatility)), 2.0)
    opens_at = _opening(products, keys.own, days)
    trades = trades_of(products, keys.own, days)
    activity = bell(subkeys(keys.own, days, _SALT_BUSY))  # the same noise as in the trade count
    volume = turnover * np.exp(0.45 * activity) * (level / after) * (1.0 - opens_at / MINUTES)
    unit = volatility * _liveliness(keys.course, days)
    return Days(
        keys=subkeys(keys.own, days, _SALT_KEY),
        courses=subkeys(keys.course, days, _SALT_KEY),
        quotes=subkeys(keys.quote, days, _SALT_KEY),
        quote_unit=_quote_unit(keys, days, unit),
        before=before,
        after=after,
        trades=trades,
        volume=np.where(trades > 0, np.maximum(volume.astype(np.int64), trades), 0),
        unit=unit * after,
        opens_at=opens_at,
    )


def trades_of(products: Sequence[Product], keys: Bits, days: Ints) -> Ints:
    """How many trades each product has on each day; none before the first or behind the last."""
    usual = np.array([product.trades_a_day for product in products], dtype=np.float64)
    first = np.array([product.first_day for product in products])
    last = np.array([p.last_day if p.last_day is not None else 2**31 for p in products])
    count = usual * np.exp(0.3 * bell(subkeys(keys, days, _SALT_BUSY)))
    opening = _opening(products, keys, days)
    count *= 1.0 - opening / MINUTES
    return np.where((days >= first) & (days < last), np.maximum(count, 1.0), 0.0).astype(np.int64)


def _opening(products: Sequence[Product], keys: Bits, days: Ints) -> Ints:
    """Minute of the day at which each row begins: between 08:00 and 20:00 on its first day."""
    first = np.array([product.first_day for product in products])
    drawn = (subkeys(keys, first, _SALT_OPENING) % np.uint64(720)).astype(np.int64)
    return np.where(days == first, 480 + drawn, 0)


def _distance(keys: Keys, ends: Ints, volatility: Floats) -> Floats:
    """The log distance of each close from its level; shape of ``ends``."""
    away = volatility * _DAY_PER_MINUTE * _waves(keys.course, ends)
    if (rows := keys.is_quotient).any():
        away[:, rows] -= VOLATILITY * _DAY_PER_MINUTE * _waves(keys.quote[rows], ends[:, rows])
    if (rows := keys.own != keys.course).any():
        aside = uniform(subkeys(keys.own[rows], ends[:, rows], _SALT_ASIDE)) * 2.0 - 1.0
        away[:, rows] += volatility[rows] * aside
    return away


def _quote_unit(keys: Keys, days: Ints, unit: Floats) -> Floats:
    """A typical minute's step of each quote, in such of the row; 0 where the quote is money."""
    steps = np.zeros(len(days))
    if (rows := keys.is_quotient).any():
        steps[rows] = VOLATILITY * _liveliness(keys.quote[rows], days[rows]) / unit[rows]
    return steps


def _liveliness(courses: Bits, days: Ints) -> Floats:
    """How much more or less than usual each course moves on a day."""
    return np.asarray(np.exp(0.25 * bell(subkeys(courses, days, _SALT_UNIT))))


def _waves(keys: Bits, days: Ints) -> Floats:
    """The log distance of each close from its level, in days' swings; shape of ``days``.

    Source: value noise summed over octaves (fractional Brownian motion); an octave's height
    grows with the root of its period, as a random walk's does.
    """
    position = days[..., None] / _PERIODS
    lattice = np.floor(position)
    past = position - lattice
    octave = np.arange(_OCTAVES, dtype=np.int64) << 40
    at = lattice.astype(np.int64) + octave
    grid = np.broadcast_to(mixed(keys + np.uint64(_SALT_LEVEL))[:, None], at.shape)
    left = uniform(subkeys(grid, at, _SALT_LEVEL)) * 2.0 - 1.0
    right = uniform(subkeys(grid, at + 1, _SALT_LEVEL)) * 2.0 - 1.0
    smooth = past * past * (3.0 - 2.0 * past)
    heights: Floats = (left + (right - left) * smooth) * np.sqrt(_PERIODS) * 0.5
    return np.asarray(heights.sum(axis=-1))
