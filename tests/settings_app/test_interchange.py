"""Settings as files, without a database."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.documents import canonical, decode
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.interchange import Taken, envelope, opened, take
from settings_app.schema import default_document, validate
from tests.settings_app.strategies import current_documents
from tests.settings_app.test_upgrades import stored

SUB = "user_2a9f81c3"
WHEN = datetime(2026, 11, 21, 4, 5, 6, 789_999, tzinfo=UTC)


def taken(file: Any, *, adopt: bool = False, ignore_unknown: bool = False) -> Taken:
    """What becomes of a file for the user whose identity is ``SUB``."""
    return take(file, sub=SUB, adopt=adopt, ignore_unknown=ignore_unknown)


# ------------------------------------------------------------------ exports
def test_an_export_says_its_moment_in_utc() -> None:
    elsewhere = WHEN.astimezone(timezone(timedelta(hours=2)))
    export = envelope(validate(default_document(SUB)), at=elsewhere)
    assert export["exportedAt"] == "2026-11-21T04:05:06.789Z"


@settings(deadline=None)
@given(current_documents(SUB))
def test_an_export_is_taken_back_without_a_loss(document: Any) -> None:
    exported = validate(document)
    file = decode(json.dumps(envelope(exported, at=WHEN)))
    assert canonical(taken(file).document) == canonical(exported.to_document())
    assert taken(file).notes == ()


@settings(deadline=None)
@given(current_documents(SUB))
def test_exports_of_equal_settings_are_equal_texts(document: Any) -> None:
    turned = dict(reversed(document.items()))
    texts = [json.dumps(envelope(validate(one), at=WHEN)) for one in (document, turned)]
    assert texts[0] == texts[1]


# ------------------------------------------------------------------ envelopes
@pytest.mark.parametrize("bare", [{}, {"version": 2}, {"settings": {}}, [], None, "text"])
def test_what_is_no_export_is_taken_as_it_is(bare: Any) -> None:
    assert opened(bare) is bare


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ({"exportVersion": 2, "settings": {}}, "/exportVersion"),
        ({"exportVersion": True, "settings": {}}, "/exportVersion"),
        ({"exportVersion": "1", "settings": {}}, "/exportVersion"),
        ({"exportVersion": 1}, "/settings"),
        ({"exportVersion": 1, "settings": {}, "more": 1}, ""),
    ],
)
def test_a_damaged_envelope_is_refused(file: Any, place: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        taken(file)
    assert [error.pointer for error in caught.value.errors] == [place]


def test_an_export_of_an_older_document_is_taken_too() -> None:
    file = {"exportVersion": 1, "settings": {"symbols": ["BTC-USD"]}}
    assert taken(file).document["watchlist"][0]["symbol"] == "BTC-USD"


# ------------------------------------------------------------------ whose it is
def test_ones_own_file_needs_no_word_about_whose_it_is() -> None:
    assert taken(default_document(SUB)).notes == ()
    assert taken({"version": 2}).document["sub"] == SUB


@pytest.mark.parametrize("version", [0, 1, 2])
def test_somebody_elses_file_is_taken_only_on_request(version: int) -> None:
    file = {**stored(f"version_{version}"), "sub": "somebody-else"}
    with pytest.raises(SettingsInvalid, match="/sub: is somebody else's") as caught:
        taken(file)
    assert "somebody-else" not in str(caught.value)
    adopted = taken(file, adopt=True)
    assert adopted.document["sub"] == SUB
    assert [note.pointer for note in adopted.notes if note.pointer == "/sub"] == ["/sub"]


# ------------------------------------------------------------------ older and newer
@pytest.mark.parametrize("version", [0, 1])
def test_the_old_file_becomes_what_its_upgrade_becomes(version: int) -> None:
    file = stored(f"version_{version}")
    before = deepcopy(file)
    document = taken(file, adopt=True, ignore_unknown=True).document
    assert file == before
    assert document["version"] == 2
    assert "symbols" not in document


def test_a_file_of_a_newer_program_is_refused() -> None:
    with pytest.raises(SettingsTooNew):
        taken({"version": 3})


@pytest.mark.parametrize("file", [[], None, "text", 5, {"version": "2"}, {"a\x00": 1}])
def test_what_is_no_document_is_refused(file: Any) -> None:
    with pytest.raises(SettingsInvalid):
        taken(file)


# ------------------------------------------------------------------ unknown keys
def test_unknown_keys_stay_for_validation_to_name() -> None:
    with pytest.raises(SettingsInvalid, match="/scaner: is not a setting; the nearest is scanner"):
        validate(taken({"version": 2, "scaner": {}}).document)


def test_an_unknown_key_of_an_old_file_is_told_its_old_neighbour() -> None:
    with pytest.raises(SettingsInvalid, match="the nearest is sparse_symbols"):
        validate(taken({"sparse_symbol": ["BTC-USD"]}).document)


def test_unknown_keys_are_dropped_on_request_wherever_they_are_and_each_is_told() -> None:
    file = {
        "version": 2,
        "dashboard": {"theme": "dark"},
        "scanner": {"top_n": 20, "speed": 1},
        "watchlist": [{"symbol": "BTC-USD", "exchange": "coinbase", "color": "red", "size": 1}],
        "exchanges": {"coinbase": {"enabled": True}, "kraken": {"enabled": True}},
    }
    dropped = taken(file, ignore_unknown=True)
    assert {note.pointer for note in dropped.notes} == {
        "/dashboard",
        "/scanner/speed",
        "/watchlist/0/color",
        "/watchlist/0/size",
        "/exchanges/kraken",
    }
    assert validate(dropped.document).scanner.top_n == 20
    assert file["scanner"] == {"top_n": 20, "speed": 1}


def test_a_wrong_value_is_never_dropped() -> None:
    with pytest.raises(SettingsInvalid, match="/scanner/top_n"):
        validate(taken({"version": 2, "scanner": {"top_n": 5}}, ignore_unknown=True).document)
