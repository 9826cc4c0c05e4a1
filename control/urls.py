"""The pages' addresses, to be mounted inside an admin site and guarded by it."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import URLPattern

from control.pages import control, scanner, settings, signals, symbols

PAGES = (control, settings, symbols, scanner, signals)


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The addresses behind ``site``'s own guard: staff only, with CSRF protection."""
    return [pattern for page in PAGES for pattern in page.urlpatterns(site)]
