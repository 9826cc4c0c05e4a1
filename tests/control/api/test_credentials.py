"""The credentials over HTTP: states of names, and nothing else of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings as Configuration

from control import wire
from control.api.credentials import MOST_ASKED, MOST_LETTERS
from control.protocol import status_of
from settings_app import services
from settings_app.credentials import MOST_REPORTED
from settings_app.models import User
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory

ADDRESS = "/api/settings/credentials"
KEYS = ("ApiKeyEnvironmentVariableName", "SecretEnvironmentVariableName")
BINANCE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"

pytestmark = pytest.mark.usefixtures("redis_url")


@pytest.fixture
def anna(db: None, settings: Configuration) -> User:
    settings.CREDENTIAL_GRANTS = {"anna": ("COINBASE_*", "ANNA_*"), "bela": ("BELA_*",)}
    user: User = UserFactory.create(
        username="anna",
        document={
            "exchanges": {"coinbase": {KEYS[0]: "COINBASE_KEY", KEYS[1]: "COINBASE_SECERT"}},
            "notifications": {"discord": {"webhook_url_environment_variable": "ANNA_HOOK"}},
        },
    )
    return user


@pytest.fixture
def signed_in(anna: User) -> Client:
    client = Client()
    client.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    return client


def reports(user: User, *names: str, **changes: Any) -> None:
    """Let a worker have told that these are set."""
    status = a_status(user.sub, credentials_set=sorted(names), **changes)
    with wire.connect() as redis:
        redis.set(status_of(user.sub), status.to_json())


def ask(signed_in: Client, *names: str) -> Any:
    response = signed_in.get(ADDRESS, {"name": names})
    assert response.status_code == 200, response.content
    return response.json()


def states(signed_in: Client, *names: str) -> list[str]:
    return [row["state"] for row in ask(signed_in, *names)["asked"]]


def test_every_name_in_the_settings_is_told_with_its_place_and_state(
    anna: User, signed_in: Client
) -> None:
    reports(anna, "COINBASE_KEY", "COINBASE_SECRET")
    assert ask(signed_in) == {
        "named": [
            {
                "pointer": f"/exchanges/coinbase/{KEYS[0]}",
                "title": "Coinbase: Key",
                "name": "COINBASE_KEY",
                "state": "set",
                "didYouMean": [],
            },
            {
                "pointer": f"/exchanges/coinbase/{KEYS[1]}",
                "title": "Coinbase: Secret",
                "name": "COINBASE_SECERT",
                "state": "not set",
                "didYouMean": ["COINBASE_SECRET"],
            },
            {
                "pointer": "/notifications/discord/webhook_url_environment_variable",
                "title": "Discord: Webhook",
                "name": "ANNA_HOOK",
                "state": "not set",
                "didYouMean": [],
            },
        ],
        "asked": [],
    }


def test_names_are_asked_about_and_answered_by_index(anna: User, signed_in: Client) -> None:
    reports(anna, "COINBASE_KEY")
    answer = ask(signed_in, "COINBASE_KEY", "COINBASE_X", "BELA_KEY", "coinbase_key", "")
    assert [(row["index"], row["state"]) for row in answer["asked"]] == [
        (0, "set"),
        (1, "not set"),
        (2, "not allowed"),
        (3, "not allowed"),
        (4, "not allowed"),
    ]
    assert answer["asked"][3]["didYouMean"] == ["COINBASE_KEY"]


def test_a_name_that_looks_like_a_secret_is_not_repeated(anna: User, signed_in: Client) -> None:
    reports(anna, "COINBASE_KEY")
    response = signed_in.get(ADDRESS, {"name": [BINANCE, "hunter2hunter"]})
    assert [row["state"] for row in response.json()["asked"]] == [
        "looks like a secret",
        "not allowed",
    ]
    assert BINANCE not in response.content.decode()
    assert "hunter2hunter" not in response.content.decode()


def test_without_a_living_worker_nothing_is_claimed(anna: User, signed_in: Client) -> None:
    assert states(signed_in, "COINBASE_KEY", "BELA_KEY") == ["unknown", "not allowed"]
    reports(anna, "COINBASE_KEY", at=1)  # two heartbeats ago and more
    assert states(signed_in, "COINBASE_KEY") == ["unknown"]
    reports(anna, "COINBASE_KEY")
    assert states(signed_in, "COINBASE_KEY") == ["set"]


def test_a_worker_that_does_not_report_credentials_claims_nothing(
    anna: User, signed_in: Client
) -> None:
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), a_status(anna.sub).to_json())
    assert states(signed_in, "COINBASE_KEY") == ["unknown"]


def test_where_the_report_was_cut_only_what_the_settings_name_is_known_to_be_missing(
    anna: User, signed_in: Client
) -> None:
    names = [f"COINBASE_{number:03}" for number in range(MOST_REPORTED)]
    revision = services.read(anna.pk).revision
    reports(anna, *names, settings_revision=revision)
    answer = ask(signed_in, "COINBASE_SECERT", names[0])
    assert [row["state"] for row in answer["named"]] == ["not set"] * 3
    assert [row["state"] for row in answer["asked"]] == ["unknown", "set"]
    reports(anna, *names, settings_revision=revision + 1)  # of another document
    assert [row["state"] for row in ask(signed_in)["named"]] == ["unknown"] * 3


def test_a_withdrawn_grant_shows_and_takes_its_suggestions_along(
    anna: User, signed_in: Client, settings: Configuration
) -> None:
    reports(anna, "COINBASE_KEY", "COINBASE_SECRET")
    settings.CREDENTIAL_GRANTS = {"anna": ("ANNA_*",)}
    answer = ask(signed_in, "ANNA_X")
    assert [row["state"] for row in answer["named"]] == ["not allowed", "not allowed", "not set"]
    assert [row["didYouMean"] for row in answer["named"]] == [[], [], []]


def test_nobody_is_told_of_anothers_credentials(anna: User, signed_in: Client) -> None:
    bela: User = UserFactory.create(username="bela")
    reports(anna, "COINBASE_KEY", "ANNA_KEY")
    reports(bela, "BELA_KEY")
    other = Client()
    other.force_login(bela, backend="django.contrib.auth.backends.ModelBackend")
    assert states(signed_in, "ANNA_KEY", "BELA_KEY") == ["set", "not allowed"]
    assert states(other, "ANNA_KEY", "BELA_KEY") == ["not allowed", "set"]
    assert ask(other)["named"] == []
    assert "BELA" not in signed_in.get(ADDRESS, {"name": "BELA_KEYS"}).content.decode()


def test_a_stranger_and_somebody_without_staff_status_are_told_nothing(anna: User) -> None:
    assert Client().get(ADDRESS).status_code == 401
    visitor = Client()
    visitor.force_login(
        UserFactory.create(is_staff=False), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert visitor.get(ADDRESS).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        {"names": "COINBASE_KEY"},
        {"name": ["X"] * (MOST_ASKED + 1)},
        {"name": "X" * (MOST_LETTERS + 1)},
    ],
)
def test_a_query_that_asks_too_much_is_refused(signed_in: Client, query: dict[str, Any]) -> None:
    response = signed_in.get(ADDRESS, query)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_the_address_is_described(signed_in: Client) -> None:
    described = signed_in.get("/api/openapi.json").json()["paths"][ADDRESS]
    assert set(described) == {"get"}
    assert signed_in.head(ADDRESS).status_code == 200


def test_settings_that_other_hands_have_damaged_are_told_as_that(
    anna: User, signed_in: Client
) -> None:
    ruin = {"version": 2, "sub": anna.sub, "scanner": {"top_n": "many"}}
    User.objects.filter(pk=anna.pk).update(settings=ruin)
    response = signed_in.get(ADDRESS)
    assert response.status_code == 409
    assert response.json()["errors"][0]["pointer"] == "/scanner/top_n"
