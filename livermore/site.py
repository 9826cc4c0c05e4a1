"""The admin, as Livermore shows it: the control panel first, the data behind it.

Rule 1: pages are registered here; what they show is the business of the room they belong to.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse

from control import panel
from control.urls import urlpatterns as control_urls
from settings_app.models import User


class LivermoreAdminSite(admin.AdminSite):
    """Django's admin with the control panel as its landing page."""

    site_header = "Livermore"
    site_title = "Livermore"
    index_title = "Data"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The panel's addresses before the admin's own, whose last one catches everything."""
        return [*control_urls(self), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The admin's context, with the runtime's state for the header of every page."""
        context = super().each_context(request)
        if context["has_permission"] and isinstance(request.user, User):
            heard = getattr(request, "runtime_heard", None)
            context["runtime"] = heard or panel.listen(request.user)
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
