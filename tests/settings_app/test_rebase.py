"""Carrying a change over to a newer document: nobody's change is lost, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settings_app import rebase
from settings_app.differences import ABSENT, changed_paths
from settings_app.documents import at, canonical
from settings_app.errors import Change
from settings_app.history import Logged

WHEN = datetime(2026, 11, 21, tzinfo=UTC)


def digest(revision: int, path: str, value: Any) -> str:
    """Something that tells values apart; the real one is keyed."""
    return f"{revision} {path} {'' if value is ABSENT else canonical(value)}"


def log_of(*documents: Any, first: int = 1) -> list[Logged]:
    """What the log holds after a document has been each of these, from revision ``first`` on."""
    saves = []
    for revision, (before, after) in enumerate(pairwise(documents), first + 1):
        paths = changed_paths(before, after)
        saves.append(
            Logged(
                change=Change(revision=revision, paths=paths, by="bob", at=WHEN),
                digests=tuple(digest(revision, path, at(before, path)) for path in paths),
            )
        )
    return saves


def merge(base: Any, *theirs: Any, ours: Any) -> rebase.Merged:
    """What becomes of our document, made on ``base``, once they have saved theirs."""
    return rebase.merge(ours, theirs[-1], log_of(base, *theirs), digest)


BASE = {"a": {"x": 1, "y": 1}, "ab": 1, "rows": [1, 2]}


@pytest.mark.parametrize(
    ("theirs", "ours", "merged"),
    [
        ({**BASE, "ab": 2}, BASE, {**BASE, "ab": 2}),
        (
            {**BASE, "ab": 2},
            {**BASE, "a": {"x": 5, "y": 1}},
            {**BASE, "a": {"x": 5, "y": 1}, "ab": 2},
        ),
        (
            {**BASE, "a": {"x": 2, "y": 1}},
            {**BASE, "ab": 5},
            {**BASE, "a": {"x": 2, "y": 1}, "ab": 5},
        ),
        (
            {**BASE, "a": {"x": 2, "y": 1}},
            {**BASE, "a": {"x": 1, "y": 5}},
            {**BASE, "a": {"x": 2, "y": 5}},
        ),
        ({**BASE, "ab": 2}, {**BASE, "ab": 2}, {**BASE, "ab": 2}),
        ({**BASE, "rows": [1]}, {**BASE, "ab": 5}, {**BASE, "rows": [1], "ab": 5}),
        ({**BASE, "new": 1}, {**BASE, "ab": 5}, {**BASE, "new": 1, "ab": 5}),
        ({"a": BASE["a"], "ab": 1}, {**BASE, "ab": 5}, {"a": BASE["a"], "ab": 5}),
        ({"ab": 1, "rows": [1, 2]}, {"ab": 1, "rows": [1, 2]}, {"ab": 1, "rows": [1, 2]}),
    ],
)
def test_what_the_caller_has_not_touched_stays_as_the_others_left_it(
    theirs: Any, ours: Any, merged: Any
) -> None:
    assert merge(BASE, theirs, ours=ours) == rebase.Merged(merged, ())


@pytest.mark.parametrize(
    ("theirs", "ours", "conflict"),
    [
        ({**BASE, "ab": 2}, {**BASE, "ab": 3}, "/ab"),
        ({**BASE, "rows": [1]}, {**BASE, "rows": [1, 2, 3]}, "/rows"),
        ({**BASE, "a": {"x": 2, "y": 1}}, {"ab": 1, "rows": [1, 2]}, "/a/x"),
        ({"ab": 1, "rows": [1, 2]}, {**BASE, "a": {"x": 2, "y": 1}}, "/a"),
        ({**BASE, "new": 1}, {**BASE, "new": 2}, "/new"),
        ({**BASE, "a": {"x": 1, "y": 1, "z": 1}}, {"ab": 1, "rows": [1, 2]}, "/a/z"),
        ({**BASE, "a": {"x": 1, "y": 1, "z": 1}}, {**BASE, "a": 5}, "/a/z"),
    ],
)
def test_what_both_have_touched_is_a_conflict(theirs: Any, ours: Any, conflict: str) -> None:
    assert merge(BASE, theirs, ours=ours).conflicts == (conflict,)


def test_of_several_saves_of_one_place_the_first_tells_the_base() -> None:
    steps = [{**BASE, "ab": 2}, {**BASE, "ab": 3}]
    assert merge(BASE, *steps, ours=BASE) == rebase.Merged(steps[-1], ())
    assert merge(BASE, *steps, ours={**BASE, "ab": 2}).conflicts == ("/ab",)


def test_a_save_inside_what_an_earlier_one_replaced_is_covered_by_it() -> None:
    steps = [{**BASE, "a": {"z": {"u": 1}}}, {**BASE, "a": {"z": {"u": 2}}}]
    assert merge(BASE, *steps, ours=BASE) == rebase.Merged(steps[-1], ())


def test_a_save_around_what_an_earlier_one_changed_proves_nothing_of_the_base() -> None:
    steps = [{**BASE, "a": {"x": 2, "y": 1}}, {"ab": 1, "rows": [1, 2]}]
    assert merge(BASE, *steps, ours=BASE).conflicts == ("/a",)
    assert merge(BASE, *steps, ours=steps[0]).conflicts == ("/a",)  # the state in between
    assert merge(BASE, *steps, ours={**steps[-1], "ab": 5}).document == {**steps[-1], "ab": 5}


def test_without_digests_only_equal_values_are_no_conflict() -> None:
    theirs = {**BASE, "ab": 2}
    (save,) = log_of(BASE, theirs)
    old = [Logged(change=save.change, digests=())]
    assert rebase.merge(BASE, theirs, old, digest).conflicts == ("/ab",)
    assert rebase.merge(theirs, theirs, old, digest).conflicts == ()


def test_under_another_key_every_digest_is_a_conflict() -> None:
    def other(revision: int, path: str, value: Any) -> str:
        return "other " + digest(revision, path, value)

    theirs = {**BASE, "ab": 2}
    merged = rebase.merge({**BASE, "a": 5}, theirs, log_of(BASE, theirs), other)
    assert merged.conflicts == ("/ab",)


objects: Any = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
        lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=500)
@given(base=objects, theirs=st.lists(objects, min_size=1, max_size=3), ours=objects)
def test_without_a_conflict_everybodys_changes_are_in(
    base: Any, theirs: list[Any], ours: Any
) -> None:
    merged = merge(base, *theirs, ours=ours)
    if merged.conflicts:
        return
    for newer in (ours, theirs[-1]):
        for path in changed_paths(base, newer):
            assert canonical_at(merged.document, path) == canonical_at(newer, path)


@settings(deadline=None, max_examples=300)
@given(base=objects, theirs=st.lists(objects, min_size=1, max_size=3))
def test_who_has_touched_nothing_changes_nothing(base: Any, theirs: list[Any]) -> None:
    merged = merge(base, *theirs, ours=base)
    assert merged.conflicts or canonical(merged.document) == canonical(theirs[-1])


def canonical_at(document: Any, path: str) -> str | None:
    """What stands at a place, as a text."""
    value = at(document, path)
    return None if value is ABSENT else canonical(value)


# ------------------------------------------------------------------ patches and the log
@pytest.mark.parametrize(
    ("own", "saved", "conflicts"),
    [
        (["/a"], ["/ab"], ()),
        (["/a/x"], ["/a/y"], ()),
        (["/a/x", "/b"], ["/a"], ("/a/x",)),
        (["/a"], ["/a/x"], ("/a",)),
        (["/a"], ["/a"], ("/a",)),
    ],
)
def test_a_patch_is_refused_where_it_touches_what_was_saved(
    own: list[str], saved: list[str], conflicts: Sequence[str]
) -> None:
    change = Change(revision=2, paths=tuple(saved), by="bob", at=WHEN)
    assert rebase.conflicts(own, [Logged(change=change, digests=())]) == tuple(conflicts)


@pytest.mark.parametrize(
    ("revisions", "base", "current", "expected"),
    [
        ([2, 3], 1, 3, True),
        ([3], 2, 3, True),
        ([3], 1, 3, False),
        ([2], 1, 3, False),
        ([], 1, 2, False),
        ([], 9, 1, False),
    ],
)
def test_a_gap_in_the_log_is_seen(
    revisions: list[int], base: int, current: int, expected: bool
) -> None:
    saves = [
        Logged(change=Change(revision=one, paths=(), by="bob", at=WHEN), digests=())
        for one in revisions
    ]
    assert rebase.reaches_back(saves, base=base, current=current) is expected
