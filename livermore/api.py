"""The HTTP API: the rooms' routers, one guard before all of them, one way to err.

Rule 1: every operation is behind `StaffSession`; a router brings no guard of its own.
Rule 2: every error is a problem (`settings_app.problems`): those of the services, of ninja, and
    those that nobody expected.
Rule 3: nothing here decides anything about settings or runtimes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema

from control.api.alerts.acting import router as acting_router
from control.api.alerts.mutes import router as mutes_router
from control.api.alerts.routes import router as alerts_router
from control.api.alerts.trial import router as trial_router
from control.api.commands import router as commands_router
from control.api.credentials import router as credentials_router
from control.api.foreseen import router as foreseen_router
from control.api.problems import KINDS as RUNTIME_KINDS
from control.api.symbols import charts, editing, importing, reading, scanning
from settings_app import problems
from settings_app.api.access import StaffSession
from settings_app.api.description import complete
from settings_app.api.routes import router as settings_router
from settings_app.problems import (
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    Problem,
    of_status,
    problem_of,
)

View = Callable[..., HttpResponse]

DESCRIPTION = """\
Your own settings, your own runtime, and what you were told. Whose they are is said by the session:
sign in at `/admin/login/`. Requests that send something need the CSRF token in `X-CSRFToken`.
`docs/api.md` has examples for the command line.
"""

guard = StaffSession()


class Docs(Swagger):
    """Swagger UI as ninja brings it, on a page of ours that the content security policy allows."""

    template = "livermore/api_docs.html"


class LivermoreAPI(NinjaAPI):
    """Ninja's API, with the settings document described by its own schema."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The OpenAPI document."""
        document = super().get_openapi_schema(**options)
        complete(document, (*problems.KINDS, *RUNTIME_KINDS))
        return document


def _guarded(view: View) -> View:
    """The guard of the operations, before what describes them."""

    @csrf_exempt  # it is only read
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, **options: Any) -> HttpResponse:
        try:
            guard(request)
            return view(request, **options)
        except Problem as problem:
            # A person follows a link to the manual; only programs want to read a problem.
            if problem.kind is NOT_SIGNED_IN and "text/html" in request.headers.get("Accept", ""):
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return problem.to_response()
        except Exception as exc:  # noqa: BLE001 - the boundary: what is not expected is logged
            return problem_of(exc).to_response()

    return guarded


api = LivermoreAPI(
    title="Livermore",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    auth=guard,
    openapi_url="/openapi.json",
    docs_url="/docs",
    docs=Docs(
        settings={
            "validatorUrl": None,  # nobody else is to check it: the default asks its makers' server
            "deepLinking": False,  # it puts a link into the button of each operation
            "docExpansion": "list",
            "tryItOutEnabled": True,
        }
    ),
    docs_decorator=_guarded,
)
api.add_router("/settings", settings_router)
api.add_router("/settings", credentials_router)
api.add_router("/control", commands_router)
api.add_router("/control", foreseen_router)
ROUTERS = (
    alerts_router,
    acting_router,
    trial_router,
    mutes_router,
    importing.router,
    editing.router,
    reading.router,
    scanning.router,
    charts.router,
)
for router in dict.fromkeys(ROUTERS):  # some have one in common
    api.add_router("", router)


# ---------------------------------------------------------------------- errors
@api.exception_handler(Http404)
@api.exception_handler(Exception)
def _refuse(request: HttpRequest, exc: Exception) -> HttpResponse:
    return problem_of(exc).to_response()


@api.exception_handler(HttpError)
def _refuse_as_ninja_does(request: HttpRequest, exc: HttpError) -> HttpResponse:
    return Problem(of_status(HTTPStatus(exc.status_code)), str(exc)).to_response()


@api.exception_handler(ValidationError)
def _refuse_parameters(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    names = sorted({str(error["loc"][-1]) for error in exc.errors})
    return Problem(MALFORMED_REQUEST, f"Wrong or missing: {', '.join(names)}.").to_response()


# ---------------------------------------------------------------------- addresses
@csrf_exempt  # nothing is done
def _nothing_here(request: HttpRequest) -> HttpResponse:
    detail = "The API has no such address; /api/openapi.json describes those that there are."
    return Problem(NOT_FOUND, detail).to_response()


def urlpatterns() -> list[URLPattern | URLResolver]:
    """Everything under ``/api``: nothing of it falls through to a page or a redirect."""
    return [
        path("api/", _nothing_here),  # before ninja's own root, which has nothing to show
        path("api/", api.urls),
        re_path(r"^api(?:/.*)?$", _nothing_here),
    ]
