"""Incidents to read in the admin: what of Livermore itself failed, and for how long.

Rule 1: staff see their own rows; a superuser everybody's. A stranger's row is a 404.
Rule 2: an incident is history: nobody adds or changes one, and only a superuser deletes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from control.incidents import in_words
from control.models import Incident
from trading.admin import NOTHING, is_staff, is_superuser, visible

if TYPE_CHECKING:
    IncidentAdminBase = admin.ModelAdmin[Incident]
else:
    IncidentAdminBase = admin.ModelAdmin  # generic in the stubs alone


@admin.register(Incident)
class IncidentAdmin(IncidentAdminBase):
    """What failed, newest first."""

    list_display = ("began", "kind", "about", "detail", "ended", "lasted")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("subject", "detail")
    date_hierarchy = "began_at"
    ordering = ("-began_at",)
    show_full_result_count = False  # a count of every row, each time, for nothing

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
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

    @admin.display(description="began (UTC)", ordering="began_at")
    def began(self, incident: Incident) -> str:
        return f"{incident.began_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="which", ordering="subject")
    def about(self, incident: Incident) -> str:
        return incident.subject or NOTHING

    @admin.display(description="ended (UTC)", ordering="ended_at")
    def ended(self, incident: Incident) -> str:
        return "open" if incident.ended_at is None else f"{incident.ended_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="lasted")
    def lasted(self, incident: Incident) -> str:
        if incident.ended_at is None:
            return NOTHING
        return in_words(incident.ended_at - incident.began_at)
