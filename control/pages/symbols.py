"""The symbols page: the watchlist and how it is doing, adding to it and taking from it.

Rule 1: a view is: method guard, access, service, then redirect or a page. Every change is one of
    :mod:`control.symbols.changes`; what became of it is its own message.
Rule 2: everything works without JavaScript; the page's modules speak to the HTTP API instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from control.pages import symbol_import
from control.pages.shared import heard_by, render
from control.pages.symbol_forms import ALTERING, AddForm, ChangeForm, RowForm
from control.pages.symbol_table import context
from control.protocol import Origin
from control.symbols import changes
from control.symbols.admitting import NotAdmitted
from control.symbols.backfilling import order
from control.symbols.changed import Changed
from control.symbols.listings import ListingUnknown
from control.symbols.removing import Farewell, farewell
from control.symbols.watchlist import Tagging
from settings_app import services
from settings_app.errors import SettingsError
from settings_app.models import User
from settings_app.schema.markets import WatchlistEntry
from trading.core.market import Market

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

PAGE = "admin:symbols"
WAIT_SECONDS = 5.0
"""For the runtime's answer, at most."""


@require_safe
@never_cache
def symbols(request: UserRequest) -> HttpResponse:
    """The page. With ``?figures`` the exchanges are asked for what the symbols did."""
    shown = context(
        request.user, heard_by(request, request.user), is_asked="figures" in request.GET
    )
    return render(request, "livermore/symbols.html", page="symbols", title="Symbols", **shown)


@require_POST
def add(request: UserRequest) -> HttpResponse:
    """Put one market on the watchlist."""
    form = AddForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Name a symbol such as BTC-USD. Nothing was changed.")
        return redirect(PAGE)
    try:
        market = changes.market_named(request.user, **form.cleaned_data)
    except SettingsError as exc:
        messages.error(request, str(exc))
    else:
        _add(request, [market])
    return redirect(PAGE)


@require_POST
def change(request: UserRequest) -> HttpResponse:
    """Do one act with the rows that were chosen; what removes rows asks first."""
    form = ChangeForm(request.POST)
    if not form.is_valid():
        text = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"{text} Nothing was changed.")
        return redirect(PAGE)
    act, markets = form.cleaned_data["act"], form.markets
    if act == "remove" and not form.cleaned_data["sure"]:
        return _ask(request, markets)
    if act == "add":
        _add(request, markets)
        return redirect(PAGE)
    if act == "backfill":
        told = order(request.user, markets, origin=_by(request)["origin"], wait=WAIT_SECONDS)
        messages.add_message(
            request, messages.ERROR if told.failed else messages.INFO, told.message
        )
        return redirect(PAGE)
    try:
        _report(request, _changed(request, act, markets, form))
    except SettingsError as exc:
        messages.error(request, str(exc))
    return redirect(PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: UserRequest, exchange: str, symbol: str) -> HttpResponse:
    """One row: whether it is on, its categories, its place in the list."""
    market = Market(exchange, symbol)
    rows = _rows(request)
    entry = rows.get(market)
    if entry is None:
        raise Http404("no such row")
    place = list(rows).index(market) + 1
    if request.method == "POST":
        form = RowForm(request.POST, most=len(rows))
        if form.is_valid():
            try:
                done = changes.alter(request.user, market, **form.wanted, **_by(request))
                _report(request, done)
                return redirect(PAGE)
            except SettingsError as exc:
                form.add_error(None, str(exc))
    else:
        form = RowForm(initial=RowForm.initial_of(entry, place), most=len(rows))
    shown: dict[str, Any] = {"form": form, "market": market, "places": len(rows)}
    template = "livermore/symbols/edit.html"
    return render(request, template, page="symbols", title=f"{symbol} of {exchange}", **shown)


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The page's addresses behind ``site``'s own guard."""
    return [
        path("symbols/", site.admin_view(symbols), name="symbols"),
        path("symbols/add", site.admin_view(add), name="symbols-add"),
        path("symbols/change", site.admin_view(change), name="symbols-change"),
        path(
            "symbols/edit/<str:exchange>/<str:symbol>/", site.admin_view(edit), name="symbols-edit"
        ),
        *symbol_import.urlpatterns(site),
    ]


# ---------------------------------------------------------------------- doing and telling
def _add(request: UserRequest, markets: list[Market]) -> None:
    try:
        done = changes.add(request.user, dict.fromkeys(markets), **_by(request))
    except NotAdmitted as exc:
        for one in exc.refusals:
            messages.error(request, f"{one.market.symbol} was not added: {one.sentence}")
    except (ListingUnknown, SettingsError) as exc:
        messages.error(request, str(exc))
    else:
        _report(request, done)


def _changed(request: UserRequest, act: str, markets: list[Market], form: ChangeForm) -> Changed:
    if act in ALTERING:
        return ALTERING[act](request.user, markets, **_by(request))
    tagging = Tagging(form.cleaned_data["tagging"] or Tagging.ADD)
    categories = form.cleaned_data["categories"]
    return changes.categorise(request.user, markets, categories, tagging, **_by(request))


def _ask(request: UserRequest, markets: Iterable[Market]) -> HttpResponse:
    """What removing would stop, and whether it is meant."""
    going: list[Farewell] = farewell(request.user, markets)
    template = "livermore/symbols/remove.html"
    title = "Remove from the watchlist"
    return render(request, template, page="symbols", title=title, going=going)


def _rows(request: UserRequest) -> dict[Market, WatchlistEntry]:
    try:
        document = services.read(request.user.pk).document
    except SettingsError:
        return {}
    return {Market(row.exchange, row.symbol): row for row in document.watchlist}


def _by(request: UserRequest) -> dict[str, Any]:
    user: User = request.user
    origin = Origin(who=user.get_username(), via="panel")
    return {"by": user, "origin": origin, "wait": WAIT_SECONDS}


def _report(request: HttpRequest, done: Changed) -> None:
    level = messages.SUCCESS if done.applied else messages.WARNING
    messages.add_message(request, level, f"{done.message[:1].upper()}{done.message[1:]}.")
