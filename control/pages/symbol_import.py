"""Importing a watchlist without JavaScript: a page that takes the file, one that shows what it
would do, and then exactly that.

Rule 1: as over HTTP (:mod:`control.api.symbols.importing`): what is applied is what was shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from redis.exceptions import RedisError

from control.pages.shared import render
from control.pages.symbol_table import IMPORT_LOOKS
from control.protocol import Origin
from control.symbols import approvals, importing
from control.symbols.importing import Applied, ImportOutdated, NotInPreview
from control.symbols.listings import ListingUnknown
from control.symbols.parsing import MOST_BYTES, FileRefused
from control.symbols.previews import APPLICABLE, Preview
from settings_app.errors import SettingsError
from settings_app.numbers import is_number

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

AWAY: Final = (RedisError, OSError)
WAIT_SECONDS = 5.0
"""For the runtime's answer, at most."""


class FileForm(forms.Form):
    """A watchlist, pasted or as a file; the file goes first."""

    text = forms.CharField(
        required=False,
        label="Symbols",
        widget=forms.Textarea(attrs={"rows": 12, "class": "lv-in lv-mono", "spellcheck": "false"}),
    )
    file = forms.FileField(required=False, label="Or a file", max_length=255)

    def clean(self) -> dict[str, Any]:
        """One of the two must be there."""
        file = self.cleaned_data.get("file")
        if file is not None and file.size > MOST_BYTES:
            raise forms.ValidationError("The file is too large.")
        if file is None and not self.cleaned_data.get("text"):
            raise forms.ValidationError("Paste symbols, or choose a file.")
        return self.cleaned_data

    @property
    def content(self) -> str | bytes:
        """What was given."""
        file = self.cleaned_data["file"]
        return self.cleaned_data["text"] if file is None else bytes(file.read())


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def take(request: UserRequest) -> HttpResponse:
    """Take a list, and show what it would do; nothing is changed."""
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if form.is_bound and form.is_valid():
        try:
            shown = importing.preview(request.user, form.content)
        except FileRefused as exc:
            form.add_error(None, f"The list {exc}{_place(exc)}.")
        except (ListingUnknown, SettingsError) as exc:
            form.add_error(None, str(exc))
        else:
            return _page(request, form, shown)
    return _page(request, form)


@require_POST
def apply(request: UserRequest) -> HttpResponse:
    """Do what was shown, of the rows that are ticked."""
    chosen = [int(number) for number in request.POST.getlist("row") if is_number(number)]
    if not chosen:
        messages.error(request, "No row was ticked. Nothing was changed.")
        return redirect("admin:symbols-import")
    try:
        done = _applied(request, request.POST.get("approval", ""), chosen)
    except AWAY:
        messages.error(request, "Redis is not reachable. Nothing was changed; try again.")
    except (NotInPreview, ImportOutdated, SettingsError) as exc:
        messages.error(request, str(exc))
    else:
        if done is None:
            text = "This was applied already, or is too old. Preview it again."
            messages.error(request, text)
            return redirect("admin:symbols-import")
        level = messages.SUCCESS if done.edited.applied else messages.WARNING
        messages.add_message(request, level, f"{done.message}.")
    return redirect("admin:symbols")


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The addresses behind ``site``'s own guard."""
    return [
        path("symbols/import", site.admin_view(take), name="symbols-import"),
        path("symbols/import/apply", site.admin_view(apply), name="symbols-import-apply"),
    ]


def _page(request: UserRequest, form: FileForm, shown: Preview | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "shown": shown}
    if shown is not None:
        counts = ((IMPORT_LOOKS[one].word, count) for one, count in shown.counts.items())
        context["summary"] = ", ".join(f"{count} {word}" for word, count in counts if count)
        context["rows"] = [
            (row, IMPORT_LOOKS[row.outcome], row.outcome in APPLICABLE) for row in shown.rows
        ]
        try:
            context["approval"] = approvals.keep(request.user, shown) if shown.changes else None
        except AWAY:
            context["trouble"] = "Redis is not reachable, so that this cannot be approved now."
    template = "livermore/symbols/import.html"
    return render(request, template, page="symbols", title="Import symbols", **context)


def _applied(request: UserRequest, approval: str, chosen: list[int]) -> Applied | None:
    """What became of it; None where there is no such approval any more."""
    user = request.user
    shown = approvals.kept(user, approval)
    if shown is None:
        return None
    importing.chosen_of(shown, chosen)  # before the approval is used up
    if not approvals.take(user, approval):
        return None
    origin = Origin(who=user.get_username(), via="panel")
    return importing.apply(user, shown, by=user, origin=origin, only=chosen, wait=WAIT_SECONDS)


def _place(exc: FileRefused) -> str:
    return "" if exc.line is None else f" (line {exc.line}, column {exc.column})"
