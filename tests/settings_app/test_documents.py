"""JSON values as such."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.documents import (
    ABSENT,
    MOST_LEVELS,
    at,
    canonical,
    decode,
    merge_patch,
    pointer,
    pointer_keys,
    set_at,
    unstorable,
)
from settings_app.errors import FieldError, SettingsInvalid
from tests.settings_app.strategies import anything

PLANTED = "hunter2-planted"  # stands for a secret; no message or pointer may repeat it

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


def test_the_appendix_has_fifteen_examples() -> None:
    assert len({canonical(example) for example in APPENDIX}) == 15


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


# ------------------------------------------------------------------ reading
def refusal(text: str | bytes) -> FieldError:
    """The only thing that is wrong with a text."""
    with pytest.raises(SettingsInvalid) as caught:
        decode(text)
    (error,) = caught.value.errors
    return error


@settings(deadline=None)
@given(anything)
def test_what_was_written_is_read(value: Any) -> None:
    text = json.dumps(value)
    assert canonical(decode(text)) == canonical(value)
    assert canonical(decode(b"\xef\xbb\xbf" + text.encode())) == canonical(value)
    assert canonical(decode("\ufeff" + text)) == canonical(value)


@pytest.mark.parametrize(
    ("text", "pointer_to_it", "message"),
    [
        ('{"a": 1,\n "b" 2}', "", "must be JSON: Expecting ':' delimiter (line 2, column 6)"),
        ("", "", "must be JSON: Expecting value (line 1, column 1)"),
        ('{"a": 1} {}', "", "must be JSON: Extra data (line 1, column 10)"),
        (b'{"a": "\xff"}', "", "must be UTF-8"),
        ('{"a": [{"b": 1, "c": 2, "b": 3}]}', "/a/0/b", "must not be in its object twice"),
        ('{"a": {"b": NaN}}', "/a/b", "must be a finite number"),
        ('{"a": [0, -Infinity]}', "/a/1", "must be a finite number"),
        ('{"a": 1e999}', "/a", "must be a finite number"),
        ('{"a": "x\\u0000"}', "/a", "must not hold NUL or half a surrogate pair"),
        ('{"a": "\\ud83d"}', "/a", "must not hold NUL or half a surrogate pair"),
        ("9" * 5_000, "", "must not hold a number with thousands of digits"),
        ("[" * 100_000, "", f"must not be nested deeper than {MOST_LEVELS} levels"),
        ('{"a":' * 50 + "1" + "}" * 50, "/a" * 33, "must not be nested deeper than 32 levels"),
    ],
)
def test_what_json_does_not_say_clearly_is_refused_with_its_place(
    text: str | bytes, pointer_to_it: str, message: str
) -> None:
    assert refusal(text) == FieldError(pointer_to_it, message)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"a": "{PLANTED}}}',
        f'{{"a": {PLANTED}}}',
        f'{{"{PLANTED}": 1, "{PLANTED}": 2}}',
        f'{{"{PLANTED}": {{"b": 1, "b": 2}}}}',
    ],
)
def test_a_refusal_never_repeats_what_it_refuses(text: str) -> None:
    assert PLANTED not in str(refusal(text))


def test_an_emoji_is_no_half_surrogate_pair() -> None:
    assert decode('"\\ud83d\\ude80 \U0001f680"') == "\U0001f680 \U0001f680"


# ------------------------------------------------------------------ places
TREE = {"a": {"b": [1, {"c": None}]}, "x/y": 1, "": {"~": 2}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", TREE),
        ("/a/b/0", 1),
        ("/a/b/1/c", None),
        ("/x~1y", 1),
        ("//~0", 2),
        ("/a/z", ABSENT),
        ("/a/b/2", ABSENT),
        ("/a/b/-", ABSENT),
        ("/a/b/00", ABSENT),
        ("/a/b/0/c", ABSENT),
        ("/x~1y/z", ABSENT),
    ],
)
def test_a_pointer_finds_its_value_or_nothing(path: str, value: Any) -> None:
    assert at(TREE, path) == value


@pytest.mark.parametrize("path", ["a", "a/b", "/a~2b", "/a~", "/\x00", "/a" * 40])
def test_what_is_no_pointer_is_refused(path: str) -> None:
    with pytest.raises(SettingsInvalid):
        at(TREE, path)
    with pytest.raises(SettingsInvalid):
        set_at(TREE, path, 1)


@pytest.mark.parametrize(
    ("document", "path", "value", "result"),
    [
        ({"a": 1}, "", 5, 5),
        ({"a": 1}, "/a", 2, {"a": 2}),
        ({"a": 1}, "/b/c/d", 2, {"a": 1, "b": {"c": {"d": 2}}}),
        ({"a": [1, 2]}, "/a/0", 5, {"a": [5, 2]}),
        ({"a": [1, 2]}, "/a/-", 3, {"a": [1, 2, 3]}),
        ({"a": [{"b": 1}]}, "/a/0/b", 2, {"a": [{"b": 2}]}),
        ({"a": []}, "/a/-/b", 2, {"a": [{"b": 2}]}),
        ({}, "/a/-", 1, {"a": [1]}),
        ({"a": 1, "b": 2}, "/a", None, {"b": 2}),
        ({"a": [1, 2, 3]}, "/a/1", None, {"a": [1, 3]}),
        ({"a": [{"b": 1, "c": 2}]}, "/a/0/b", None, {"a": [{"c": 2}]}),
        ({"a": 1}, "/b", None, {"a": 1}),
        ({"a": 1}, "/b/c/d", None, {"a": 1}),  # no parents for nothing
        ({"a": {"b": 1}}, "/a/b", None, {"a": {}}),
    ],
)
def test_a_value_is_set_at_its_place_and_nowhere_else(
    document: Any, path: str, value: Any, result: Any
) -> None:
    before = canonical(document)
    assert set_at(document, path, value) == result
    assert canonical(document) == before


@pytest.mark.parametrize(
    ("document", "path", "value", "place"),
    [
        ({"a": [1]}, "/a/1", 2, "/a"),
        ({"a": [1]}, "/a/x", 2, "/a"),
        ({"a": [1]}, "/a/01", 2, "/a"),
        ({"a": [1]}, "/a/-", None, "/a"),
        ({"a": 5}, "/a/b", 2, "/a"),
        ({PLANTED: 5}, f"/{PLANTED}/b", 2, ""),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_where_it_ends(
    document: Any, path: str, value: Any, place: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        set_at(document, path, value)
    (error,) = caught.value.errors
    assert error.pointer == place
    assert PLANTED not in error.message


# ------------------------------------------------------------------ what can be stored
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
