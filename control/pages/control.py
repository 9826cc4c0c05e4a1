"""The control panel and the commands that any page sends.

Rule 1: a view is: method guard, access, service, then redirect, JSON or a page.
Rule 2: a client that accepts JSON gets JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from redis.exceptions import RedisError

from control import client
from control.client import Answer, CommandRefused, NotSent
from control.pages import panel
from control.pages.shared import heard_by, render, wants_json
from control.protocol import Command, Origin
from settings_app.api.access import is_of
from trading.core.market import Timeframe

if TYPE_CHECKING:
    from control.pages.shared import UserRequest

WAIT_SECONDS = 3.0  # for the answer, where no socket will bring it
OFFERED = (
    Command.PAUSE,
    Command.RESUME,
    Command.SWITCH_MODE,
    Command.RELOAD_SETTINGS,
    Command.FORCE_BACKFILL,
    Command.CLEAR_CACHE,
    Command.UNDO,
)
# What each takes of the form's fields; the rest is left to the client to refuse.
FIELDS = {
    Command.SWITCH_MODE: ("mode",),
    Command.FORCE_BACKFILL: ("symbol", "exchange", "timeframes"),
    Command.CLEAR_CACHE: ("scope", "symbol", "exchange", "timeframe"),
}


class CommandForm(forms.Form):
    """What the panel may send. Whether a payload is a good one is the client's to say."""

    command = forms.ChoiceField(choices=[(command, command) for command in OFFERED])
    mode = forms.CharField(required=False, max_length=40)
    scope = forms.CharField(required=False, max_length=40)
    symbol = forms.CharField(required=False, max_length=40)
    exchange = forms.CharField(required=False, max_length=40)
    timeframe = forms.CharField(required=False, max_length=40)
    timeframes = forms.MultipleChoiceField(
        required=False, choices=[(str(timeframe), str(timeframe)) for timeframe in Timeframe]
    )

    def payload(self) -> dict[str, Any]:
        """The command's payload, without what was left empty."""
        names = FIELDS.get(Command(self.cleaned_data["command"]), ())
        given = {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}
        if "symbol" in given:
            given["symbol"] = given["symbol"].upper()
        return given


@require_safe
@never_cache
def control(request: UserRequest) -> HttpResponse:
    """The panel: everything that is known now; kept current by its modules."""
    context = panel.context(request.user, heard_by(request, request.user))
    return render(
        request, "livermore/control.html", page="control", title="Control panel", **context
    )


@require_POST
def command(request: UserRequest) -> HttpResponse:
    """Send one command. JSON: 202 as soon as it is sent. A form: the answer, if it comes soon."""
    if not is_of(request, request.user):  # the page of whoever was signed in before
        return JsonResponse({"message": "You are signed out."}, status=401)
    form = CommandForm(request.POST)
    as_json = wants_json(request)
    if not form.is_valid():
        return _refused(request, "That command is not known here.", as_json=as_json, status=400)
    name = form.cleaned_data["command"]
    try:
        answer = client.send(
            request.user,
            name,
            form.payload(),
            origin=Origin(who=request.user.get_username(), via="panel"),
            wait=None if as_json else WAIT_SECONDS,
        )
    except CommandRefused as exc:
        return _refused(request, str(exc), as_json=as_json, status=422)
    except NotSent:
        text = "Redis is not reachable. Nothing was sent; try again when it is back."
        return _refused(request, text, as_json=as_json, status=503)
    if as_json:
        return JsonResponse(_sent(answer), status=202)
    _report(request, name, answer)
    return redirect("admin:control")


@require_GET
@never_cache
def result(request: UserRequest, command_id: UUID) -> HttpResponse:
    """The last answer to one of the user's own commands; 404 for every other id there is."""
    try:
        answer = client.result(request.user, str(command_id))
    except RedisError:
        return JsonResponse({"message": "Redis is not reachable."}, status=503)
    if answer is None:
        return JsonResponse({"message": "No answer to such a command."}, status=404)
    return JsonResponse(answer.to_dict())


def _sent(answer: Answer) -> dict[str, object]:
    body: dict[str, object] = {"commandId": answer.command_id, "sent": answer.sent}
    if answer.recorded is not None:
        body["desired"] = answer.recorded.to_dict()
    return body


def _refused(request: HttpRequest, text: str, *, as_json: bool, status: int) -> HttpResponse:
    if as_json:
        return JsonResponse({"message": text}, status=status)
    messages.error(request, text)
    return redirect("admin:control")


def _report(request: HttpRequest, name: str, answer: Answer) -> None:
    if answer.result is not None:
        text = f"{name}: {answer.result.status}"
        if answer.result.message:
            text = f"{text}. {answer.result.message}"
        level = messages.SUCCESS if answer.result.success else messages.ERROR
        messages.add_message(request, level, text)
    elif answer.recorded is not None:
        messages.warning(
            request, f"{name}: recorded, not yet applied. The runtime will do it when it is back."
        )
    else:
        messages.warning(request, f"{name}: sent, and not answered yet.")


def urlpatterns(site: AdminSite) -> list[URLPattern]:
    """The panel's addresses behind ``site``'s own guard."""
    return [
        path("control/", site.admin_view(control), name="control"),
        path("control/command", site.admin_view(command), name="control-command"),
        path("control/result/<uuid:command_id>", site.admin_view(result), name="control-result"),
    ]
