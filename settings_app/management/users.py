"""The user whom a command names."""

from __future__ import annotations

import difflib

from django.core.management.base import CommandError, CommandParser

from settings_app.models import User


def add_user_option(parser: CommandParser) -> None:
    """``--user NAME``, which has to be given."""
    parser.add_argument("--user", required=True, metavar="NAME", help="Whose settings.")


def user_named(name: str) -> User:
    """The user of that name.

    Raises:
        CommandError: If there is none; it names the nearest.
    """
    user = User.objects.filter(username=name).first()
    if user is not None:
        return user
    names = User.objects.order_by("username").values_list("username", flat=True)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    hint = f"the nearest is {near[0]}" if near else "there are no users yet"
    raise CommandError(f"There is no user {name}; {hint}.")
