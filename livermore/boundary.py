"""What leaves the API's addresses, whoever answered.

Rule 1: an error is a problem, never a page: also where Django refused before anybody was asked.
Rule 2: an answer belongs to who asked for it: no cache shows it to anybody else.
Rule 3: what was answered is not judged here, only its form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware

from settings_app.problems import CONTENT_TYPE, Problem, of_status

Answering = Callable[[HttpRequest], HttpResponseBase]
AnsweringAsync = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

DETAILS = {
    HTTPStatus.METHOD_NOT_ALLOWED: "Allow says which methods this address has.",
    HTTPStatus.BAD_REQUEST: "The request is incomplete or malformed.",
}


@sync_and_async_middleware
def api_boundary(get_response: Answering | AnsweringAsync) -> Answering | AnsweringAsync:
    """The middleware. It belongs before all others, to see what they refuse."""
    if iscoroutinefunction(get_response):
        answer_async = cast("AnsweringAsync", get_response)

        async def bounded_async(request: HttpRequest) -> HttpResponseBase:
            return _bounded(request, await answer_async(request))

        return bounded_async

    answer = cast("Answering", get_response)

    def bounded(request: HttpRequest) -> HttpResponseBase:
        return _bounded(request, answer(request))

    return bounded


def _bounded(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.path_info != "/api" and not request.path_info.startswith("/api/"):
        return response
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        _say_what_is_allowed(request, response)
    if isinstance(response, HttpResponse) and response.status_code >= HTTPStatus.BAD_REQUEST:
        _make_a_problem(response)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ["Cookie"])
    return response


def _say_what_is_allowed(request: HttpRequest, response: HttpResponseBase) -> None:
    """Order the methods, and answer OPTIONS, for which there are no operations."""
    methods = {method.strip() for method in response["Allow"].split(",")} | {"OPTIONS"}
    response["Allow"] = ", ".join(sorted(methods))
    if request.method == "OPTIONS" and isinstance(response, HttpResponse):
        response.status_code = HTTPStatus.NO_CONTENT
        response.content = b""
        del response["Content-Type"], response["Content-Length"]


def _make_a_problem(response: HttpResponse) -> None:
    """Put a problem in the place of another error's page; its headers stay."""
    if response["Content-Type"] == CONTENT_TYPE:
        return
    status = HTTPStatus(response.status_code)
    problem = Problem(of_status(status), DETAILS.get(status, "The request was refused."))
    response.content = problem.to_response().content
    response["Content-Type"] = CONTENT_TYPE
    response["Content-Length"] = str(len(response.content))
