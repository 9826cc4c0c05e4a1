"""What is shown instead of the sign-in to who has typed too many wrong passwords.

Rule 1: it is the same for a name that nobody has, and for the right password typed too late: the
    page tells nobody whether a name exists.
Rule 2: the time it names is kept: who tries again meanwhile waits no longer for it.
"""

from __future__ import annotations

import math
from datetime import timedelta

from axes.helpers import get_client_username, get_cool_off
from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

STATUS = 429


def locked_out(request: HttpRequest, *_told: object) -> HttpResponse:
    """The page, with how long it lasts (``AXES_LOCKOUT_CALLABLE``)."""
    remaining = _remaining(request)
    context = {
        **admin.site.each_context(request),
        "title": "Signing in is shut",
        "minutes": max(1, math.ceil(remaining / timedelta(minutes=1))),
    }
    response = render(request, "livermore/locked_out.html", context, status=STATUS)
    response["Retry-After"] = str(max(1, math.ceil(remaining.total_seconds())))
    return response


def _remaining(request: HttpRequest) -> timedelta:
    """Until the last wrong password that counted is forgotten."""
    lasts = get_cool_off(request) or timedelta()
    username = get_client_username(request, getattr(request, "axes_credentials", None))
    address = getattr(request, "axes_ip_address", None)
    found = AccessAttempt.objects.filter(username=username, ip_address=address)
    last = found.aggregate(last=Max("attempt_time"))["last"]
    return lasts if last is None else last + lasts - timezone.now()
