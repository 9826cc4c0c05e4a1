"""If-Match and If-None-Match of the settings API: who may write over what."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from settings_app import services
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    STALE_REVISION,
)
from settings_app.schema import default_document
from tests.settings_app.calling import Caller, Response, problem, row
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

Write = Callable[..., Response]


def put(caller: Caller, sub: str, **headers: str) -> Response:
    return caller.put({**default_document(sub), "scanner": {"top_n": 30}}, **headers)


def patch(caller: Caller, sub: str, **headers: str) -> Response:
    return caller.patch({"scanner": {"top_n": 30}}, **headers)


def patch_value(caller: Caller, sub: str, **headers: str) -> Response:
    return caller.patch(30, "?path=/scanner/top_n", **headers)


def load(caller: Caller, sub: str, **headers: str) -> Response:
    document = {**default_document(sub), "scanner": {"top_n": 30}}
    return caller.post("/import", document, **headers)


def reset(caller: Caller, sub: str, **headers: str) -> Response:
    return caller.post("/reset?section=scanner", **headers)


WRITES = [put, patch, patch_value, load, reset]
every_write = pytest.mark.parametrize("write", WRITES)


@pytest.fixture
def user(redis_url: str) -> User:
    """Somebody whose scanner has other settings than the default."""
    return UserFactory.create(document={"scanner": {"top_n": 20}})


@pytest.fixture
def caller(user: User) -> Caller:
    """Their program."""
    return Caller(user)


@every_write
def test_the_current_tag_lets_a_write_through(user: User, caller: Caller, write: Write) -> None:
    for header in ('"1"', '"1", "x"', 'W/"1", "1"', "*", ' "1" '):
        User.objects.filter(pk=user.pk).update(settings_revision=1)
        assert write(caller, user.sub, if_match=header).status_code == 200


@every_write
def test_a_tag_that_was_overtaken_in_the_same_place_is_refused(
    user: User, caller: Caller, write: Write
) -> None:
    other = UserFactory.create(username="bob", is_superuser=True)
    services.patch(user.pk, {"scanner": {"top_n": 77}}, by=other)
    before = row(user)
    response = write(caller, user.sub, if_match='"1"')
    told = problem(response, STALE_REVISION)
    assert response["ETag"] == '"2"'
    assert (told["base"], told["revision"]) == (1, 2)
    assert told["conflicts"] == ["/scanner/top_n"]
    [change] = told["changes"]
    assert (change["by"], change["revision"], change["paths"]) == ("bob", 2, ["/scanner/top_n"])
    assert change["at"].startswith(before[3].isoformat()[:16])
    assert row(user) == before


@every_write
def test_a_tag_that_was_overtaken_elsewhere_is_carried_over(
    user: User, caller: Caller, write: Write
) -> None:
    services.patch(user.pk, {"position_min_value_usd": 7}, by=user)
    response = write(caller, user.sub, if_match='"1"')
    assert (response.status_code, response["ETag"]) == (200, '"3"')
    told = response.json()
    assert told["rebasedFrom"] == 1
    assert told["settings"]["position_min_value_usd"] == 7
    assert [change["path"] for change in told["changes"]] == ["/scanner/top_n"]


@every_write
def test_a_tag_that_never_was_ours_is_refused(user: User, caller: Caller, write: Write) -> None:
    before = row(user)
    for header in ('"x"', 'W/"1"', 'W/"1", W/"2"', '""', '"01"', '"0"'):
        problem(write(caller, user.sub, if_match=header), PRECONDITION_FAILED)
    for header in ('"2"', f'"{"9" * 18}"'):
        problem(write(caller, user.sub, if_match=header), STALE_REVISION)
    assert row(user) == before


@every_write
@pytest.mark.parametrize("header", ["1", '"1', "", "'1'", '"1" "2"', '"1", *', "w/1", '"1";x'])
def test_a_condition_that_cannot_be_read_is_not_ignored(
    user: User, caller: Caller, write: Write, header: str
) -> None:
    before = row(user)
    told = problem(write(caller, user.sub, if_match=header), MALFORMED_REQUEST)
    assert "If-Match" in told["detail"]
    told = problem(write(caller, user.sub, if_match="*", if_none_match=header), MALFORMED_REQUEST)
    assert "If-None-Match" in told["detail"]
    assert row(user) == before


@pytest.mark.parametrize("header", ["1", "", '"1" "2"'])
def test_a_read_has_its_conditions_read_as_strictly(caller: Caller, header: str) -> None:
    problem(caller.get(if_none_match=header), MALFORMED_REQUEST)
    problem(caller.get(if_match=header), MALFORMED_REQUEST)


def test_a_read_may_ask_for_one_revision(caller: Caller) -> None:
    for header in ('"1"', "*", '"x", "1"'):
        assert caller.get(if_match=header).status_code == 200
    for header in ('"2"', 'W/"1"'):
        problem(caller.get(if_match=header), PRECONDITION_FAILED)


def test_put_must_say_what_it_replaces_and_the_others_may(user: User, caller: Caller) -> None:
    before = row(user)
    told = problem(put(caller, user.sub), PRECONDITION_REQUIRED)
    assert "If-Match" in told["detail"]
    assert row(user) == before
    for write in (patch, patch_value, load, reset):
        assert write(caller, user.sub).status_code == 200


@every_write
def test_if_none_match_refuses_to_write_over_what_it_names(
    user: User, caller: Caller, write: Write
) -> None:
    before = row(user)
    for header in ("*", '"1"', 'W/"1"', '"7", "1"'):
        response = write(caller, user.sub, if_match="*", if_none_match=header)
        problem(response, PRECONDITION_FAILED)
    assert row(user) == before
    assert write(caller, user.sub, if_match="*", if_none_match='"7"').status_code == 200


@every_write
def test_a_condition_by_date_is_refused_not_ignored(
    user: User, caller: Caller, write: Write
) -> None:
    before = row(user)
    date = "Sat, 01 Jan 2000 00:00:00 GMT"
    response = write(caller, user.sub, if_match="*", if_unmodified_since=date)
    problem(response, MALFORMED_REQUEST)
    assert row(user) == before


def test_of_several_tags_the_oldest_counts_where_none_is_current(
    user: User, caller: Caller
) -> None:
    """What was saved since any of them might not have been seen."""
    services.patch(user.pk, {"scanner": {"top_n": 21}}, by=user)
    services.patch(user.pk, {"position_min_value_usd": 7}, by=user)
    assert problem(patch(caller, user.sub, if_match='"1", "2"'), STALE_REVISION)["base"] == 1
    assert patch(caller, user.sub, if_match='"1", "3"').status_code == 200


# ------------------------------------------------------------------ races
def at_once(user: User, writes: list[dict[str, Any]]) -> list[Response]:
    """Send merge patches at the same time, all made on the first revision."""

    def send(body: dict[str, Any]) -> Response:
        try:
            return Caller(user).patch(body, if_match='"1"')
        finally:
            connection.close()

    with ThreadPoolExecutor(len(writes)) as pool:
        return list(pool.map(send, writes))


@pytest.mark.django_db(transaction=True)
def test_of_writes_at_once_to_one_place_exactly_one_succeeds(user: User) -> None:
    responses = at_once(user, [{"scanner": {"top_n": top_n}} for top_n in range(30, 38)])
    assert sorted(response.status_code for response in responses) == [200, *[412] * 7]
    [winner] = [response.json() for response in responses if response.status_code == 200]
    stored = services.read(user.pk)
    assert stored.revision == 2
    assert winner["settings"] == stored.document.to_document()


@pytest.mark.django_db(transaction=True)
def test_writes_at_once_to_different_places_all_succeed(user: User) -> None:
    responses = at_once(
        user,
        [
            {"scanner": {"top_n": 30}},
            {"scanner": {"quote": "EUR"}},
            {"position_min_value_usd": 7},
            {"position_refresh_hours": 7},
            {"perseus_profile": {"public_name": "Ann"}},
            {"perseus_profile": {"timezone": "Europe/Berlin"}},
        ],
    )
    assert [response.status_code for response in responses] == [200] * 6
    document = services.read(user.pk).document.to_document()
    assert (document["scanner"]["top_n"], document["scanner"]["quote"]) == (30, "EUR")
    assert document["position_min_value_usd"] == document["position_refresh_hours"] == 7
    profile = document["perseus_profile"]
    assert (profile["public_name"], profile["timezone"]) == ("Ann", "Europe/Berlin")
