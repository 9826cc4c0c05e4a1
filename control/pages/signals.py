"""The signals page: what a user was told and what became of it.

Rule 1: a view is: method guard, access, service, then redirect or a page. Which alerts are meant is
    a selection of the signed-in user's, always.
Rule 2: everything works without JavaScript; the page's modules ask the HTTP API for the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from control.deliveries import acts
from control.pages import chart
from control.pages.shared import render
from control.pages.signal_filter import SignalFilter
from control.pages.signal_rows import row_of
from settings_app.numbers import is_number
from settings_app.reporting import counted
from trading.alerts.muting import WantedMute, in_words
from trading.alerts.selection import Selection, alerts_of
from trading.models import Alert, Mute

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

ROWS: Final = 50
SHOWN: Final = 300
"""How many rows a page has at most that is open for long (``rows.js``)."""

COUNTED: Final = 1_000
"""How far matches are counted: behind that, how many more there are helps nobody."""

SPANS: Final = {"1": "1 hour", "8": "8 hours", "24": "1 day", "168": "1 week", "720": "30 days"}


class MuteForm(forms.Form):
    """What is not to be sent for a time; what is left empty is muted altogether."""

    exchange = forms.CharField(required=False, max_length=40)
    symbol = forms.CharField(required=False, max_length=40)
    kind = forms.CharField(required=False, max_length=40)
    hours = forms.ChoiceField(choices=list(SPANS.items()))

    def wanted(self) -> WantedMute:
        """The mute that is asked for."""
        asked = self.cleaned_data
        return WantedMute.written(
            exchange=asked["exchange"],
            symbol=asked["symbol"],
            kind=asked["kind"],
            until=timezone.now() + timedelta(hours=int(asked["hours"])),
        )


# ---------------------------------------------------------------------- reading
@require_safe
@never_cache
def signals(request: UserRequest) -> HttpResponse:
    """What was told, newest first, a page of it; kept current by its modules."""
    asked = SignalFilter(request.GET)
    before, user_id = asked.before_id, request.user.pk
    found = alerts_of(user_id, asked.selection(), before=before)
    page = list(found[: ROWS + 1])
    shown = page[:ROWS]
    older = asked.page_query(before=shown[-1].pk) if len(page) > ROWS else ""
    everything = alerts_of(user_id, asked.selection())
    counted = everything.order_by()[: COUNTED + 1].count()
    total, is_more = min(counted, COUNTED), counted > COUNTED
    return render(
        request,
        "livermore/signals.html",
        page="signals",
        title="Signals",
        form=asked,
        rows=[row_of(alert) for alert in shown],
        total=total,
        is_more=is_more,
        older=older,
        is_first=before is None,
        here=asked.page_query(before=before),
        export=asked.api_query(),
        failed=acts.failed_count(user_id),
        mutes=[_shown_mute(mute) for mute in acts.mutes_of(user_id, timezone.now())],
        to_mute=_alert_to_mute(user_id, request.GET.get("mute", "")),
        spans=SPANS.items(),
        boot={
            "query": asked.api_query(),
            "total": total,
            "isMore": is_more,
            "before": before,
            "isNarrowed": asked.is_narrowed,
            "newest": everything.values_list("pk", flat=True).first() or 0,
            "rows": ROWS,
            "symbols": reverse("admin:symbols"),
            "alerts": reverse("admin:trading_alert_changelist"),
        },
    )


def _shown_mute(mute: Mute) -> dict[str, Any]:
    return {"id": mute.pk, "what": in_words(mute), "until": int(mute.until.timestamp() * 1_000)}


def _alert_to_mute(user_id: int, text: str) -> Alert | None:
    """The signal whose like is to be muted, for who has no JavaScript to fill the form."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return Alert.objects.signals().filter(user_id=user_id, pk=int(text)).first()


# ---------------------------------------------------------------------- acting
@require_POST
def retry_all(request: UserRequest) -> HttpResponse:
    """Have everything sent again that failed."""
    return _retried(request, acts.retry(request.user.pk))


@require_POST
def retry(request: UserRequest, alert_id: int) -> HttpResponse:
    """Have one alert sent again by the ways where it failed, or may have."""
    _own(request, alert_id)
    return _retried(request, acts.retry(request.user.pk, [alert_id], also_uncertain=True))


@require_POST
def acknowledge(request: UserRequest, alert_id: int) -> HttpResponse:
    """Note that one alert was seen."""
    _own(request, alert_id)
    acts.acknowledge(request.user.pk, [alert_id])
    return _back(request)


@require_POST
def acknowledge_shown(request: UserRequest) -> HttpResponse:
    """Note that all alerts of the page were seen that the form names."""
    ids = [int(one) for one in request.POST.getlist("id")[:SHOWN] if is_number(one)]
    count = acts.acknowledge(request.user.pk, ids)
    messages.success(request, f"{counted(count, 'alert')} marked as seen.")
    return _back(request)


@require_POST
def mute(request: UserRequest) -> HttpResponse:
    """Hold alerts back for a time."""
    form = MuteForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was muted: the form was not filled in.")
        return _back(request)
    wanted = form.wanted()
    if faults := wanted.faults(timezone.now()):
        told = "; ".join(f"{field} {fault}" for field, fault in faults.items())
        messages.error(request, f"Nothing was muted: {told}.")
        return _back(request)
    row = acts.mute(request.user.pk, wanted)
    span = SPANS[form.cleaned_data["hours"]]
    messages.success(request, f"Muted for {span}: {in_words(row)}. It is recorded meanwhile.")
    return _back(request)


@require_POST
def unmute(request: UserRequest, mute_id: int) -> HttpResponse:
    """End a mute."""
    if not acts.unmute(request.user.pk, mute_id):
        raise Http404
    messages.success(request, "The mute is over. What comes from now on is sent again.")
    return _back(request)


def _own(request: UserRequest, alert_id: int) -> None:
    """Make sure that an alert is the user's: a stranger's is one that never was."""
    if not alerts_of(request.user.pk, Selection()).filter(pk=alert_id).exists():
        raise Http404


def _retried(request: UserRequest, count: int) -> HttpResponse:
    if count:
        waits = "waits" if count == 1 else "wait"
        text = f"{counted(count, 'delivery', 'deliveries')} {waits} to be sent again."
        messages.success(request, text)
    else:
        messages.info(request, "Nothing had failed, so nothing is sent again.")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the form was on: only what the page itself knows is taken from it."""
    asked = SignalFilter(QueryDict(request.POST.get("here", "")[:1_000]))
    query = asked.page_query(before=asked.before_id)
    return redirect(f"{reverse('admin:signals')}?{query}" if query else "admin:signals")


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The page's addresses behind ``site``'s own guard."""
    view = site.admin_view
    return [
        path("signals/", view(signals), name="signals"),
        path("signals/retry", view(retry_all), name="signals-retry-all"),
        path("signals/seen", view(acknowledge_shown), name="signals-seen"),
        path("signals/<int:alert_id>/retry", view(retry), name="signals-retry"),
        path("signals/<int:alert_id>/seen", view(acknowledge), name="signals-acknowledge"),
        path("signals/mute", view(mute), name="signals-mute"),
        path("signals/mutes/<int:mute_id>/end", view(unmute), name="signals-unmute"),
        *chart.urlpatterns(site),
    ]
