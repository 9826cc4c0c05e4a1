"""What the product's operations are compared with."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from settings_app.api.access import user_of

UPDATE = "UPDATE settings_app_user SET desired_revision = desired_revision + 1 WHERE id = %s"


def update(request: HttpRequest) -> HttpResponse:
    """The least that an operation which records anything does: one UPDATE, committed."""
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [user_of(request).pk])
    return JsonResponse({"success": True})
