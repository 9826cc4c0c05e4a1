"""What a page says in whose place another one failed."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.test import Client

from settings_app.models import User


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("failure", "status", "says"),
    [
        (OperationalError("PoolTimeout"), 503, "The database does not answer"),
        (RuntimeError("hush"), 500, "This is an error of the program"),
    ],
)
def test_a_page_that_cannot_be_made_says_why_and_what_to_do(
    client: Client, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, says: str
) -> None:
    client.force_login(User.objects.create_user("trader", is_staff=True))
    client.raise_request_exception = False

    def fail(_session: SessionStore) -> None:
        raise failure

    monkeypatch.setattr(SessionStore, "load", fail)
    answer = client.get("/admin/control/")
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) is (status == 503)
    for words in (says, "Try again"):
        assert words in answer.content.decode()
    for secret in ("hush", "PoolTimeout"):
        assert secret not in answer.content.decode()
