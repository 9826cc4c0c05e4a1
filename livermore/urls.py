"""Every address of the web process. The pages are the admin's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from livermore import api, health

handler500 = "livermore.failures.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    *api.urlpatterns(),
    path("", RedirectView.as_view(pattern_name="admin:control"), name="home"),
]
