"""What a refusal may hold, whichever way a document comes in: no secret, no more than people read.

Rule 1: bodies of a megabyte are refused within the time and the memory of any other test. What
    repeats a key with every error would take gigabytes, what is quadratic minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from settings_app import services
from settings_app.documents import (
    MOST_ERRORS,
    decode,
    is_word,
    pointer,
    pointer_keys,
    unstorable,
)
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.interchange import take
from settings_app.schema import default_document, validate
from settings_app.schema.markets import MOST_SYMBOLS
from settings_app.schema.tree import leaves
from settings_app.schema.validation import unacceptable
from settings_app.upgrades import convert
from tests.livermore.test_no_secret_leaks import PLANTED
from tests.settings_app.test_secrecy import SECRETS

SUB = "sub-1"
DEFAULT = default_document(SUB)
GITHUB = "ghp_0123456789abcdefABCDEF0123456789abcd"
MEGABYTE = 1_000_000
MOST_TOLD = 20_000  # letters of all errors together

TOO_DEEP: Any = "bottom"
for _ in range(40):
    TOO_DEEP = [TOO_DEEP]
UNSTORABLE = ["a\x00b", "\ud800", float("nan"), 10**5_000, TOO_DEEP, {"\x00": 1}, [{"a": "\x00"}]]


def by_path(document: Any) -> Any:
    """Set the document's first member by its path, as one value."""
    key, value = next(iter(document.items()))
    current = SimpleNamespace(document=DEFAULT)
    return validate(services._value(pointer(key), value).make(cast("Any", current)).document)


def by_patch(document: Any) -> Any:
    """Send the document as a merge patch."""
    current = SimpleNamespace(document=DEFAULT)
    return validate(services._merge(document).make(cast("Any", current)).document)


def taken(document: Any) -> Any:
    """Import the document."""
    file = take(document, sub=SUB, adopt=True, ignore_unknown=False)
    return validate(file.document)


WAYS: list[Callable[[Any], Any]] = [
    lambda document: decode(json.dumps(document)),
    unstorable,
    unacceptable,
    validate,
    convert,
    taken,
    by_patch,
    by_path,
]


def refusal(way: Callable[[Any], Any], document: Any) -> tuple[FieldError, ...]:
    """The errors of a document that comes in some way; none where it gives only a list of them."""
    try:
        errors = way(document)
    except SettingsInvalid as exc:
        return exc.errors
    return tuple(errors) if isinstance(errors, list) else ()


# ---------------------------------------------------------------------- secrets
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", [GITHUB, *PLANTED.values()])
def test_no_way_repeats_a_secret_key_above_what_cannot_be_stored(
    way: Callable[[Any], Any], secret: str
) -> None:
    for value in UNSTORABLE:
        if value == 10**5_000 and way is WAYS[0]:
            continue  # nobody can write it
        for document in ({secret: value}, {"exchanges": {secret: {"a": value}}}):
            errors = refusal(way, document)
            assert errors
            for error in errors:
                assert error.pointer in {"", "/exchanges"}
                assert all(run not in error.message for run in (secret, secret[-12:], secret[:12]))


def test_a_secret_that_is_a_key_twice_is_not_repeated() -> None:
    for text in (f'{{"{GITHUB}": 1, "{GITHUB}": 2}}', f'{{"{GITHUB}": {{"a": 1, "a": 2}}}}'):
        with pytest.raises(SettingsInvalid) as caught:
            decode(text)
        message = "has a key that is not repeated here: what stands there must not be in its object"
        assert caught.value.errors == (FieldError("", f"{message} twice"),)


def test_no_secret_is_a_word() -> None:
    secrets = [GITHUB, *PLANTED.values(), *(text for texts in SECRETS.values() for text in texts)]
    assert [text for text in secrets if is_word(text)] == []
    assert not is_word("a" * 41)
    assert not is_word("")


def test_every_key_of_the_schema_is_a_word() -> None:
    keys = {key for path, _ in leaves() for key in pointer_keys(path) if not key.startswith("{")}
    assert "min_volume_24h_quote" in keys
    assert [key for key in keys if not is_word(key)] == []


# ---------------------------------------------------------------------- sizes
LONG = "k" * 400_000
HUGE: dict[str, Any] = {
    "unstorable values under a long key": {LONG: ["\x00"] * 60_000},
    "unstorable values under many long keys": {
        "k" * 5_000 + str(n): ["\x00"] * 10 for n in range(190)
    },
    "secrets under a long key": {LONG: ["ftp://a:b@cde"] * 37_000},
    "wrong values under a long key": {"exchanges": {LONG: {f"{n:x}": 1 for n in range(55_000)}}},
    "long keys": {"k" * 90 + str(n): 1 for n in range(9_900)},
    "wrong rows": {"watchlist": [{}] * 250_000},
    "wrong texts": {"watchlist": [{"categories": [1] * 300}] * 1_000},
    "unknown keys": {f"{n:05}": 1 for n in range(83_000)},
    "fewer unknown keys": {f"unknown {n:012}": 1 for n in range(38_000)},
}


@pytest.mark.parametrize("way", WAYS[3:])
@pytest.mark.parametrize("what", HUGE)
def test_a_megabyte_of_errors_is_told_in_a_few_words(way: Callable[[Any], Any], what: str) -> None:
    document = {**HUGE[what], "version": 2, "sub": SUB}
    assert 0.9 * MEGABYTE < len(json.dumps(document)) < 1.1 * MEGABYTE
    errors = refusal(way, document)
    assert bool(errors) or way is convert  # which leaves what is no setting for validation
    assert len(errors) <= MOST_ERRORS + 1
    assert len(str(SettingsInvalid(errors))) < MOST_TOLD


@pytest.mark.parametrize("what", ["unstorable values under a long key", "wrong rows"])
def test_a_megabyte_is_read_or_refused_in_a_few_words(what: str) -> None:
    errors = refusal(WAYS[0], HUGE[what])
    assert len(errors) == (2 if "unstorable" in what else 0)
    assert len(str(SettingsInvalid(errors))) < MOST_TOLD


def test_that_there_are_more_errors_is_told() -> None:
    errors = unstorable(["\x00"] * 101)
    assert errors[0].pointer == "/0"
    assert errors[MOST_ERRORS:] == [FieldError("", "has more errors than are told here")]
    assert len(unstorable(["\x00"] * 100)) == 100


def test_one_repeated_key_among_a_hundred_thousand_is_found() -> None:
    members = ",".join(f'"{n:06}":1' for n in range(100_000))
    with pytest.raises(SettingsInvalid) as caught:
        decode(f'{{{members},"twice":1,"twice":2}}')
    assert caught.value.errors == (FieldError("/twice", "must not be in its object twice"),)


def test_a_hundred_thousand_repeated_keys_are_told_in_a_few_words() -> None:
    members = ",".join(f'"{n:05}":1' for n in range(50_000))
    with pytest.raises(SettingsInvalid) as caught:
        decode(f"{{{members},{members}}}")
    assert len(caught.value.errors) == 2  # all of them read the same
    assert len(str(caught.value)) < MOST_TOLD


def test_forty_thousand_unknown_keys_of_a_file_are_dropped_and_a_hundred_noted() -> None:
    file = {"version": 2, **{f"unknown {n}": 1 for n in range(40_000)}}
    dropped = take(file, sub=SUB, adopt=False, ignore_unknown=True)
    assert dropped.document == {"version": 2, "sub": SUB}
    assert len(dropped.notes) == MOST_ERRORS + 1
    assert str(dropped.notes[-1]) == ": 39900 more keys were dropped"


def test_many_errors_of_an_older_file_are_cut_too() -> None:
    errors = refusal(convert, {"exchanges": {f"exchange {n}": 1 for n in range(30_000)}})
    assert 2 <= len(errors) <= MOST_ERRORS + 1


def test_the_largest_document_is_not_too_large() -> None:
    market = {"exchange": "coinbase"}
    document = {
        **DEFAULT,
        "watchlist": [
            {
                **market,
                "symbol": f"A{n}-USD",
                "enabled": True,
                "categories": [f"tag {c}" for c in range(10)],
            }
            for n in range(MOST_SYMBOLS)
        ],
        "position_symbols": [{**market, "symbol": f"B{n}-USD"} for n in range(MOST_SYMBOLS)],
        "scanner": {"exclude": [f"C{n}-USD" for n in range(MOST_SYMBOLS)]},
    }
    assert len(validate(document).watchlist) == MOST_SYMBOLS
