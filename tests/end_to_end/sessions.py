"""Who is signed in with a browser, without the form for it."""

from __future__ import annotations

from django.conf import settings
from playwright.sync_api import BrowserContext

from settings_app.models import User
from tests.control.browsing import cookie_of


def bring_session(context: BrowserContext, user: User, url: str) -> None:
    """Give all pages of a browser a session of a user, with the server at ``url``."""
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie_of(user), "url": url}]
    )
