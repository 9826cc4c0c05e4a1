"""What every page is sent with, and what the defaults are in production."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client


@pytest.mark.django_db
def test_a_page_allows_nothing_but_its_own_origin(client: Client, redis_url: str) -> None:
    headers = client.get("/admin/login/").headers
    assert set(headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_cookies_stay_away_from_scripts_and_other_sites(client: Client, redis_url: str) -> None:
    cookie = client.get("/admin/login/").cookies["csrftoken"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert settings.SESSION_COOKIE_HTTPONLY is True


def test_debug_is_off_and_the_cache_is_not_the_wire() -> None:
    assert settings.DEBUG is False
    assert settings.REDIS_URL.endswith("/0")
    assert str(settings.CACHES["default"]["LOCATION"]).endswith("/1")
