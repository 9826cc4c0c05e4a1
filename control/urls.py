"""The panel's addresses, to be mounted inside an admin site and guarded by it."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from control import views


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The addresses behind ``site``'s own guard: staff only, with CSRF protection."""
    return [
        path("control/", site.admin_view(views.control), name="control"),
        path("control/command", site.admin_view(views.command), name="control-command"),
        path(
            "control/result/<uuid:command_id>", site.admin_view(views.result), name="control-result"
        ),
    ]
