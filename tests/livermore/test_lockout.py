"""Too many wrong passwords: what is said, to whom, and for how long."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client
from django.utils import timezone

from settings_app.models import User
from tests.settings_app.factories import UserFactory

LOGIN = "/admin/login/"
PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    user: User = UserFactory.create(username="anna")
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


WRONG = "not it"


def sign_in(name: str, password: str = WRONG, *, address: str = "192.0.2.1") -> Any:
    form = {"username": name, "password": password}
    return Client().post(LOGIN, form, REMOTE_ADDR=address)


def shut(name: str) -> Any:
    """Type wrong passwords until it is shut; what the last one was answered."""
    answers = [sign_in(name) for _ in range(settings.AXES_FAILURE_LIMIT)]
    assert [answer.status_code for answer in answers[:-1]] == [200] * (len(answers) - 1)
    return answers[-1]


def words(response: Any) -> str:
    """The page's text, without the token that each has of its own."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())
    return re.sub(r'nonce="[^"]*"', "", text)


def test_the_page_says_for_how_long(anna: User) -> None:
    response = shut("anna")
    assert response.status_code == 429
    assert 890 <= int(response["Retry-After"]) <= 900
    assert "Try again in <strong>15 minutes</strong>" in response.content.decode()
    assert "lv-shut" in response.content.decode()
    assert "password" not in dict(response.headers)


def test_it_tells_nobody_whether_a_name_exists(anna: User) -> None:
    known, unknown = shut("anna"), shut("nobody")
    assert words(known) == words(unknown)
    assert known.status_code == unknown.status_code
    assert words(sign_in("anna", PASSWORD)) == words(known), "the right one comes too late"
    assert "anna" not in words(known)


def test_trying_meanwhile_makes_it_no_longer(anna: User) -> None:
    shut("anna")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    again = sign_in("anna")
    assert again.status_code == 429
    assert int(again["Retry-After"]) <= 60
    assert "Try again in <strong>1 minute</strong>" in again.content.decode()


def test_when_the_time_is_over_the_right_password_signs_in(anna: User) -> None:
    shut("anna")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in("anna", PASSWORD).status_code == 302


def test_nobody_is_shut_out_by_a_stranger_elsewhere(anna: User) -> None:
    shut("anna")
    assert sign_in("anna", PASSWORD, address="192.0.2.2").status_code == 302
    bela: User = UserFactory.create(username="bela")
    assert sign_in(bela.username).status_code == 200


class TestBehindAProxy:
    """Every request comes from the proxy, which says from whom it has it."""

    @pytest.fixture(autouse=True)
    def proxy(self, settings: Any) -> None:
        settings.BEHIND_A_PROXY = True

    def sign_in(self, forwarded_for: str | None, password: str = WRONG) -> int:
        headers = {} if forwarded_for is None else {"X-Forwarded-For": forwarded_for}
        form = {"username": "anna", "password": password}
        answer = Client().post(LOGIN, form, REMOTE_ADDR="127.0.0.1", headers=headers)
        return int(answer.status_code)

    def shut(self, *forwarded_for: str | None) -> None:
        for number in range(settings.AXES_FAILURE_LIMIT):
            self.sign_in(forwarded_for[number % len(forwarded_for)])

    def test_nobody_is_shut_out_by_a_stranger_elsewhere(self, anna: User) -> None:
        self.shut("192.0.2.1")
        assert self.sign_in("192.0.2.1", PASSWORD) == 429
        assert self.sign_in("192.0.2.2", PASSWORD) == 302

    def test_what_the_stranger_says_of_himself_counts_for_nothing(self, anna: User) -> None:
        self.shut("192.0.2.7, 192.0.2.1", "192.0.2.8,192.0.2.1", "nonsense, 192.0.2.1")
        assert self.sign_in("192.0.2.9, 192.0.2.1", PASSWORD) == 429

    def test_a_proxy_that_says_nothing_is_the_address_itself(self, anna: User) -> None:
        self.shut(None, "nonsense")
        assert self.sign_in(None, PASSWORD) == 429


def test_without_a_proxy_nobody_is_believed(anna: User) -> None:
    form = {"username": "anna", "password": WRONG}
    for number in range(settings.AXES_FAILURE_LIMIT):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        answer = Client().post(LOGIN, form, REMOTE_ADDR="192.0.2.99", headers=headers)
    assert answer.status_code == 429


def test_the_sign_in_itself_can_still_be_read(anna: User) -> None:
    shut("anna")
    assert Client().get(LOGIN, REMOTE_ADDR="192.0.2.1").status_code == 200
