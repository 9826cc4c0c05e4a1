"""What the pages have in common: whose request it is, and how a page is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from control.heard import Heard, listen
from settings_app.models import User
from trading.alerts.reader import Reader

if TYPE_CHECKING:

    class UserRequest(HttpRequest):
        """A request behind the admin's guard: somebody is signed in."""

        user: User
        reader: Reader  # how its user has moments written


def heard_by(request: HttpRequest, user: User) -> Heard:
    """What this request shows of a runtime: asked once, the same in header and page."""
    heard: Heard | None = getattr(request, "runtime_heard", None)
    if heard is None:
        heard = listen(user)
        request.runtime_heard = heard  # type: ignore[attr-defined]  # as long as the request
    return heard


def render(
    request: UserRequest,
    template: str,
    *,
    page: str,
    title: str,
    code: int = 200,
    **context: Any,
) -> TemplateResponse:
    """A page of ours, inside the admin.

    Args:
        code: The HTTP status.
        page: Its name in the side bar: ``control``, ``settings``, ``symbols``, ``signals``.
        context: What its template asks for beside the admin's own. ``boot`` is the data for its
            modules.
    """
    return TemplateResponse(
        request,
        template,
        {**admin.site.each_context(request), **context, "title": title, "page": page},
        status=code,
    )


def wants_json(request: HttpRequest) -> bool:
    """Whether a module of ours asks, and not a browser that sends a form."""
    return request.accepts("application/json") and not request.accepts("text/html")
