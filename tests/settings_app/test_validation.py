"""From any JSON value to settings or to field errors: never another exception, never a secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.documents import merge_patch, pointer_keys
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.schema import default_document, validate
from tests.settings_app.strategies import anything, broken, current_documents

SUB = "sub-1"
DEFAULT = default_document(SUB)
JSON_POINTER = re.compile(r"(/([^~/]|~[01])*)*")  # RFC 6901, section 3
SECRET = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n"


def refusal(document: Any) -> tuple[FieldError, ...]:
    """The errors of a document that is refused."""
    with pytest.raises(SettingsInvalid) as caught:
        validate(document)
    return caught.value.errors


def assert_points_into(document: Any, error: FieldError) -> None:
    """A pointer leads to a value, or to a key that is missing in an object that is there."""
    assert JSON_POINTER.fullmatch(error.pointer)
    assert error.message
    str(error).encode()  # no half surrogate pair that no answer could carry
    value = document
    *parents, _last = pointer_keys(error.pointer) or [""]
    for key in parents:
        if isinstance(value, list):
            value = value[int(key)]
        elif key in value:
            value = value[key]
        else:  # a setting that stands for itself by its default
            return
    assert isinstance(value, dict | list) or error.pointer == ""


@settings(deadline=None, max_examples=100)
@given(document=current_documents(SUB))
def test_five_thousand_broken_documents_give_field_errors_and_nothing_else(document: Any) -> None:
    for seed in range(50):
        spoilt = broken(document, seed)
        errors = refusal(spoilt)
        assert errors
        for error in errors:
            assert_points_into(spoilt, error)


@settings(deadline=None, max_examples=300)
@given(document=current_documents(SUB))
def test_what_the_strategies_call_valid_is_valid(document: Any) -> None:
    assert validate(document).sub == SUB


@settings(deadline=None, max_examples=300)
@given(value=anything)
def test_any_json_value_is_refused_with_field_errors(value: Any) -> None:
    for error in refusal(value):
        assert_points_into(value, error)


def test_a_number_that_python_itself_cannot_write_is_refused_with_its_place() -> None:
    patch = {"watchlist": [{"symbol": "A-USD", "exchange": "coinbase", "enabled": 10**5_000}]}
    (error,) = refusal(merge_patch(DEFAULT, patch))
    assert error == FieldError("/watchlist/0/enabled", "must be a smaller number")


def test_forty_thousand_unknown_keys_are_counted_not_compared() -> None:
    errors = refusal({**DEFAULT, **{f"k{number}": 1 for number in range(40_000)}})
    assert len(errors) == 101
    assert errors[-1] == FieldError("", "has 39900 more errors")


def test_more_values_than_any_settings_have_are_refused_as_such() -> None:
    errors = refusal({**DEFAULT, "watchlist": [{}] * 100_000})
    assert errors == (FieldError("", "must hold at most 50,000 values"),)


def test_many_broken_rules_are_counted_too() -> None:
    rows = [{"symbol": "A-USD", "exchange": "coinbase"}] * 300
    errors = refusal({**DEFAULT, "watchlist": rows})
    assert len(errors) == 101
    assert errors[-1] == FieldError("", "has 199 more errors")


def test_a_list_without_a_right_item_is_not_called_too_short() -> None:
    errors = refusal(merge_patch(DEFAULT, {"modes": {"scalper-macdv": {"timeframes": ["2m"]}}}))
    assert [error.pointer for error in errors] == ["/modes/scalper-macdv/timeframes/0"]


# ------------------------------------------------------------------ secrets
@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"perseus_profile": {"description": SECRET}}, "/perseus_profile/description"),
        (
            {"exchanges": {"coinbase": {"SecretEnvironmentVariableName": SECRET}}},
            "/exchanges/coinbase/SecretEnvironmentVariableName",
        ),
        ({"exchanges": {SECRET: {"enabled": True}}}, "/exchanges"),
        ({SECRET: 1}, ""),
        ({"watchlist": [SECRET]}, "/watchlist/0"),
        # Beside mistakes of other kinds, whose pointers and messages could have shown it.
        ({"scanner": {SECRET: {"top_n": 5}}, "watchlst": 5}, "/scanner"),
        # What cannot be stored is told before secrets are looked for.
        ({"scanner": {SECRET: {"nul": "\x00"}}}, "/scanner"),
        ({SECRET: {"watchlist": [float("nan")]}}, ""),
    ],
)
def test_a_secret_is_refused_and_neither_message_nor_pointer_repeats_it(
    document: dict[str, Any], pointer: str
) -> None:
    errors = refusal(merge_patch(DEFAULT, document))
    assert [error.pointer for error in errors] == [pointer]
    assert not re.search("BEGIN|MHcC", str(errors))


def test_a_document_may_have_any_identity() -> None:
    identity = "0" * 8 + "-7c1e-4f0a-9a7e-0f4a5b8c9d10"
    assert validate({**DEFAULT, "sub": identity}).sub == identity
