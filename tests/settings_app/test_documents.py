"""JSON values as such."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.documents import (
    MOST_LEVELS,
    canonical,
    changed_paths,
    merge_patch,
    pointer,
    pointer_keys,
    unstorable,
)
from settings_app.errors import FieldError
from tests.settings_app.strategies import anything

# RFC 7396, appendix A: original, patch, result.
APPENDIX: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX)
def test_merge_patch_does_what_the_rfc_lists(original: Any, patch: Any, result: Any) -> None:
    before = canonical(original)
    assert merge_patch(original, patch) == result
    assert canonical(original) == before


@settings(deadline=None)
@given(anything, anything)
def test_a_patch_applied_twice_changes_nothing_more(original: Any, patch: Any) -> None:
    once = merge_patch(original, patch)
    assert canonical(merge_patch(once, patch)) == canonical(once)


@pytest.mark.parametrize(
    ("keys", "text"),
    [((), ""), (("a", 0), "/a/0"), (("a/b", "~", ""), "/a~1b/~0/"), (("~1",), "/~01")],
)
def test_pointers_escape_what_the_rfc_says(keys: tuple[str | int, ...], text: str) -> None:
    assert pointer(*keys) == text
    assert pointer_keys(text) == [str(key) for key in keys]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, ("/a",)),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "d": 1}}, ("/a/b", "/a/c", "/a/d")),
        ({"a": [1, 2]}, {"a": [1, 3]}, ("/a",)),
        ({"a": {"b": 1}}, {"a": 5}, ("/a",)),
        ({"a": True}, {"a": 1}, ("/a",)),
        ({"x/y": 1}, {}, ("/x~1y",)),
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


@settings(deadline=None)
@given(anything)
def test_what_jsonb_can_hold_is_storable(value: Any) -> None:
    assert unstorable(value) == []


def test_what_jsonb_cannot_hold_is_named_with_its_place() -> None:
    value = {"a": ["x\x00"], "b": {"c": "\ud800"}, "d": {"k\x00": 1}, "e": float("inf")}
    assert [error.pointer for error in unstorable(value)] == ["/a/0", "/b/c", "/d", "/e"]


def test_a_document_deeper_than_any_setting_is_refused_before_it_is_walked() -> None:
    value: Any = "bottom"
    for _ in range(100_000):
        value = [value]
    message = f"must not be nested deeper than {MOST_LEVELS} levels"
    assert unstorable(value) == [FieldError("/0" * (MOST_LEVELS + 1), message)]
