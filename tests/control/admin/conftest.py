"""Who looks at the admin: an owner, a stranger, a superuser."""

from __future__ import annotations

import pytest
from django.test import Client

from settings_app.models import User
from tests.control.browsing import BACKEND
from tests.settings_app.factories import UserFactory


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def root(db: None, redis_url: str) -> User:
    return UserFactory.create(is_superuser=True)
