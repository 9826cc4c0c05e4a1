"""What is different between two JSON values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settings_app.differences import ABSENT, Difference, changed_paths, diff, overlaps
from settings_app.documents import at, canonical, set_at
from tests.settings_app.strategies import anything


# ------------------------------------------------------------------ for the log
@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, ("/a",)),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "d": 1}}, ("/a/b", "/a/c", "/a/d")),
        ({"a": [1, 2]}, {"a": [1, 3]}, ("/a",)),
        ({"a": {"b": 1}}, {"a": 5}, ("/a",)),
        ({"a": True}, {"a": 1}, ("/a",)),
        ({"a": 1}, {"a": 1.0}, ("/a",)),
        ({"a": {"b": [1]}}, {"a": {"b": [True]}}, ("/a/b",)),
        ({"x/y": 1}, {}, ("/x~1y",)),
        ({"a": {}}, {"a": {}, "b": {}}, ("/b",)),
        (1, 2, ("",)),
    ],
)
def test_changed_paths_name_the_deepest_objects_members(
    before: Any, after: Any, paths: tuple[str, ...]
) -> None:
    assert changed_paths(before, after) == paths


@settings(deadline=None)
@given(anything, anything)
def test_nothing_changed_means_equal(before: Any, after: Any) -> None:
    assert (not changed_paths(before, after)) == (canonical(before) == canonical(after))


# ------------------------------------------------------------------ for people
A, B, C = ({"symbol": name, "on": True} for name in "ABC")


@pytest.mark.parametrize(
    ("before", "after", "differences"),
    [
        ([A, B, C], [A, C], [Difference("/1", B, ABSENT)]),
        ([A, C], [A, B, C], [Difference("/1", ABSENT, B)]),
        ([A, B], [A, {**B, "on": False}], [Difference("/1/on", True, False)]),
        (
            [A, B, C],
            [{**B, "on": False}, C],
            [
                Difference("/0/symbol", "A", "B"),
                Difference("/0/on", True, False),
                Difference("/1", B, ABSENT),
            ],
        ),
        ([], [A], [Difference("/0", ABSENT, A)]),
        ({"a": [A]}, {"a": [A], "b": None}, [Difference("/b", ABSENT, None)]),
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}, [Difference("/a/b", 1, 1.0)]),
        ([A], {"a": 1}, [Difference("", [A], {"a": 1})]),
    ],
)
def test_rows_are_matched_and_told_one_by_one(
    before: Any, after: Any, differences: list[Difference]
) -> None:
    assert sorted(diff(before, after), key=str) == sorted(differences, key=str)


@settings(deadline=None)
@given(anything, anything)
def test_every_difference_tells_what_stands_at_its_place(before: Any, after: Any) -> None:
    differences = diff(before, after)
    assert (not differences) == (canonical(before) == canonical(after))
    for one in differences:
        if one.new is not ABSENT:
            assert canonical(at(after, one.path)) == canonical(one.new)
        else:
            assert canonical(at(before, one.path)) == canonical(one.old)


objects: Any = st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    lambda below: st.dictionaries(st.sampled_from(["a", "b", "a/b", "~"]), below, max_size=3),
)


@settings(deadline=None)
@given(objects, objects)
def test_the_changed_places_carried_over_make_the_newer_value(before: Any, after: Any) -> None:
    carried = before
    for path in changed_paths(before, after):
        value = at(after, path)
        carried = set_at(carried, path, None if value is ABSENT else value)
    assert canonical(carried) == canonical(after)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b", True),
        ("/a/b", "/a", True),
        ("", "/a", True),
        ("/a", "/ab", False),
        ("/ab", "/a", False),
        ("/a/b", "/a/c", False),
        ("/a", "/a~1b", False),
    ],
)
def test_places_overlap_by_whole_keys(a: str, b: str, expected: bool) -> None:
    assert overlaps(a, b) is expected
