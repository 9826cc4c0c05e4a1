"""Who uses what is measured: traders, and their signed-in sessions."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.client import HTTPConnection

from django.conf import settings
from django.test import Client

from livermore.embedded.ports import LOOPBACK
from settings_app.documents import merge_patch
from settings_app.models import User
from settings_app.schema import default_document, validate

CSRF_SECRET = "b" * 32
TIMEOUT_SECONDS = 30.0


class Refused(Exception):
    """What was to be measured did not happen; the text is the answer."""


def trader(name: str, *symbols: str, **sections: object) -> User:
    """A staff user who watches these symbols; one who watches none is hosted by nobody.

    Args:
        sections: Of the settings, what is to be otherwise than by default.
    """
    user = User(username=name, is_staff=True, is_paused=False, runtime_mode="scalper-macdv")
    patch = {
        "watchlist": [{"symbol": symbol, "exchange": "coinbase"} for symbol in symbols],
        "exchanges": {"coinbase": {"enabled": bool(symbols)}},
        **sections,
    }
    user.settings = validate(merge_patch(default_document(user.sub), patch)).to_document()
    user.save()
    return user


def cookie_of(user: User) -> str:
    """The cookie of a new session."""
    session = Client()
    session.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    key = session.cookies[settings.SESSION_COOKIE_NAME].value
    return f"{settings.SESSION_COOKIE_NAME}={key}; {settings.CSRF_COOKIE_NAME}={CSRF_SECRET}"


class Browser:
    """A signed-in session on one kept connection."""

    def __init__(self, port: int, user: User) -> None:
        self._connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
        self._headers = {
            "Cookie": cookie_of(user),
            "X-CSRFToken": CSRF_SECRET,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def post(self, path: str, **body: str) -> None:
        """Post JSON.

        Raises:
            Refused: If the answer is anything but a success.
        """
        self._connection.request("POST", path, json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != HTTPStatus.OK or json.loads(text).get("success") is not True:
            raise Refused(f"POST {path}: {answer.status} {text[:500]!r}")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
