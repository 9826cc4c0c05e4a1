"""Whose variables are whose: the allowlist, at save and at the last moment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django import Settings as Configuration

from settings_app import credentials, services
from settings_app.credentials import (
    MOST_REPORTED,
    OWN_NAMES,
    OWN_PREFIXES,
    USUAL_PREFIXES,
    Holder,
    NotAllowed,
    NotSet,
    may_use,
    named,
    not_allowed,
    resolve,
    usable,
)
from settings_app.documents import at, merge_patch
from settings_app.errors import SettingsInvalid
from settings_app.models import User
from settings_app.schema import Settings, default_document, validate
from settings_app.schema.tree import leaves
from tests.settings_app.factories import UserFactory

VALUE = "the-value-itself"
FIRST = Holder(username="anna", sub="sub-of-anna", is_first=True)
SECOND = Holder(username="bela", sub="sub-of-bela", is_first=False)
KEYS = ("ApiKeyEnvironmentVariableName", "SecretEnvironmentVariableName")


def keys(prefix: str, exchange: str = "coinbase") -> dict[str, Any]:
    """A merge patch that names the two keys of an exchange."""
    names = {KEYS[0]: f"{prefix}_KEY", KEYS[1]: f"{prefix}_SECRET"}
    return {"exchanges": {exchange: names}}


def document(patch: Mapping[str, Any], sub: str = "anna") -> Settings:
    return validate(merge_patch(default_document(sub), patch))


@pytest.fixture
def granted(settings: Configuration) -> Configuration:
    """The operator has said whose is what."""
    settings.CREDENTIAL_GRANTS = {"anna": ("COINBASE_*", "ANNA_*"), "bela": ("BELA_*",)}
    return settings


@pytest.fixture
def anna(db: None) -> User:
    return UserFactory.create(username="anna")


@pytest.fixture
def bela(anna: User) -> User:
    return UserFactory.create(username="bela")


# ---------------------------------------------------------------------- what a document names
def test_every_setting_that_takes_a_name_is_found() -> None:
    exchange = {
        "enabled": True,
        **dict.fromkeys((*KEYS, "PasswordEnvironmentVariableName"), "BINANCE_X"),
    }
    channels = {
        "discord": {"webhook_url_environment_variable": "DISCORD_WEBHOOK"},
        "push": {"url_environment_variable": "PUSH_URL"},
    }
    settings = document({"exchanges": {"binance": exchange}, "notifications": channels})
    found = named(settings)
    (pattern,) = {
        node["pattern"] for place, node in leaves() if place.endswith("EnvironmentVariableName")
    }
    places = {
        place.replace("{name}", "binance")
        for place, node in leaves()
        if node.get("pattern") == pattern
    }
    assert len(places) == 5
    assert set(found) == places
    assert all(at(settings.to_document(), path) == name for path, name in found.items())


def test_what_is_not_named_is_not_there() -> None:
    assert named(document({"notifications": {"discord": {}, "push": {}}})) == {}


# ---------------------------------------------------------------------- the allowlist
@pytest.mark.parametrize(
    "name", ["COINBASE_KEY", "Coinbase_ApiKeyId", "kucoin_passphrase", "Livermore_Discord_Webhook"]
)
def test_where_nothing_is_granted_the_first_user_has_the_usual_names(name: str) -> None:
    assert may_use(name, user=FIRST)
    assert not may_use(name, user=SECOND)


@pytest.mark.parametrize("name", ["MY_COINBASE_KEY", "AWS_SECRET_ACCESS_KEY", "COINBASE-KEY", ""])
def test_where_nothing_is_granted_nobody_has_other_names(name: str) -> None:
    assert not may_use(name, user=FIRST)


def test_what_is_granted_is_all_there_is(granted: Configuration) -> None:
    assert may_use("ANNA_KEY", user=FIRST)
    assert may_use("COINBASE_KEY", user=FIRST)
    assert not may_use("BINANCE_KEY", user=FIRST)
    assert not may_use("BELA_KEY", user=FIRST)
    assert may_use("BELA_KEY", user=SECOND)
    assert not may_use("anna_key", user=FIRST)  # names of variables have a case


def test_a_grant_to_an_identity_survives_a_renaming(settings: Configuration) -> None:
    settings.CREDENTIAL_GRANTS = {"sub:sub-of-anna": ("ANNA_*",)}
    renamed = Holder(username="sub-of-anna", sub="another", is_first=True)
    assert may_use("ANNA_KEY", user=FIRST)
    assert not may_use("ANNA_KEY", user=renamed)


@pytest.mark.parametrize(
    "name",
    [
        *OWN_NAMES,
        *(f"{prefix}X" for prefix in OWN_PREFIXES),
        "DATABASE_URL",
        "database_url",
        "LIVERMORE_CREDENTIALS",
        "PGPASSWORD",
        "LD_PRELOAD",
    ],
)
def test_no_grant_reaches_the_programs_own(settings: Configuration, name: str) -> None:
    assert not may_use(name, user=FIRST)
    settings.CREDENTIAL_GRANTS = {"anna": ("*", name)}
    assert not may_use(name, user=FIRST)
    assert may_use(f"OTHER_{name}", user=FIRST)


def test_the_usual_names_are_not_the_programs_own() -> None:
    assert not [prefix for prefix in USUAL_PREFIXES if credentials.is_own(prefix.title() + "_A")]


# ---------------------------------------------------------------------- at save
@pytest.mark.usefixtures("granted")
def test_neither_of_two_users_can_name_the_others_variables(anna: User, bela: User) -> None:
    services.patch(anna.pk, keys("ANNA"), by=anna)
    services.patch(bela.pk, keys("BELA"), by=bela)
    for user, prefix in ((anna, "BELA"), (bela, "ANNA"), (bela, "COINBASE")):
        with pytest.raises(SettingsInvalid) as caught:
            services.patch(user.pk, keys(prefix), by=user)
        assert [error.pointer for error in caught.value.errors] == [
            f"/exchanges/coinbase/{key}" for key in KEYS
        ]
        assert f"{prefix}_KEY" not in str(caught.value)
        assert f"{prefix}_SECRET" not in str(caught.value)


@pytest.mark.usefixtures("granted")
def test_a_superuser_can_give_nobody_anothers_variables(anna: User, bela: User) -> None:
    root = UserFactory.create(is_superuser=True)
    with pytest.raises(SettingsInvalid):
        services.patch(bela.pk, keys("ANNA"), by=root)
    with pytest.raises(SettingsInvalid):
        services.patch(root.pk, keys("ANNA"), by=root)
    assert services.patch(anna.pk, keys("ANNA"), by=root).changed_paths


def test_where_nothing_is_granted_only_the_first_user_may_name_anything(
    anna: User, bela: User
) -> None:
    assert services.patch(anna.pk, keys("COINBASE"), by=anna).changed_paths
    with pytest.raises(SettingsInvalid, match=r"none so far.*LIVERMORE_CREDENTIALS"):
        services.patch(bela.pk, keys("COINBASE"), by=bela)


def test_a_withdrawn_grant_holds_up_no_other_change(anna: User, granted: Configuration) -> None:
    services.patch(anna.pk, keys("ANNA"), by=anna)
    granted.CREDENTIAL_GRANTS = {"anna": ("COINBASE_*",)}
    assert services.patch(anna.pk, {"scanner": {"top_n": 20}}, by=anna).changed_paths
    assert services.replace(
        anna.pk, document(keys("ANNA"), anna.sub).to_document(), by=anna
    ).changed_paths
    with pytest.raises(SettingsInvalid):
        services.patch(anna.pk, keys("ANNA_NEW"), by=anna)
    with pytest.raises(NotAllowed):
        resolve("ANNA_KEY", user_id=anna.pk, environ={"ANNA_KEY": VALUE})


def test_a_document_that_names_nothing_new_asks_nothing(
    anna: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = document(keys("COINBASE"))
    with django_assert_num_queries(0):
        assert not_allowed(anna.pk, "anna", before, before) == []
        assert not_allowed(anna.pk, "anna", document({}), None) == []


def test_the_way_out_is_told(granted: Configuration) -> None:
    assert credentials.way_out(SECOND).startswith("BELA_*;")
    granted.CREDENTIAL_GRANTS = None
    assert "COINBASE, BINANCE, KUCOIN" in credentials.way_out(FIRST)


# ---------------------------------------------------------------------- at the last moment
def test_a_value_is_read_when_it_is_asked_for(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINBASE_KEY", VALUE)
    assert resolve("COINBASE_KEY", user_id=anna.pk) == VALUE
    monkeypatch.setenv("COINBASE_KEY", "another")
    assert resolve("COINBASE_KEY", user_id=anna.pk) == "another"


@pytest.mark.usefixtures("granted")
def test_neither_of_two_users_gets_the_others_values(anna: User, bela: User) -> None:
    environ = {"ANNA_KEY": VALUE, "BELA_KEY": VALUE, "SECRET_KEY": VALUE}
    assert resolve("ANNA_KEY", user_id=anna.pk, environ=environ) == VALUE
    assert resolve("BELA_KEY", user_id=bela.pk, environ=environ) == VALUE
    for user, name in ((anna, "BELA_KEY"), (bela, "ANNA_KEY"), (anna, "SECRET_KEY")):
        with pytest.raises(NotAllowed) as caught:
            resolve(name, user_id=user.pk, environ=environ)
        assert name not in str(caught.value)


@pytest.mark.usefixtures("granted")
def test_nobody_learns_which_variables_of_others_are_set(anna: User, bela: User) -> None:
    with pytest.raises(NotAllowed) as unset:
        resolve("ANNA_KEY", user_id=bela.pk, environ={})
    with pytest.raises(NotAllowed) as is_set:
        resolve("ANNA_KEY", user_id=bela.pk, environ={"ANNA_KEY": VALUE})
    assert str(unset.value) == str(is_set.value)


@pytest.mark.parametrize("environ", [{}, {"COINBASE_KEY": ""}])
def test_a_variable_that_is_missing_or_empty_is_not_set(
    anna: User, environ: dict[str, str]
) -> None:
    with pytest.raises(NotSet, match="COINBASE_KEY is not set"):
        resolve("COINBASE_KEY", user_id=anna.pk, environ=environ)


def test_a_renamed_user_has_the_grants_of_the_new_name_alone(
    anna: User, granted: Configuration
) -> None:
    User.objects.filter(pk=anna.pk).update(username="clara")
    with pytest.raises(NotAllowed):
        resolve("ANNA_KEY", user_id=anna.pk, environ={"ANNA_KEY": VALUE})
    granted.CREDENTIAL_GRANTS = {f"sub:{anna.sub}": ("ANNA_*",)}
    assert resolve("ANNA_KEY", user_id=anna.pk, environ={"ANNA_KEY": VALUE}) == VALUE


def test_a_deactivated_first_user_stays_the_first_and_a_deleted_one_does_not(
    anna: User, bela: User
) -> None:
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert not credentials.holder(bela.pk).is_first
    anna.delete()
    assert credentials.holder(bela.pk).is_first


def test_no_value_is_in_an_exception_or_a_log(anna: User, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"COINBASE_KEY": VALUE, "OTHER": VALUE}
    caplog.set_level(logging.DEBUG)
    resolve("COINBASE_KEY", user_id=anna.pk, environ=environ)
    for name in ("COINBASE_NONE", "OTHER"):
        with pytest.raises(credentials.CredentialError) as caught:
            resolve(name, user_id=anna.pk, environ=environ)
        assert VALUE not in repr(caught.value)
    assert VALUE not in caplog.text
    assert VALUE not in repr(credentials.holder(anna.pk))


# ---------------------------------------------------------------------- what is reported
def test_only_names_that_may_be_used_and_are_set_are_reported(granted: Configuration) -> None:
    environ = {"ANNA_B": "1", "ANNA_A": "1", "ANNA_EMPTY": "", "BELA_A": "1", "SECRET_KEY": "1"}
    assert usable(FIRST, environ=environ) == ("ANNA_A", "ANNA_B")
    assert usable(SECOND, environ=environ) == ("BELA_A",)
    granted.CREDENTIAL_GRANTS = {}
    assert usable(FIRST, environ=environ) == ()


def test_the_report_has_a_bound_and_keeps_what_the_document_names() -> None:
    environ = {f"COINBASE_{number:04}": "1" for number in range(2 * MOST_REPORTED)}
    last = f"COINBASE_{2 * MOST_REPORTED - 1:04}"
    report = usable(FIRST, first=[last, "COINBASE_UNSET"], environ=environ)
    assert len(report) == MOST_REPORTED
    assert report[-1] == last
    assert list(report) == sorted(report)
