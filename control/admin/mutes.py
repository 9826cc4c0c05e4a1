"""Mutes to keep: what is not sent until a moment.

Rule 1: whose a mute is, is said by the page and not by the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from control.admin.filters import ExchangeFilter
from control.admin.looks import moment, shown
from control.marks import Mark
from trading.admin import is_staff, is_superuser, visible
from trading.alerts.muting import WantedMute, in_words
from trading.core.modes import SignalKind
from trading.exchanges.registry import EXCHANGES
from trading.models import Mute

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Mute]
    MuteModelForm = forms.ModelForm[Mute]
else:
    ModelAdmin = admin.ModelAdmin  # generic in the stubs alone
    MuteModelForm = forms.ModelForm

EXCHANGE_CHOICES = [("", "Every exchange"), *((name, name) for name in sorted(EXCHANGES))]
KIND_CHOICES = [("", "Every kind"), *((k.value, k.value.replace("-", " ")) for k in SignalKind)]


class UntilWidget(AdminSplitDateTime):
    """The admin's two fields of a moment, each with a name of its own for who hears the page."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for widget, name in zip(self.widgets, ("Date", "Time"), strict=True):
            widget.attrs["aria-label"] = name


class MuteForm(MuteModelForm):
    """A mute as a person enters it."""

    owner_id: ClassVar[int | None] = None

    exchange = forms.ChoiceField(choices=EXCHANGE_CHOICES, required=False)
    symbol = forms.CharField(
        required=False, max_length=40, help_text="Such as BTC-USD; empty: every symbol."
    )
    kind = forms.ChoiceField(
        choices=KIND_CHOICES,
        required=False,
        help_text="What Livermore says of itself is never muted.",
    )

    until = forms.SplitDateTimeField(
        widget=UntilWidget, help_text="In your time zone; sent again from then on."
    )

    class Meta:
        model = Mute
        fields = ("exchange", "symbol", "kind", "until")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        wanted = WantedMute.written(**{name: data[name] for name in self.Meta.fields})
        for field, fault in wanted.faults(timezone.now()).items():
            self.add_error(field, f"This {fault}.")
        data |= {name: getattr(wanted, name) for name in self.Meta.fields}
        # The owner is no field, so Django does not look at the constraint.
        same = Mute.objects.filter(
            user=self.owner_id or 0,
            exchange=wanted.exchange,
            symbol=wanted.symbol,
            kind=wanted.kind,
        )
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("You have this mute already; change when that one ends.")
        return data


@admin.register(Mute)
class MuteAdmin(ModelAdmin):
    """What its owner does not want to be sent for a time."""

    form = MuteForm
    list_display: tuple[str, ...] = ("held_back", "in_effect", "ends", "made")
    list_display_links = ("held_back",)
    ordering = ("-until",)
    list_filter = ("kind", ExchangeFilter)
    list_select_related = ("user",)
    search_fields = ("symbol",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mute]:
        return visible(super().get_queryset(request), request)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "user") if is_superuser(request) else self.list_display

    def get_form(
        self, request: HttpRequest, obj: Mute | None = None, change: bool = False, **kwargs: Any
    ) -> type[MuteForm]:
        # A class of its own for each request, as Django makes it.
        form = cast("type[MuteForm]", super().get_form(request, obj, change=change, **kwargs))
        form.owner_id = request.user.pk if obj is None else obj.user_id
        return form

    def save_model(self, request: HttpRequest, obj: Mute, form: Any, change: bool) -> None:
        obj.user_id = form.owner_id
        super().save_model(request, obj, form, change)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Mute | None = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Mute | None = None) -> bool:
        return is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Mute | None = None) -> bool:
        return is_staff(request)

    @admin.display(description="what is not sent", ordering="symbol")
    def held_back(self, mute: Mute) -> str:
        return in_words(mute)

    @admin.display(description="state", ordering="until")
    def in_effect(self, mute: Mute) -> SafeString:
        is_over = mute.until <= timezone.now()
        return shown(Mark("Over", "off", "ok") if is_over else Mark("In effect", "warn", "muted"))

    @admin.display(description="until", ordering="until")
    def ends(self, mute: Mute) -> str:
        return moment(mute.until)

    @admin.display(description="made", ordering="created_at")
    def made(self, mute: Mute) -> str:
        return moment(mute.created_at)
