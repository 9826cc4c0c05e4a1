"""Two users, and the API as the program of one of them uses it."""

from __future__ import annotations

import pytest

from settings_app.models import User
from tests.settings_app.calling import Caller
from tests.settings_app.factories import UserFactory


@pytest.fixture
def anna(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def bela(db: None, redis_url: str) -> User:
    return UserFactory.create()


@pytest.fixture
def api(anna: User) -> Caller:
    return Caller(anna)
