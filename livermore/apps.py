"""The two applications of this package: itself, and Django's admin with our site."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class LivermoreConfig(AppConfig):
    """This package: commands and system checks, no models."""

    default = True
    name = "livermore"


class LivermoreAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our own site."""

    default = False
    default_site = "livermore.site.LivermoreAdminSite"
