"""What is shown in place of a page that cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import Client, RequestFactory
from django.views.defaults import bad_request, permission_denied

from livermore.failures import server_error
from tests.settings_app.factories import UserFactory


def is_a_page_of_ours(response: Any, status: int, heading: str) -> bool:
    text = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{heading}</h1>" in text
    assert 'href="/admin/control/"' in text
    return "livermore/css/login" in text


@pytest.mark.django_db
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_an_address_that_leads_nowhere_says_so_and_leads_on(is_signed_in: bool) -> None:
    client = Client()
    if is_signed_in:
        client.force_login(UserFactory.create())
    response = client.get("/no/such/page/")
    assert is_a_page_of_ours(response, 404, "There is no such page")


@pytest.mark.django_db
def test_a_form_of_before_the_sign_in_changes_nothing_and_says_what_to_do() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory.create())
    response = client.post("/admin/control/command/", {"command": "pause"})
    heading = "That was not accepted, and nothing was changed"
    assert is_a_page_of_ours(response, 403, heading)


@pytest.mark.django_db
def test_what_is_refused_or_not_understood_says_so(rf: RequestFactory) -> None:
    request = rf.get("/")
    refused = permission_denied(request, PermissionDenied())
    assert is_a_page_of_ours(refused, 403, "You may not see this page")
    unread = bad_request(request, SuspiciousOperation())
    assert is_a_page_of_ours(unread, 400, "That could not be read")


def test_an_error_of_ours_is_told_without_the_database(rf: RequestFactory) -> None:
    assert is_a_page_of_ours(server_error(rf.get("/")), 500, "Something went wrong here")
