"""Which tags a symbol may have, and that the refusal's words say the same."""

from __future__ import annotations

import string

import pytest

from settings_app.documents import merge_patch
from settings_app.errors import SettingsInvalid
from settings_app.schema import default_document, validate

DEFAULT = default_document("sub-1")
WORDS = {" ": "spaces", "-": "dashes", "_": "underscores"}


def refusal(tag: str) -> str:
    """What is said of a symbol with this tag; nothing if it may have it."""
    row = {"symbol": "BTC-USD", "exchange": "coinbase", "categories": [tag]}
    try:
        validate(merge_patch(DEFAULT, {"watchlist": [row]}))
    except SettingsInvalid as refused:
        return refused.errors[0].message
    return ""


@pytest.mark.parametrize("tag", ["a", "7", "high-cap", "layer 1", "mid_cap", "a_-_ 1", "a" * 32])
def test_tag_by_the_rule_is_accepted(tag: str) -> None:
    assert refusal(tag) == ""


@pytest.mark.parametrize("tag", ["", "High", "ä", "a" * 33, " a", "a ", "_a", "a_", "-a", "a-"])
def test_tag_against_the_rule_is_refused_with_the_rule(tag: str) -> None:
    assert refusal(tag) == (
        "must be 1 to 32 lower-case letters, digits, spaces, dashes or underscores, with a letter "
        "or a digit at both ends, such as high-cap"
    )


@pytest.mark.parametrize("character", [" ", *string.punctuation])
def test_refusal_names_what_may_stand_in_a_tag_and_nothing_else(character: str) -> None:
    assert (refusal(f"a{character}b") == "") == (character in WORDS)
    assert character not in WORDS or WORDS[character] in refusal("UPPER")
