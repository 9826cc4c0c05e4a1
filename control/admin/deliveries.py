"""Deliveries to read: what went by which channel, and what became of it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from control.admin.looks import next_step, shown
from control.marks import mark_of_delivery
from trading.admin import NOTHING, HistoryAdmin
from trading.alerts.reader import current_reader
from trading.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(HistoryAdmin[Delivery]):
    """What was sent or is to be, newest first."""

    list_display = (*("made", "channel", "outcome", "about", "why", "attempts", "then"),)
    list_display_links = ("made",)
    list_filter = ("state", "channel", "alert__kind")
    list_select_related = ("user", "alert")
    search_fields = ("alert__symbol", "reason")
    date_hierarchy = "created_at"
    fields = readonly_fields = (
        *("about", "channel", "outcome", "why", "attempts", "made", "then"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).select_related("alert")

    @admin.display(description="made", ordering="created_at")
    def made(self, delivery: Delivery) -> str:
        return current_reader().minute(delivery.created_at)

    @admin.display(description="state", ordering="state")
    def outcome(self, delivery: Delivery) -> SafeString:
        return shown(mark_of_delivery(delivery.state))

    @admin.display(description="alert", ordering="alert_id")
    def about(self, delivery: Delivery) -> SafeString:
        page = reverse("admin:trading_alert_change", args=[delivery.alert_id])
        alert = delivery.alert
        name = f"{alert.symbol} {alert.timeframe}"
        return format_html('<a href="{}">{}</a>', page, name if alert.symbol else "Livermore")

    @admin.display(description="reason")
    def why(self, delivery: Delivery) -> str:
        return delivery.reason or NOTHING

    @admin.display(description="settled", ordering="settled_at")
    def then(self, delivery: Delivery) -> str:
        return next_step(delivery)
