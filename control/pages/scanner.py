"""The scanner's part of the symbols page: its last run, what it proposes, and applying it.

Rule 1: what the browser's module does over HTTP, the forms do here, by the same services.
Rule 2: after each of them the page shows the proposal as it is now, and says what became of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from control.pages.shared import render
from control.protocol import Origin
from control.symbols import scanning, scans
from control.symbols.admitting import NotAdmitted
from control.symbols.listings import ListingUnknown
from control.symbols.scanning import ScanRefused
from settings_app.errors import SettingsInvalid, SettingsTooNew
from trading.scanner import Verdict

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

WAIT_SECONDS = 3.0  # for the runtime's answer, where no module waits for it
REFUSALS = (ScanRefused, NotAdmitted, ListingUnknown, SettingsInvalid, SettingsTooNew)


class SelectionForm(forms.Form):
    """Which scan is approved; what is selected of it, the service holds against the scan."""

    run = forms.IntegerField(min_value=1, max_value=2**63 - 1)


@require_safe
@never_cache
def scanner(request: UserRequest) -> HttpResponse:
    """The scanner by itself; the symbols page has the same among its own."""
    return render(request, "livermore/symbols/scanner.html", page="symbols", title="Scanner")


@require_POST
def run(request: UserRequest) -> HttpResponse:
    """Have a scan made, and show what it proposes."""
    try:
        made = scanning.preview(request.user, by=request.user.get_username())
    except REFUSALS as exc:
        messages.error(request, f"No scan was made. {exc}")
        return _shown()
    add, remove = (len(scans.symbols_of(made, v)) for v in (Verdict.ADD, Verdict.REMOVE))
    messages.success(request, f"The scan proposes {add} to add and {remove} to remove.")
    return _shown(made.pk)


@require_POST
def apply(request: UserRequest) -> HttpResponse:
    """Do what was selected of a scan, and show what became of it."""
    form = SelectionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Which scan is meant cannot be read. Nothing was changed.")
        return _shown()
    run_id = form.cleaned_data["run"]
    try:
        done = scanning.approve(
            request.user,
            run_id,
            add=request.POST.getlist("add"),
            remove=request.POST.getlist("remove"),
            by=request.user,
            origin=Origin(who=request.user.get_username(), via="panel"),
            wait=WAIT_SECONDS,
        )
    except REFUSALS as exc:
        messages.error(request, f"Nothing was applied. {exc}")
        return _shown(run_id)
    level = messages.SUCCESS if done.applied else messages.WARNING
    messages.add_message(request, level, f"Scan approved: {done.message}.")
    return _shown(run_id)


def address_of(run_id: object = None) -> str:
    """Where the symbols page has the scanner open, at a scan or at the newest one."""
    query = urlencode({"scan": "" if run_id is None else run_id})
    return f"{reverse('admin:symbols')}?{query}#scan"


def _shown(run_id: int | None = None) -> HttpResponseRedirect:
    return HttpResponseRedirect(address_of(run_id))


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The scanner's addresses behind ``site``'s own guard."""
    return [
        path("symbols/scanner/", site.admin_view(scanner), name="symbols-scanner"),
        path("symbols/scanner/run", site.admin_view(run), name="symbols-scanner-run"),
        path("symbols/scanner/apply", site.admin_view(apply), name="symbols-scanner-apply"),
    ]
