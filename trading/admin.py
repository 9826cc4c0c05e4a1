"""Positions to keep, in the admin, and what every page of a user's rows has in common.

Rule 1: staff see and touch their own rows; a superuser everybody's. A stranger's row is a 404.
Rule 2: a position that the exchange reported is the exchange's to change, but for its cost basis:
    what was paid is its owner's word.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from trading.alerts.reader import current_reader
from trading.exchanges.registry import EXCHANGES
from trading.models import Position, PositionReading

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Django's, which is generic in the stubs alone."""

        def __class_getitem__(cls, _model: object) -> type:
            return cls


Row = TypeVar("Row", bound=Model)
NOTHING = "–"


def is_staff(request: HttpRequest) -> bool:
    """Whether this is somebody with a runtime: active staff."""
    return bool(request.user.is_active and request.user.is_staff)


def is_superuser(request: HttpRequest) -> bool:
    """Whether this is somebody who may see everybody's rows."""
    return is_staff(request) and bool(request.user.is_superuser)


def visible(rows: QuerySet[Row], request: HttpRequest) -> QuerySet[Row]:
    """Of these rows, those that whoever asks may see."""
    if is_superuser(request):
        return rows
    return rows.none() if request.user.pk is None else rows.filter(user_id=request.user.pk)


class HistoryAdmin(ModelAdmin[Row]):
    """What has happened to a user: nobody adds or changes it, and only a superuser deletes it."""

    list_display: tuple[str, ...]
    list_select_related: ClassVar[tuple[str, ...]] = ("user",)
    empty_value_display = NOTHING
    show_full_result_count = False  # a count of every row, each time, for nothing

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        return visible(super().get_queryset(request), request)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "user") if is_superuser(request) else self.list_display

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_superuser(request)


class PositionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A position entered by hand. Whose it is, is said by the page and not by the form."""

    owner_id: ClassVar[int | None] = None

    class Meta:
        model = Position
        fields = ("exchange", "symbol", "quantity", "cost_basis")
        widgets = {
            "exchange": forms.Select(
                choices=[(name, one.label) for name, one in EXCHANGES.items()]
            ),
            "symbol": forms.TextInput,
        }

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """Amounts as they were entered, without the zeros of the column."""
        value = super().get_initial_for_field(field, field_name)
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value

    def clean_exchange(self) -> str:
        exchange = str(self.cleaned_data["exchange"]).strip().lower()
        if exchange not in EXCHANGES:
            known = ", ".join(sorted(EXCHANGES))
            raise forms.ValidationError(f"Livermore watches no such exchange; known are {known}.")
        return exchange

    def clean_symbol(self) -> str:
        symbol = str(self.cleaned_data["symbol"]).strip().upper()
        base, dash, quote = symbol.partition("-")
        if not (base and dash and quote):
            raise forms.ValidationError("Write base and quote with a dash: BTC-USD.")
        return symbol

    def clean_quantity(self) -> Decimal:
        quantity: Decimal = self.cleaned_data["quantity"]
        if quantity < 0:
            raise forms.ValidationError("Write how much is held; 0 is nothing.")
        return quantity

    def clean_cost_basis(self) -> Decimal | None:
        cost_basis: Decimal | None = self.cleaned_data["cost_basis"]
        if cost_basis is not None and cost_basis <= 0:
            raise forms.ValidationError(
                "Write the average price paid for one, above 0; leave it empty where it is unknown."
            )
        return cost_basis

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if _is_theirs(self.instance):
            return data  # which market it is of cannot be changed
        # The owner is no field, so Django does not look at the constraint.
        same = Position.objects.filter(
            user=self.owner_id or 0,
            exchange=data.get("exchange"),
            symbol=data.get("symbol"),
        )
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                "You already hold %(symbol)s on %(exchange)s.", code="unique", params=data
            )
        return data


@admin.register(Position)
class PositionAdmin(ModelAdmin[Position]):
    """What is held; of a row that the exchange reported, only what was paid may be edited."""

    form = PositionForm
    list_display = ("symbol", "exchange", "amount", "paid", "told_by", "last_read", "changed")
    list_filter = ("exchange", "source")
    list_select_related = ("user",)
    search_fields = ("symbol",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, under what cannot be read: once, and not in every row of it."""
        if request.method == "GET":
            failing = PositionReading.objects.exclude(error="").select_related("user")
            for reading in visible(failing.order_by("user_id", "exchange"), request):
                self.message_user(request, _failure(reading, request), messages.WARNING)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Position]:
        reading = PositionReading.objects.filter(
            user=OuterRef("user"), exchange=OuterRef("exchange")
        )
        return visible(super().get_queryset(request), request).annotate(
            read_at=Subquery(reading.values("read_at")),
            reading_error=Subquery(reading.values("error")),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Position | None = None
    ) -> tuple[str, ...]:
        return ("exchange", "symbol", "amount") if _is_theirs(obj) else ()

    def get_fields(self, request: HttpRequest, obj: Position | None = None) -> tuple[str, ...]:
        quantity = "amount" if _is_theirs(obj) else "quantity"
        return ("exchange", "symbol", quantity, "cost_basis")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "user") if is_superuser(request) else self.list_display

    def get_form(
        self, request: HttpRequest, obj: Position | None = None, change: bool = False, **kwargs: Any
    ) -> type[PositionForm]:
        # A class of its own for each request, as Django makes it.
        form = cast("type[PositionForm]", super().get_form(request, obj, change=change, **kwargs))
        form.owner_id = request.user.pk if obj is None else obj.user_id
        return form

    def save_model(self, request: HttpRequest, obj: Position, form: Any, change: bool) -> None:
        obj.user_id = form.owner_id
        if _is_theirs(obj):
            # The quantity may have been read anew since the page was.
            obj.save(update_fields=["cost_basis", "updated_at"])
        else:
            super().save_model(request, obj, form, change)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Position | None = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Position | None = None) -> bool:
        return is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Position | None = None) -> bool:
        return is_staff(request) and not _is_theirs(obj)

    @admin.display(description="quantity", ordering="quantity")
    def amount(self, position: Position) -> str:
        return f"{position.quantity.normalize():f}"

    @admin.display(description="paid for one", ordering="cost_basis")
    def paid(self, position: Position) -> str:
        return NOTHING if position.cost_basis is None else f"{position.cost_basis.normalize():f}"

    @admin.display(description="source", ordering="source")
    def told_by(self, position: Position) -> str:
        return "exchange" if _is_theirs(position) else "by hand"

    @admin.display(description="read")
    def last_read(self, position: Any) -> str:  # with what the queryset adds
        if position.source == Position.Source.MANUAL or position.read_at is None:
            return NOTHING
        read_at = current_reader().minute(position.read_at)
        return f"⚠ {read_at}" if position.reading_error else read_at

    @admin.display(description="changed", ordering="updated_at")
    def changed(self, position: Position) -> str:
        return current_reader().minute(position.updated_at)


def _is_theirs(position: Position | None) -> bool:
    """Whether an exchange has reported it."""
    return position is not None and position.source == Position.Source.EXCHANGE


def _failure(reading: PositionReading, request: HttpRequest) -> str:
    whose = "" if reading.user_id == request.user.pk else f" for {reading.user}"
    known = EXCHANGES.get(reading.exchange)
    label = reading.exchange if known is None else known.label
    return f"{label} cannot be read{whose}; its positions stay as they were: {reading.error}"
