"""Incidents to read: what of Livermore itself failed, and for how long."""

from __future__ import annotations

from django.contrib import admin

from control.admin.looks import moment
from control.incidents import in_words
from control.models import Incident
from trading.admin import NOTHING, HistoryAdmin


@admin.register(Incident)
class IncidentAdmin(HistoryAdmin[Incident]):
    """What failed, newest first."""

    list_display = ("began", "kind", "about", "detail", "ended", "lasted")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("subject", "detail")
    date_hierarchy = "began_at"
    ordering = ("-began_at",)

    @admin.display(description="began", ordering="began_at")
    def began(self, incident: Incident) -> str:
        return moment(incident.began_at)

    @admin.display(description="which", ordering="subject")
    def about(self, incident: Incident) -> str:
        return incident.subject or NOTHING

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, incident: Incident) -> str:
        return "open" if incident.ended_at is None else moment(incident.ended_at)

    @admin.display(description="lasted")
    def lasted(self, incident: Incident) -> str:
        if incident.ended_at is None:
            return NOTHING
        return in_words(incident.ended_at - incident.began_at)
