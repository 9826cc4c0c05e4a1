"""Entity tags: what is a list of them, what is none, and which revision each stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_app.conditions import Tag, Tags, parse_tags, tag_of


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ('"7"', (Tag("7"),)),
        (' "7" ', (Tag("7"),)),
        ('W/"7"', (Tag("7", is_weak=True),)),
        ('"7", W/"8" ,"x"', (Tag("7"), Tag("8", is_weak=True), Tag("x"))),
        (',, "7",', (Tag("7"),)),  # RFC 9110, section 5.6.1.2: empty members are no error
        ('"a,b"', (Tag("a,b"),)),  # a comma may stand within quotes
        ('""', (Tag(""),)),
        ('"\xe9"', (Tag("\xe9"),)),  # obs-text
    ],
)
def test_lists_of_tags_are_read(header: str, tags: tuple[Tag, ...]) -> None:
    assert parse_tags(header) == Tags(tags)


def test_a_star_is_whatever_there_is() -> None:
    assert parse_tags(" * ") == Tags(is_any=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        "7",
        '"7',
        '7"',
        "'7'",
        'w/"7"',
        'W/ "7"',
        'W"7"',
        '"7" "8"',
        '"7", *',
        "*, *",
        '"7 8"',
        '"7"\n',
        '"\x7f"',
        '"7";',
    ],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_tags(header)


@given(st.text(max_size=30))
def test_no_text_is_read_as_a_tag_that_it_is_not(text: str) -> None:
    try:
        tags = parse_tags(text)
    except ValueError:
        return
    assert tags.is_any == (text.strip(" \t") == "*")
    for tag in tags.tags:
        assert f'{"W/" if tag.is_weak else ""}"{tag.text}"' in text


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        ("7", 7),
        ("0", None),
        ("07", None),
        ("-1", None),
        ("1e3", None),
        ("٧", None),
        ("9" * 19, None),
    ],
)
def test_only_our_own_tags_stand_for_a_revision(text: str, revision: int | None) -> None:
    assert Tag(text).revision == revision


def test_weak_tags_match_weakly_and_never_strongly() -> None:
    tags = parse_tags('W/"7", "8"')
    assert tags.strong_revisions == (8,)
    assert tags.matches_weakly(7)
    assert tags.matches_weakly(8)
    assert not tags.matches_weakly(9)
    assert parse_tags("*").matches_weakly(9)


@given(st.integers(1, 10**18 - 1))
def test_the_tag_of_a_revision_stands_for_it(revision: int) -> None:
    assert parse_tags(tag_of(revision)).strong_revisions == (revision,)
