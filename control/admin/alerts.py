"""Alerts to read: what was told, newest first, and how each went its ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from control.admin.filters import AcknowledgedFilter, ExchangeFilter
from control.admin.looks import moment, next_step, shown
from control.deliveries import acts
from control.marks import mark_of_alert, mark_of_delivery
from control.pages.scanner import address_of
from settings_app.reporting import counted
from trading.admin import NOTHING, HistoryAdmin, is_staff
from trading.alerts.compose import SCAN
from trading.alerts.reader import current_reader
from trading.models import SYSTEM, Alert, Delivery

if TYPE_CHECKING:
    DeliveryRows = admin.TabularInline[Delivery, Alert]
else:
    DeliveryRows = admin.TabularInline  # generic in the stubs alone


class DeliveryInline(DeliveryRows):
    """The ways of one alert."""

    model = Delivery
    fields = readonly_fields = ("channel", "outcome", "reason", "attempts", "then")
    ordering = ("channel",)
    empty_value_display = NOTHING
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)  # whose alert it is, the page of the alert has asked

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="state")
    def outcome(self, delivery: Delivery) -> SafeString:
        return shown(mark_of_delivery(delivery.state))

    @admin.display(description="settled")
    def then(self, delivery: Delivery) -> str:
        return next_step(delivery)


@admin.register(Alert)
class AlertAdmin(HistoryAdmin[Alert]):
    """What was told, newest first."""

    list_display = (
        *("closed", "about", "outcome", "what", "macd_v", "close_price", "ways", "is_seen"),
    )
    list_display_links = ("closed", "about")
    list_filter = (
        *("state", "deliveries__channel", AcknowledgedFilter),
        *("kind", "direction", "timeframe", ExchangeFilter),
    )
    search_fields = ("symbol", "exchange")
    date_hierarchy = "created_at"  # not every alert has a candle
    actions = ("retry_failed", "acknowledge")
    inlines = (DeliveryInline,)
    fieldsets = (
        (None, {"fields": ("what", "outcome", "told", "seen")}),
        (
            "Candle",
            {
                "fields": (
                    *("exchange", "symbol", "timeframe", "opened", "closed_at"),
                    *("macd_v", "close_price", "level", "stage"),
                )
            },
        ),
        ("Why it fired", {"fields": ("reasons",)}),
    )
    readonly_fields = (
        *("what", "outcome", "told", "seen", "opened", "closed_at"),
        *("macd_v", "close_price", "reasons"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return super().get_queryset(request).prefetch_related("deliveries")

    @admin.action(description="Send again what failed", permissions=["view"])
    def retry_failed(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        mine, others = self._own(request, chosen)
        count = acts.retry(request.user.pk or 0, mine)
        done = f"{counted(count, 'delivery', 'deliveries')} to be sent again."
        self.message_user(request, f"{done}{others}" if count else f"None had failed.{others}")

    @admin.action(description="Acknowledge", permissions=["view"])
    def acknowledge(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        mine, others = self._own(request, chosen)
        count = acts.acknowledge(request.user.pk or 0, mine)
        self.message_user(request, f"{counted(count, 'alert')} acknowledged.{others}")

    def _own(self, request: HttpRequest, chosen: QuerySet[Alert]) -> tuple[list[int], str]:
        """Of what was chosen, the ids that are one's own; and what to say of the others."""
        owners = dict(chosen.values_list("pk", "user_id"))
        mine = [pk for pk, owner in owners.items() if owner == request.user.pk]
        others = len(owners) - len(mine)
        return mine, f" {counted(others, 'alert')} of others left alone." if others else ""

    @admin.display(description="candle", ordering="candle_closed_at")
    def closed(self, alert: Alert) -> str:
        # What is no signal has no candle, and its own moment instead.
        return current_reader().minute(alert.candle_closed_at or alert.created_at)

    @admin.display(description="market", ordering="symbol")
    def about(self, alert: Alert) -> str:
        return f"{alert.symbol} {alert.timeframe}" if alert.symbol else "Livermore"

    @admin.display(description="state", ordering="state")
    def outcome(self, alert: Alert) -> SafeString:
        return shown(mark_of_alert(alert.state))

    @admin.display(description="what happened", ordering="kind")
    def what(self, alert: Alert) -> str:
        if alert.kind == SYSTEM:
            if alert.values.get("test"):
                return alert.detail
            if alert.values.get("kind") == SCAN:
                address = address_of(alert.values.get("scan"))
                return format_html('{} <a href="{}">Look at it</a>', alert.detail, address)
            return f"{'✓' if alert.values.get('state') == 'ended' else '⚠'} {alert.detail}"
        arrow = "▲" if alert.direction == "up" else "▼"
        return f"{arrow} {alert.get_kind_display()} {alert.detail}"

    @admin.display(description="MACD-V", ordering="value")
    def macd_v(self, alert: Alert) -> str:
        if alert.value is None:
            return NOTHING
        return f"{alert.value:+.1f}".replace("-", "\N{MINUS SIGN}")

    @admin.display(description="price", ordering="price")
    def close_price(self, alert: Alert) -> str:
        return NOTHING if alert.price is None else f"{alert.price.normalize():f}"

    @admin.display(description="ways")
    def ways(self, alert: Alert) -> SafeString:
        ways = [
            {"channel": one.get_channel_display(), "mark": mark_of_delivery(one.state)}
            for one in sorted(alert.deliveries.all(), key=lambda one: one.channel)
        ]
        return render_to_string("livermore/_ways.html", {"ways": ways})

    @admin.display(description="acknowledged")
    def seen(self, alert: Alert) -> str:
        return moment(alert.acknowledged_at)

    @admin.display(description="seen", ordering="acknowledged_at")
    def is_seen(self, alert: Alert) -> str:
        return NOTHING if alert.acknowledged_at is None else "yes"

    @admin.display(description="told")
    def told(self, alert: Alert) -> str:
        return moment(alert.created_at)

    @admin.display(description="opened")
    def opened(self, alert: Alert) -> str:
        return moment(alert.candle_opened_at)

    @admin.display(description="closed")
    def closed_at(self, alert: Alert) -> str:
        return moment(alert.candle_closed_at)

    @admin.display(description="values")
    def reasons(self, alert: Alert) -> SafeString:
        text = json.dumps(alert.values, indent=2, ensure_ascii=False)
        return format_html('<pre class="lv-values" tabindex="0">{}</pre>', text)
