"""What the product's operations are compared with."""

from __future__ import annotations

from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse

from settings_app.api.access import user_of
from settings_app.models import User


def update(request: HttpRequest) -> HttpResponse:
    """The least that a view which records anything does: one UPDATE, committed."""
    rows = User.objects.filter(pk=user_of(request).pk)
    rows.update(desired_revision=F("desired_revision") + 1)
    return JsonResponse({"success": True})
