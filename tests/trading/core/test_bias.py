"""Which side the timeframes favour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.bias import WEIGHTS, Bias, bias
from trading.core.market import Timeframe

momenta = st.dictionaries(
    st.sampled_from(Timeframe), st.one_of(st.none(), st.floats(-500, 500, allow_nan=False))
)
OPPOSITE = {
    Bias.BULLISH: Bias.BEARISH,
    Bias.BEARISH: Bias.BULLISH,
    Bias.NEUTRAL: Bias.NEUTRAL,
}


@pytest.mark.parametrize(
    ("signs", "favoured"),
    [
        ("++++++", Bias.BULLISH),
        ("------", Bias.BEARISH),
        ("------"[:5] + "+", Bias.BEARISH),  # 15 to 6
        ("-++-+-", Bias.NEUTRAL),  # 10 to 11
        ("+++--+", Bias.NEUTRAL),  # 12 to 9
        ("+-+-++", Bias.BULLISH),  # 15 to 6
        ("  +  -", Bias.BEARISH),  # 6 to 3
        (" +++  ", Bias.BULLISH),
        ("0     ", Bias.NEUTRAL),
        ("      ", Bias.NEUTRAL),
        (" -+   ", Bias.NEUTRAL),  # 3 to 2: exactly one and a half times is not more
        ("--+   ", Bias.NEUTRAL),
    ],
)
def test_side_is_favoured_that_weighs_more_than_half_as_much_again(
    signs: str, favoured: Bias
) -> None:
    sides: dict[str, float | None] = {"+": 3.0, "-": -40.0, "0": 0.0, " ": None}
    momentum = {t: sides[sign] for t, sign in zip(Timeframe, signs, strict=True)}
    assert bias(momentum) is favoured


def test_weights_run_from_one_to_six() -> None:
    assert list(WEIGHTS.items()) == list(zip(Timeframe, range(1, 7), strict=True))


@given(momenta)
def test_mirror_image_has_the_opposite_bias(momentum: dict[Timeframe, float | None]) -> None:
    mirrored = {t: None if v is None else -v for t, v in momentum.items()}
    assert bias(mirrored) is OPPOSITE[bias(momentum)]


@given(momenta, st.sampled_from(Timeframe))
def test_one_more_that_rises_never_makes_it_bearish(
    momentum: dict[Timeframe, float | None], timeframe: Timeframe
) -> None:
    risen = bias({**momentum, timeframe: 1.0})
    if bias(momentum) is not Bias.BEARISH:
        assert risen is not Bias.BEARISH
    if bias(momentum) is Bias.BULLISH:
        assert risen is Bias.BULLISH


@given(momenta)
def test_size_of_a_value_does_not_matter(momentum: dict[Timeframe, float | None]) -> None:
    halved = {t: None if v is None else (v > 0) - (v < 0) for t, v in momentum.items()}
    assert bias(halved) is bias(momentum)
