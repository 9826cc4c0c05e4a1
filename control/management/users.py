"""Whose runtime a command line means."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import CommandError, CommandParser

from control.database import AWAY
from settings_app.models import User


def add_user_option(parser: CommandParser) -> None:
    """``--user NAME``, which may be left out where there is only one."""
    parser.add_argument(
        "--user", metavar="NAME", help="Whose runtime; without it the only user there is."
    )


def refuse_unknown(names: Sequence[str]) -> None:
    """Let no misspelt name pass: a worker would wait for that user for ever, and say nothing.

    Without PostgreSQL nobody knows; then the worker waits for it, as for everything.

    Raises:
        CommandError: With the first name that no user has.
    """
    try:
        known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    except AWAY:
        return
    for name in names:
        if name not in known:
            raise CommandError(f"There is no user '{name}'.")


def the_user(name: str | None) -> User:
    """The user of that name, or the only one who can have a runtime.

    Raises:
        CommandError: If there is none, or more than one and no name.
    """
    if name is not None:
        try:
            return User.objects.get(username=name)
        except User.DoesNotExist:
            raise CommandError(f"There is no user '{name}'.") from None
    users = list(User.objects.filter(is_active=True, is_staff=True).order_by("pk")[:2])
    if not users:
        raise CommandError("There is no active staff user; create one with createsuperuser.")
    if len(users) > 1:
        raise CommandError("There are several users; say which with --user NAME.")
    return users[0]
