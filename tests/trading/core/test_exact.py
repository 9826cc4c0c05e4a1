"""Sums of decimals are exact."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.exact import ExactSum, exact_total

WIDE = Context(prec=200)

decimals = st.builds(
    lambda units, places: Decimal(units).scaleb(-places),
    st.integers(0, 10**15 - 1),
    st.integers(0, 20),
)


@given(st.lists(decimals, max_size=200))
def test_sum_of_floats_is_the_float_of_the_sum_of_their_decimals(values: list[Decimal]) -> None:
    total = ExactSum()
    for value in values:
        total.add(float(value))

    assert total.total == float(sum(values))


def test_ten_dimes_make_one() -> None:
    total = ExactSum()
    for _ in range(10):
        total.add(0.1)

    assert total.total == 1.0


def test_digits_grow_with_what_is_seen() -> None:
    total = ExactSum(decimals=2)
    total.add(0.25)
    total.add(1e-12)

    assert total.total == float(Decimal("0.250000000001"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ExactSum().add(value)


@given(st.lists(st.decimals(-(10**40), 10**40, places=24), max_size=50))
def test_total_of_balances_keeps_every_digit(values: list[Decimal]) -> None:
    assert int(exact_total(values).scaleb(24, WIDE)) == sum(int(v.scaleb(24, WIDE)) for v in values)


def test_total_of_no_balance_is_nothing() -> None:
    assert exact_total([]) == 0
