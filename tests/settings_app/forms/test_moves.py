"""Moving a row by its button: nothing is lost, and nothing else moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_app.forms.moves import Move

numbers = st.integers(0, 12).map(lambda count: list(range(count)))


@given(numbers, st.sampled_from(["up", "down"]), st.integers(0, 14))
def test_the_other_rows_keep_their_order(rows: list[int], act: str, row: int) -> None:
    order = Move(act, "/watchlist", row).order(rows)
    assert sorted(order) == rows
    assert [one for one in order if one != row] == [one for one in rows if one != row]


@given(numbers, st.integers(0, 14))
def test_a_row_that_is_taken_out_is_the_only_one(rows: list[int], row: int) -> None:
    order = Move("remove", "/watchlist", row).order(rows)
    assert order == [one for one in rows if one != row]


@given(st.integers(2, 12), st.data())
def test_down_and_up_again_is_where_it_was(count: int, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, count - 2))
    there = Move("down", "/watchlist", row).order(range(count))
    assert there.index(row) == row + 1
    assert Move("up", "/watchlist", row).order(there) == list(range(count))


@pytest.mark.parametrize(
    "text", ["", "up", "up /watchlist", "aside /watchlist/1", "up watchlist/1", "up /watchlist/-1"]
)
def test_what_no_button_says_is_no_move(text: str) -> None:
    assert Move.read(text) is None
