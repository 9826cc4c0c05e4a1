"""The control panel's pages and addresses, inside the admin.

Rule 1: a view is: method guard, access, service, then redirect, JSON or a page.
Rule 2: whose runtime is meant is the signed-in user's, always.
Rule 3: everything works without JavaScript; a client that accepts JSON gets JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from redis.exceptions import RedisError

from control import client, panel
from control.client import Answer, CommandRefused, NotSent
from control.panel import Heard
from control.protocol import Command, Origin
from settings_app.models import User

if TYPE_CHECKING:

    class UserRequest(HttpRequest):
        """A request behind the admin's guard: somebody is signed in."""

        user: User
        runtime_heard: Heard  # what the page shows, so that its header shows the same


WAIT_SECONDS = 3.0  # for the answer, where no socket will bring it
OFFERED = (
    Command.PAUSE,
    Command.RESUME,
    Command.SWITCH_MODE,
    Command.RELOAD_SETTINGS,
    Command.UNDO,
)


class CommandForm(forms.Form):
    """What the panel may send. Whether a mode can be switched to is the client's to say."""

    command = forms.ChoiceField(choices=[(command, command) for command in OFFERED])
    mode = forms.CharField(required=False, max_length=40)

    def payload(self) -> dict[str, str]:
        """The command's payload, without what was left empty."""
        if self.cleaned_data["command"] != Command.SWITCH_MODE:
            return {}
        return {"mode": self.cleaned_data["mode"]}


@require_safe
@never_cache
def control(request: UserRequest) -> HttpResponse:
    """The panel: everything that is known now; kept current by its modules."""
    heard = panel.listen(request.user)
    request.runtime_heard = heard
    context = {
        **admin.site.each_context(request),
        **panel.context(request.user, heard),
        "title": "Control panel",
        "page": "control",
    }
    return TemplateResponse(request, "livermore/control.html", context)


@require_POST
def command(request: UserRequest) -> HttpResponse:
    """Send one command. JSON: 202 as soon as it is sent. A form: the answer, if it comes soon."""
    form = CommandForm(request.POST)
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    if not form.is_valid():
        return _refused(request, "That command is not known here.", as_json=wants_json, status=400)
    name = form.cleaned_data["command"]
    try:
        answer = client.send(
            request.user,
            name,
            form.payload(),
            origin=Origin(who=request.user.get_username(), via="panel"),
            wait=None if wants_json else WAIT_SECONDS,
        )
    except CommandRefused as exc:
        return _refused(request, str(exc), as_json=wants_json, status=422)
    except NotSent:
        text = "Redis is not reachable. Nothing was sent; try again when it is back."
        return _refused(request, text, as_json=wants_json, status=503)
    if wants_json:
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
