"""The product's addresses, and beside them what they are compared with."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from livermore.urls import urlpatterns as of_the_product
from tests.benchmarks.site import views

urlpatterns = [
    path("bench/update", admin.site.admin_view(views.update)),
    path("bench/command", admin.site.admin_view(views.command)),
    *of_the_product,
]
