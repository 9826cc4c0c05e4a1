"""Who has typed too many wrong passwords, and what is shown to them instead of the sign-in.

Rule 1: it is the same for a name that nobody has, and for the right password typed too late: the
    page tells nobody whether a name exists.
Rule 2: the time it names is kept: who tries again meanwhile waits no longer for it.
Rule 3: behind a proxy, the address is the one that the proxy was asked from. By its own, one
    stranger would shut everybody's name.
"""

from __future__ import annotations

import math
from datetime import timedelta
from ipaddress import ip_address

from axes.helpers import get_client_username, get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
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


def address_of(request: HttpRequest) -> str | None:
    """From where somebody signs in (``AXES_CLIENT_IP_CALLABLE``).

    Of what was forwarded, the proxy itself has written only the last: the rest is the word of
    whoever asked.
    """
    own: str | None = request.META.get("REMOTE_ADDR")
    if not settings.BEHIND_A_PROXY:  # and so there is nobody to believe
        return own
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(forwarded))
    except ValueError:
        return own


def _remaining(request: HttpRequest) -> timedelta:
    """Until the last wrong password that counted is forgotten."""
    lasts = get_cool_off(request) or timedelta()
    username = get_client_username(request, getattr(request, "axes_credentials", None))
    address = getattr(request, "axes_ip_address", None)
    found = AccessAttempt.objects.filter(username=username, ip_address=address)
    last = found.aggregate(last=Max("attempt_time"))["last"]
    return lasts if last is None else last + lasts - timezone.now()
