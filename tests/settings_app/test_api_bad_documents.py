"""Five thousand generated bad documents, sent to every operation that takes one."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from settings_app import services
from settings_app.models import User
from tests.settings_app.calling import Caller, Response
from tests.settings_app.factories import UserFactory
from tests.settings_app.strategies import broken

DOCUMENTS = 5_000
POINTER = re.compile(r"(/([^~/]|~[01])*)*", re.DOTALL)  # RFC 6901, section 3


def rich_document(sub: str) -> dict[str, Any]:
    """A valid document that has something in every section, for the mutations to spoil."""
    market = {"symbol": "BTC-USD", "exchange": "coinbase"}
    return {
        "version": 2,
        "sub": sub,
        "perseus_profile": {"public_name": "Ann", "timezone": "UTC", "locale": "en-US"},
        "livermore_runtime": {"auto_start": False},
        "exchanges": {"coinbase": {"enabled": True, "defaults": {"stop_loss_percentage": 5}}},
        "position_symbols": [market],
        "watchlist": [{**market, "enabled": True, "categories": ["major"]}],
        "scanner": {"enabled": True, "exchange": "coinbase", "top_n": 20},
        "modes": {"scalper-macdv": {"timeframes": ["1h"], "levels": [150, 200]}},
        "notifications": {"discord": {"kinds": ["level"], "troubles": True}},
        "schedule": [{"at": "08:00", "command": "pause", "timezone": "UTC"}],
    }


def place_of(user: User) -> str:
    """Where PostgreSQL keeps the row: every write of it, of whatever column, is at a new place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM settings_app_user WHERE id = %s", [user.pk])
        [place] = cursor.fetchone() or [""]
    return str(place)


def errors_of(response: Response) -> list[dict[str, str]]:
    """The field errors of a refusal, each of which must be a JSON Pointer and a sentence."""
    assert response.status_code in {200, 400, 409, 422}, response.content
    told = response.json()
    errors: list[dict[str, str]] = told.get("errors", [])
    if response.status_code != 200:
        assert response["Content-Type"] == "application/problem+json"
    for error in errors:
        assert POINTER.fullmatch(error["pointer"])
        assert error["detail"]
    return errors


@pytest.mark.django_db
@pytest.mark.timeout(120)
def test_no_bad_document_is_saved_or_answered_with_anything_but_field_errors(
    redis_url: str,
) -> None:
    user = UserFactory.create()
    document, caller = rich_document(user.sub), Caller(user)
    assert caller.put(document, if_match="*").status_code == 200
    before, answers = place_of(user), Counter[tuple[str, int]]()
    for seed in range(DOCUMENTS):
        body = json.dumps(broken(document, seed))
        path = ("PUT", "PATCH", "/validate", "/import")[seed % 4]
        response = _send(caller, path, body)
        answers[path, response.status_code] += 1
        if errors_of(response):
            assert place_of(user) == before
        else:
            before = _accepted(user, path, response, document)
    _judge(answers)


def _send(caller: Caller, path: str, body: str) -> Response:
    if path == "PUT":
        return caller.put(body, if_match="*")
    return caller.patch(body) if path == "PATCH" else caller.post(path, body)


def _accepted(user: User, path: str, response: Response, document: dict[str, Any]) -> str:
    """Some mutations are no error there: null resets in a patch, an older version is upgraded."""
    assert path in {"PATCH", "/import"}, response.content
    if response.status_code == 200:
        stored = services.read(user.pk)
        assert response.json()["settings"] == stored.document.to_document()
        services.replace(user.pk, document, by=user)
    return place_of(user)


def _judge(answers: Counter[tuple[str, int]]) -> None:
    """Each operation has refused nearly all, in its own way."""
    refused = {
        path: answers[path, 400] + answers[path, 422] for path in ("PUT", "PATCH", "/import")
    }
    assert refused["PUT"] == DOCUMENTS // 4
    assert min(refused.values()) > 0.8 * DOCUMENTS // 4, answers
    assert answers["/validate", 200] > 0.7 * DOCUMENTS // 4  # with errors, as was asserted above
