"""A market is as liquid as its last bars were traded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.core.made import candle
from trading.core.indicators import IndicatorSeries
from trading.core.liquidity import WINDOW_BARS, Activity, Liquidity, liquidity
from trading.core.series import WARM_UP_BARS

kinds = st.lists(st.integers(0, 3).map(bool), min_size=1, max_size=700)


@pytest.mark.parametrize(
    ("synthetic", "bars", "tier"),
    [
        (0, 1, Liquidity.HIGH),
        (59, 300, Liquidity.HIGH),
        (60, 300, Liquidity.MEDIUM),
        (149, 300, Liquidity.MEDIUM),
        (150, 300, Liquidity.LOW),
        (300, 300, Liquidity.LOW),
        (1, 1, Liquidity.LOW),
    ],
)
def test_share_of_synthetic_bars_makes_the_tier(synthetic: int, bars: int, tier: Liquidity) -> None:
    assert liquidity(synthetic, bars) is tier


def test_window_is_what_a_warm_up_reads() -> None:
    assert WINDOW_BARS == WARM_UP_BARS


@given(kinds)
def test_only_the_last_window_counts(synthetic: list[bool]) -> None:
    activity = Activity()
    tiers = [activity.add(synthetic=one) for one in synthetic]
    last = synthetic[-WINDOW_BARS:]
    assert tiers[-1] is liquidity(sum(last), len(last))


@given(kinds)
def test_restart_sees_the_same_tier(synthetic: list[bool]) -> None:
    always, restarted = IndicatorSeries(), IndicatorSeries()
    walk = [candle(i, synthetic=one) for i, one in enumerate(synthetic)]
    for one in walk:
        always.append(one)
    for one in walk[-WARM_UP_BARS:]:
        restarted.append(one)
    assert always.last is not None
    assert restarted.last is not None
    assert always.last.liquidity is restarted.last.liquidity
