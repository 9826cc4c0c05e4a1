"""Who may use the API: active staff with a session, and a CSRF token where something is sent.

Rule 1: the user comes from the session, never from what is sent.
Rule 2: a page says whom it was made for. Where another person has signed in meanwhile, nothing is
    theirs to see in it or to change from it, also where its token would do.
Rule 3: who nobody is learns that first: without a session there is no word about tokens.
"""

from __future__ import annotations

from typing import Final, cast

from django.http import HttpRequest
from django.urls import reverse
from ninja.security import SessionAuth
from ninja.utils import check_csrf

from settings_app.models import User
from settings_app.problems import CSRF_FAILED, NOT_SIGNED_IN, NOT_STAFF, Problem

PAGE_HEADER: Final = "Livermore-User"
TOKEN_HEADER: Final = "X-CSRFToken"  # noqa: S105 - the name of a header


class StaffSession(SessionAuth):
    """Django's session of an active member of the staff."""

    def __call__(self, request: HttpRequest) -> User:
        """Who is signed in.

        Raises:
            Problem: If nobody is, they are not on the staff, or a token is missing.
        """
        user = self.authenticate(request, None)
        if not isinstance(user, User):
            raise _not_signed_in()
        if not (user.is_active and user.is_staff):
            raise Problem(NOT_STAFF, "A superuser can give this account staff status.")
        if not is_of(request, user):
            raise _not_signed_in("This page was made for another user. ")
        if check_csrf(request) is not None:
            detail = f"Send the value of the CSRF cookie in the header {TOKEN_HEADER}."
            if request.is_secure():
                detail += " Over https send Origin or Referer as well."
            raise Problem(CSRF_FAILED, detail)
        return user


def is_of(request: HttpRequest, user: User) -> bool:
    """Whether a request comes from a page that was made for this user, or from no page."""
    return request.headers.get(PAGE_HEADER, user.sub) == user.sub


def user_of(request: HttpRequest) -> User:
    """Who makes a request that a guard has let in."""
    return cast("User", request.user)


def _not_signed_in(why: str = "") -> Problem:
    sign_in = reverse("admin:login")
    return Problem(
        NOT_SIGNED_IN,
        f"{why}Sign in at {sign_in} and send the session's cookie.",
        # RFC 9110, section 15.5.2, asks for a challenge; browsers show nothing for this one.
        headers={"WWW-Authenticate": f'Cookie realm="Livermore", form-action="{sign_in}"'},
    )
