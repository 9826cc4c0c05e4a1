"""The admin, as Livermore shows it: the control panel first, the data behind it.

Rule 1: pages are registered here; what they show is the business of the room they belong to.
Rule 2: who tried to sign in is for superusers, who look there for a lock-out, and stands last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.views.decorators.gzip import gzip_page

from control.pages.shared import heard_by
from control.reader import reader_for
from control.urls import urlpatterns as control_urls
from settings_app.models import User
from trading.alerts.reader import reading_as

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

SIGN_INS: Final = "axes"
"""The application that counts wrong passwords."""


class LivermoreAdminSite(admin.AdminSite):
    """Django's admin with the control panel as its landing page."""

    site_header = "Livermore"
    site_title = "Livermore"
    index_title = "Data"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The panel's addresses before the admin's own, whose last one catches everything."""
        return [*control_urls(self), *super().get_urls()]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Guard a view, and have it read and write moments in the time zone of its user.

        What it answers is sent compressed: a list of 500 symbols is 1.7 MB of HTML. Django pads it
        by a random length against guessing, and the token in it is another one each time.
        """
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def in_the_users_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                return guarded(request, *args, **kwargs)
            reader = reader_for(request.user)  # type: ignore[arg-type]  # signed in, says the guard
            request.reader = reader  # type: ignore[attr-defined]
            with timezone.override(reader.zone), reading_as(reader):
                response = guarded(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()  # later would be in the server's zone
            return response

        return cast("View", gzip_page(in_the_users_zone))

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """What the side bar and the start page list (rule 2)."""
        listed: list[dict[str, Any]] = super().get_app_list(request, app_label)
        data = [app for app in listed if app["app_label"] != SIGN_INS]
        if not request.user.is_superuser:
            return data
        return data + [{**app, "name": "Sign-ins"} for app in listed if app not in data]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The admin's context, with the runtime's state and the user's ways of writing."""
        context = super().each_context(request)
        if context["has_permission"] and isinstance(request.user, User):
            context["runtime"] = heard_by(request, request.user)
            context["reader"] = getattr(request, "reader", None) or reader_for(request.user)
        return context

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign in, and land on the control panel unless another page was asked for."""
        landing = reverse("admin:control", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return redirect(landing)
        wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME)
        if not wanted or wanted == reverse("admin:index", current_app=self.name):
            extra_context = {**(extra_context or {}), REDIRECT_FIELD_NAME: landing}
        return super().login(request, extra_context)
