"""Older documents become current ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from settings_app.differences import overlaps
from settings_app.documents import canonical, merge_patch, pointer, pointer_keys
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.schema import default_document, validate
from settings_app.schema.markets import MOST_SYMBOLS
from settings_app.upgrades import Note, convert, upgrade
from tests.settings_app.strategies import SECRETS, current_documents, legacy_documents

DOCUMENTS = Path(__file__).parent / "documents"
SUB = "user_2a9f81c3"


def stored(name: str) -> Any:
    """A document as some version of the program has stored it."""
    return json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", [0, 1])
def test_a_document_of_every_version_becomes_the_expected_one(version: int) -> None:
    upgraded = upgrade(stored(f"version_{version}"), sub=SUB)
    assert upgraded.from_version == version
    assert upgraded.settings.to_document() == stored(f"version_{version}.upgraded")


def test_a_current_document_stays_as_it_is() -> None:
    upgraded = upgrade(stored("version_2"), sub=SUB)
    assert upgraded.settings.to_document() == stored("version_2")
    assert upgraded.notes == ()


def test_versions_0_and_1_differ_in_nothing_but_the_version() -> None:
    document = stored("version_0")
    assert (
        upgrade(document, sub=SUB).settings == upgrade({**document, "version": 1}, sub=SUB).settings
    )


def test_what_was_moved_or_dropped_is_told() -> None:
    notes = {note.pointer: note.message for note in upgrade(stored("version_1"), sub=SUB).notes}
    assert notes["/scanner_auto_restart_services"].startswith("dropped: every change is applied")
    assert notes["/portfolio_symbols_last_update"].startswith("dropped: a fact of the runtime")
    assert notes["/symbols"] == "moved to the watchlist, on kucoin"
    assert notes["/notifications/discord"] == "switched off: it names no webhook"
    assert notes["/watchlist/1/symbol"].startswith("dropped: it must be a symbol")
    assert notes["/perseus_profile/timezone"].startswith("dropped: it must be an IANA time zone")
    assert notes["/dashboard_theme"].startswith("dropped: it is not a setting")
    replaced = notes["/perseus_profile/primary_exchange"]
    assert replaced == "replaced by coinbase: kucoin is not enabled"


def test_upgrading_changes_nothing_of_what_it_was_given() -> None:
    document = stored("version_0")
    before = deepcopy(document)
    upgrade(document, sub=SUB)
    assert document == before


def test_an_older_document_takes_the_identity_of_its_row() -> None:
    upgraded = upgrade(stored("version_0"), sub="somebody-else")
    assert upgraded.settings.sub == "somebody-else"
    assert Note("/sub", "replaced: the document had another identity") in upgraded.notes


def test_only_the_wrong_row_of_a_list_is_dropped() -> None:
    document = {"symbols": ["A-USD", 5, "B-USD", "no symbol", None, "C-USD", "A-USD"]}
    settings = upgrade(document, sub=SUB).settings
    assert [row.symbol for row in settings.watchlist] == ["A-USD", "B-USD", "C-USD"]


def test_a_symbol_of_both_old_lists_is_one_row_and_keeps_its_category() -> None:
    document = {"symbols": ["A-USD", "B-USD"], "sparse_symbols": ["b-usd", "C-USD"]}
    expected = [("A-USD", ()), ("B-USD", ("sparse",)), ("C-USD", ("sparse",))]
    converted = validate({**convert(document).document, "sub": SUB})
    for made in (upgrade(document, sub=SUB).settings, converted):
        assert [(row.symbol, row.categories) for row in made.watchlist] == expected


def test_a_watchlist_that_is_there_already_gains_the_old_lists_behind_it() -> None:
    present = [
        {"symbol": "B-USD", "exchange": "coinbase", "enabled": False, "categories": ["mine"]},
        {"symbol": "A-USD", "exchange": "kucoin", "enabled": True, "categories": []},
    ]
    document = {
        "version": 1,
        "watchlist": present,
        "symbols": ["A-USD", "B-USD"],
        "sparse_symbols": ["B-USD"],
    }
    rows = upgrade(document, sub=SUB).settings.to_document()["watchlist"]
    assert rows == [
        {**present[0], "categories": ["mine", "sparse"]},
        present[1],
        {"symbol": "A-USD", "exchange": "coinbase", "enabled": True, "categories": []},
    ]


@pytest.mark.parametrize("watchlist", [[5], ["A-USD"], [{"exchange": "coinbase"}], "A-USD", {}])
def test_what_is_no_row_of_a_watchlist_that_is_there_already_is_told(watchlist: object) -> None:
    upgraded = upgrade({"version": 1, "watchlist": watchlist, "symbols": ["B-USD"]}, sub=SUB)
    assert [row.symbol for row in upgraded.settings.watchlist] == ["B-USD"]
    assert [note for note in upgraded.notes if note.message.startswith("dropped: it")]


@pytest.mark.parametrize(
    ("document", "expected", "notes"),
    [
        (
            {
                "notifications": {"discord": {"webhook_url_environment_variable": "DISCORD_A"}},
                "perseus_profile": {
                    "discord_integration": {"webhook_url_environment_variable": "DISCORD_B"}
                },
            },
            {"notifications": {"discord": {"webhook_url_environment_variable": "DISCORD_B"}}},
            {
                "/notifications/discord": "replaced by /perseus_profile/discord_integration",
                "/perseus_profile/discord_integration": "moved to /notifications/discord",
            },
        ),
        (
            {
                "notifications": {"discord": {"webhook_url_environment_variable": "DISCORD_A"}},
                "perseus_profile": {"discord_integration": {}},
            },
            {"notifications": {"discord": {"webhook_url_environment_variable": "DISCORD_A"}}},
            {
                "/perseus_profile/discord_integration": "dropped: it is empty, and "
                "/notifications/discord is there already"
            },
        ),
        (
            {"scanner": {"exchange": "kucoin"}, "scanner_exchange": "Binance"},
            {"scanner": {"exchange": "binance"}},
            {
                "/scanner/exchange": "replaced by /scanner_exchange",
                "/scanner_exchange": "moved to /scanner/exchange",
            },
        ),
        (
            {"scanner": {"exchange": "kucoin"}, "scanner_exchange": "KuCoin"},
            {"scanner": {"exchange": "kucoin"}},
            {"/scanner_exchange": "moved to /scanner/exchange"},
        ),
        (
            {"scanner": {"enabled": True}, "scanner_to_maintain_symbols_enabled": False},
            {"scanner": {"enabled": False}},
            {"/scanner/enabled": "replaced by /scanner_to_maintain_symbols_enabled"},
        ),
        (
            {
                "notifications": {"email": {"address": "anna@example.org"}},
                "perseus_profile": {"notification_preferences": "E-Mail"},
            },
            {"notifications": {"email": {"address": "anna@example.org"}}},
            {"/perseus_profile/notification_preferences": "moved to /notifications"},
        ),
        (
            {"perseus_profile": {"notification_preferences": "telegram and sms only"}},
            {},
            {
                "/perseus_profile/notification_preferences": "dropped: it names no channel that "
                "there is"
            },
        ),
        (
            {"perseus_profile": {"notification_preferences": "Discord"}},
            {"notifications": {"discord": {"enabled": False}}},
            {"/notifications/discord": "off: it has no address yet"},
        ),
        (
            {"schedule": [{"at": "10:00", "command": "switch-mode"}, {"command": "pause"}]},
            {"schedule": []},
            {
                "/schedule/0": "dropped: its payload is required: it names the mode to switch to, "
                'such as {"mode": "scalper-macdv"}',
                "/schedule/1": "dropped: its at is required",
            },
        ),
    ],
)
def test_nothing_that_was_there_goes_without_a_note(
    document: dict[str, Any], expected: dict[str, Any], notes: dict[str, str]
) -> None:
    upgraded = upgrade({"version": 1, **document}, sub=SUB)
    after = upgraded.settings.to_document()
    assert merge_patch(after, expected) == after
    told = {note.pointer: note.message for note in upgraded.notes}
    assert {at: told.get(at) for at in notes} == notes


@pytest.mark.parametrize("webhook", [[], {}, 5])
def test_a_webhook_of_any_kind_is_carried_over_or_told(webhook: object) -> None:
    profile = {"discord_integration": {"webhook_url_environment_variable": webhook}}
    told = {note.pointer for note in upgrade({"perseus_profile": profile}, sub=SUB).notes}
    assert "/notifications/discord/webhook_url_environment_variable" in told


def test_a_watchlist_beyond_the_bound_is_cut_and_told() -> None:
    document = {"symbols": [f"A{number}-USD" for number in range(MOST_SYMBOLS + 1)]}
    upgraded = upgrade(document, sub=SUB)
    assert len(upgraded.settings.watchlist) == MOST_SYMBOLS
    assert Note("/watchlist", f"cut to its first {MOST_SYMBOLS} symbols") in upgraded.notes


def test_an_exchange_nobody_knows_is_dropped_and_replaced_as_primary() -> None:
    document = {
        "perseus_profile": {"primary_exchange": "Kraken", "public_name": "Ann"},
        "exchanges": {"Kraken": {"enabled": True}, "KuCoin": {"enabled": True}},
    }
    upgraded = upgrade(document, sub=SUB)
    assert upgraded.settings.perseus_profile.primary_exchange == "kucoin"
    assert upgraded.settings.perseus_profile.public_name == "Ann"
    assert list(upgraded.settings.exchanges) == ["kucoin"]
    assert "/exchanges/Kraken" in {note.pointer for note in upgraded.notes}


def test_an_empty_old_document_becomes_the_default_one_without_an_exchange() -> None:
    expected = default_document(SUB)
    expected["exchanges"]["coinbase"]["enabled"] = False
    assert upgrade({}, sub=SUB).settings.to_document() == expected


def test_a_document_from_the_future_is_refused() -> None:
    with pytest.raises(SettingsTooNew, match="version 3, this program knows versions up to 2"):
        upgrade({"version": 3}, sub=SUB)


@pytest.mark.parametrize("version", ["2", True, 1.5, -1, None])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(SettingsInvalid, match="/version"):
        upgrade({"version": version}, sub=SUB)


@pytest.mark.parametrize("document", [[], None, "text", {"a\x00": 1}, {"a": "\ud800"}])
def test_a_file_that_no_row_could_hold_is_refused(document: object) -> None:
    with pytest.raises(SettingsInvalid):
        upgrade(document, sub=SUB)


def test_a_current_document_with_a_mistake_is_refused_not_repaired() -> None:
    with pytest.raises(SettingsInvalid, match="/watchlist"):
        upgrade({**default_document(SUB), "watchlist": 5}, sub=SUB)


# ------------------------------------------------------------------ rules between fields
KEYS = {"ApiKeyEnvironmentVariableName": "K_1", "SecretEnvironmentVariableName": "S_1"}


@pytest.mark.parametrize(
    ("document", "expected", "note"),
    [
        (
            {"exchanges": {"coinbase": {"enabled": False}, "binance": {"enabled": True}}},
            {"perseus_profile": {"primary_exchange": "binance"}},
            Note(
                "/perseus_profile/primary_exchange", "replaced by binance: coinbase is not enabled"
            ),
        ),
        (
            {"scanner_exchange": "kucoin", "scanner_to_maintain_symbols_enabled": True},
            {"scanner": {"enabled": False, "exchange": "kucoin"}},
            Note("/scanner/enabled", "switched off: its exchange is not enabled"),
        ),
        (
            {"exchanges": {"coinbase": {"ApiKeyEnvironmentVariableName": "K_1"}}},
            {"exchanges": {"coinbase": {"enabled": False, "defaults": {}}}},
            Note(
                "/exchanges/coinbase", "the names of its keys were dropped: one of them was missing"
            ),
        ),
        (
            {"exchanges": {"kucoin": KEYS}},
            {"exchanges": {"kucoin": {"enabled": False, "defaults": {}}}},
            Note(
                "/exchanges/kucoin", "the names of its keys were dropped: one of them was missing"
            ),
        ),
        (
            {"exchanges": {"coinbase": KEYS}, "load_positions_from_exchange": True},
            {"load_positions_from_exchange": False},
            Note(
                "/load_positions_from_exchange",
                "switched off: no enabled exchange has the names of its keys",
            ),
        ),
        (
            {"perseus_profile": {"discord_integration": {"enabled": True}}},
            {"notifications": {"discord": {"enabled": False}}},
            Note("/notifications/discord", "switched off: it names no webhook"),
        ),
        (
            {"notifications": {"email": {"enabled": True, "address": "anna"}}},
            {"notifications": {"email": {"enabled": False}}},
            Note("/notifications/email", "switched off: it has no address"),
        ),
        (
            {"notifications": {"push": {"enabled": True}}},
            {"notifications": {"push": {"enabled": False}}},
            Note("/notifications/push", "switched off: it names no service"),
        ),
    ],
)
def test_what_breaks_a_rule_is_switched_off_or_chosen_anew_and_told(
    document: dict[str, Any], expected: dict[str, Any], note: Note
) -> None:
    upgraded = upgrade(document, sub=SUB)
    after = upgraded.settings.to_document()
    assert merge_patch(after, expected) == after
    assert note in upgraded.notes


def test_the_watchlist_stays_where_it_was_when_the_primary_exchange_is_replaced() -> None:
    document = {
        "perseus_profile": {"primary_exchange": "kucoin"},
        "exchanges": {"coinbase": {"enabled": True}},
        "symbols": ["BTC-USDT"],
    }
    (row,) = upgrade(document, sub=SUB).settings.watchlist
    assert row.exchange == "kucoin"


# ------------------------------------------------------------------ secrets
PEM = SECRETS[0]


@pytest.mark.parametrize(
    "document",
    [
        {"perseus_profile": {"description": PEM}},
        {PEM: 1},
        {"exchanges": {PEM: {"enabled": True}}},
        {"symbols": ["BTC-USD", PEM]},
        {"exchanges": {"coinbase": {"SecretEnvironmentVariableName": PEM, PEM: {PEM: [PEM]}}}},
    ],
)
def test_a_secret_is_dropped_by_an_upgrade_and_in_no_note(document: dict[str, Any]) -> None:
    upgraded = upgrade(document, sub=SUB)
    assert "PRIVATE" not in canonical(upgraded.settings.to_document())
    told = [f"{note}" for note in upgraded.notes]
    assert told
    assert not [text for text in told if "PRIVATE" in text or "MHcC" in text]
    with pytest.raises(SettingsInvalid) as caught:
        convert(document)
    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize(
    ("exchanges", "on"),
    [({}, True), ({"exchanges": {}}, False), ({"exchanges": {"kucoin": {}}}, False)],
)
def test_the_primary_exchange_is_on_where_a_file_says_nothing_of_exchanges(
    exchanges: dict[str, Any], on: bool
) -> None:
    profile = {"primary_exchange": "coinbase"}
    file = {"symbols": ["BTC-USD"], "perseus_profile": profile, **exchanges}
    assert convert(file).document["exchanges"]["coinbase"]["enabled"] is on


# ------------------------------------------------------------------ files
@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_file_keeps_what_is_no_setting_for_validation_to_name(version: int) -> None:
    document = {**stored(f"version_{version}"), "dashboard_theme": "dark"}
    converted = convert(document)
    assert converted.from_version == version
    assert converted.document["dashboard_theme"] == "dark"
    assert converted.document["version"] == 2


def test_a_file_without_mistakes_becomes_what_the_same_row_becomes() -> None:
    converted = convert(stored("version_0"))
    upgraded = upgrade(stored("version_0"), sub=SUB)
    assert validate(converted.document) == upgraded.settings
    assert converted.notes == upgraded.notes


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"perseus_profile": []}, "/perseus_profile"),
        ({"perseus_profile": {"primary_exchange": "kraken"}}, "/perseus_profile/primary_exchange"),
        (
            {"perseus_profile": {"discord_integration": "on"}},
            "/perseus_profile/discord_integration",
        ),
        (
            {"perseus_profile": {"notification_preferences": 5}},
            "/perseus_profile/notification_preferences",
        ),
        ({"livermore_runtime": {"logging": "debug"}}, "/livermore_runtime/logging"),
        ({"exchanges": {"coinbase": True}}, "/exchanges/coinbase"),
        ({"exchanges": {"coinbase": {}, "Coinbase": {}}}, "/exchanges/Coinbase"),
        ({"symbols": "BTC-USD"}, "/symbols"),
        ({"position_symbols": {}}, "/position_symbols"),
        ({"sparse_symbols": [f"A{n}-USD" for n in range(MOST_SYMBOLS + 1)]}, "/watchlist"),
        # Without their version, these would be taken for old files that say nothing: all defaults.
        ({"watchlist": [{"symbol": "BTC-USD", "exchange": "coinbase"}]}, "/watchlist"),
        ({"version": 1, "exchanges": {}, "scanner": {"enabled": True}}, "/scanner"),
        ({}, ""),
        ({"version": 1, "sub": SUB}, ""),
    ],
)
def test_a_file_is_not_half_taken_what_fits_nowhere_is_an_error(
    document: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        convert(document)
    assert [error.pointer for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize(
    "document",
    [
        {"perseus_profile": {"timezone": "Mars/Olympus_Mons"}},
        {"symbols": ["BTC-USD", 5]},
        {"scanner_to_maintain_symbols_enabled": True, "scanner_exchange": "kucoin"},
        {"perseus_profile": {"discord_integration": {"enabled": True}}},
        {"exchanges": {"kraken": {}}},
    ],
)
def test_what_a_row_is_repaired_of_a_file_is_refused_for(document: dict[str, Any]) -> None:
    upgrade(document, sub=SUB)
    with pytest.raises(SettingsInvalid):
        validate({**convert(document).document, "sub": SUB})


def test_converting_changes_nothing_of_what_it_was_given() -> None:
    document = stored("version_0")
    before = deepcopy(document)
    convert(document)
    assert document == before


def test_a_file_from_the_future_is_refused() -> None:
    with pytest.raises(SettingsTooNew):
        convert({"version": 3})


@settings(deadline=None)
@given(legacy_documents())
def test_a_file_is_converted_or_refused_and_nothing_else(document: Any) -> None:
    with suppress(SettingsInvalid):
        assert convert(document).document["version"] == 2


# ------------------------------------------------------------------ any document
@settings(deadline=None, max_examples=400)
@given(legacy_documents())
def test_an_upgraded_document_is_always_valid(document: Any) -> None:
    upgraded = upgrade(document, sub=SUB)
    assert validate(upgraded.settings.to_document()) == upgraded.settings
    told = canonical([upgraded.settings.to_document(), *map(str, upgraded.notes)])
    assert not [secret for secret in SECRETS if canonical(secret)[1:-1] in told]


MOVED = {
    "/symbols": "/watchlist",
    "/sparse_symbols": "/watchlist",
    "/scanner_to_maintain_symbols_enabled": "/scanner/enabled",
    "/scanner_exchange": "/scanner/exchange",
    "/perseus_profile/discord_integration": "/notifications/discord",
}


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document that says something, with its place; of a list, the list's."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, at + pointer(key))
    elif isinstance(value, list):
        for row in value:
            yield from ((at, leaf) for _, leaf in leaves(row))
    elif value not in (None, ""):
        yield at, value


def plain(value: Any) -> object:
    """A value as upgrades may spell it otherwise."""
    if isinstance(value, str):
        return value.strip().upper().lower().replace("_", "-")
    return float(value)


def places(at: str) -> set[str]:
    """Where a note may tell of what stood at a place of an older document."""
    moved = {at.replace(old, new, 1) for old, new in MOVED.items() if overlaps(old, at)}
    keys = pointer_keys(at)
    known = [key.lower() if depth == 1 else key for depth, key in enumerate(keys)]
    exchange = {pointer(*known)} if keys[:1] == ["exchanges"] else set()
    return {at, *moved, *exchange}


@settings(deadline=None, max_examples=400)
@given(legacy_documents())
def test_everything_is_in_the_upgraded_document_or_in_a_note(document: Any) -> None:
    upgraded = upgrade(document, sub=SUB)
    carried = {plain(leaf) for _, leaf in leaves(upgraded.settings.to_document())}
    told = [
        note.pointer
        for note in upgraded.notes
        if not note.message.startswith(("moved to the", "moved to /s", "each is"))
    ]
    lost = [
        at
        for at, leaf in leaves(document)
        if plain(leaf) not in carried
        and not any(overlaps(place, note) for place in places(at) for note in told)
    ]
    assert not lost, upgraded.notes


@settings(deadline=None)
@given(legacy_documents())
def test_an_upgrade_of_an_upgrade_changes_nothing(document: Any) -> None:
    once = upgrade(document, sub=SUB).settings.to_document()
    assert canonical(upgrade(once, sub=SUB).settings.to_document()) == canonical(once)


@settings(deadline=None)
@given(current_documents(SUB))
def test_validating_twice_changes_nothing(document: Any) -> None:
    once = validate(document).to_document()
    assert canonical(validate(once).to_document()) == canonical(once)
