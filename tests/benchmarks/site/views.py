"""Views behind the same session, guard and CSRF check as the product's."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from control import client
from settings_app.api.access import user_of

UPDATE = "UPDATE settings_app_user SET desired_revision = desired_revision + 1 WHERE id = %s"


@require_POST
def update(request: HttpRequest) -> HttpResponse:
    """The least that a view which records anything does: one UPDATE, committed."""
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [request.user.pk])
    return JsonResponse({"success": True})


@require_POST
def command(request: HttpRequest) -> HttpResponse:
    """Send a command and wait until it is applied."""
    answer = client.send(user_of(request), request.POST["command"])
    return JsonResponse({"success": answer.applied})
