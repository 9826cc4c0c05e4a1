"""Integers and the decimals an exchange writes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.simulator.steps import Step

STEPS = ["0.00000001", "0.01", "0.05", "0.5", "1", "5", "10"]


@given(st.sampled_from(STEPS), st.integers(0, 10**18))
def test_text_is_the_exact_product_without_trailing_zeros(step: str, count: int) -> None:
    text = Step(step).write(count)
    assert Decimal(text) == Decimal(step) * count
    assert text == "0" or not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("exponent", "text"), [(0, "1"), (2, "100"), (-1, "0.1"), (-8, "0.00000001")]
)
def test_a_power_of_ten_is_a_step(exponent: int, text: str) -> None:
    assert Step.of_exponent(exponent).text == text


def test_a_value_counts_to_the_nearest_step() -> None:
    assert Step("0.01").count(83_306.04) == 8_330_604
