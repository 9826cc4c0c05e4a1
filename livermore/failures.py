"""The page in the place of one that could not be made.

Rule 1: nothing here asks the database, Redis or a session: that may be what has failed.
Rule 2: a database that is away is no error of the program, and is not said to be one.
"""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

RETRY_SECONDS = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """Say what has failed, and what to do; Django has logged it."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(
            render_to_string("503.html"),
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)
