"""What the lists of this package are filtered by, beside what Django makes of a column."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from trading.exchanges.registry import EXCHANGES
from trading.models import Alert


class ExchangeFilter(admin.SimpleListFilter):
    """One exchange: those that there are, not those that some row happens to name."""

    title = "exchange"
    parameter_name = "exchange"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(EXCHANGES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        wanted = self.value()
        return queryset.filter(exchange=wanted) if wanted in EXCHANGES else queryset


class AcknowledgedFilter(admin.SimpleListFilter):
    """Whether its owner has said to have seen it."""

    title = "acknowledged"
    parameter_name = "acknowledged"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "Not yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(acknowledged_at__isnull=self.value() == "no")
