"""``manage.py control COMMAND``: send one command to a runtime and print what became of it."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from control import client
from control import protocol as wire_protocol
from settings_app import desired
from settings_app.models import User


class Command(BaseCommand):
    """Prints the answers as JSON lines; exits 0 only when the command succeeded."""

    help = "Send a command to a user's runtime, wait, and print each answer as one line of JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(wire_protocol.Command)
        parser.add_argument("command_name", metavar="COMMAND", help=f"One of {names}.")
        parser.add_argument("--payload", default="{}", metavar="JSON", help="e.g. '{\"mode\": …}'")
        parser.add_argument(
            "--user", metavar="NAME", help="Whose runtime; without it the only user there is."
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=client.DEFAULT_WAIT_SECONDS,
            metavar="SECONDS",
            help="How long to wait for the result (default: %(default)s).",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = the_user(options["user"])
        payload = read_payload(options["payload"])
        try:
            answer = client.send(
                user, options["command_name"], payload, source="admin", wait=options["wait"]
            )
        except (client.CommandRefused, client.NotSent) as exc:
            raise CommandError(str(exc)) from exc
        for part in (answer.ack, answer.result):
            if part is not None:
                self.stdout.write(part.to_json())
        if answer.result is None:
            self.stderr.write(_unanswered(user, answer, options["wait"]))
        if not answer.applied:
            sys.exit(1)


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


def read_payload(text: str) -> dict[str, Any]:
    """The payload as an object.

    Raises:
        CommandError: If it is not a JSON object.
    """
    try:
        payload = json.loads(text)
    except ValueError as exc:
        raise CommandError(f"--payload must be JSON: {exc}") from None
    if not isinstance(payload, dict):
        raise CommandError('--payload must be a JSON object, such as \'{"mode": "…"}\'')
    return payload


def _unanswered(user: User, answer: client.Answer, wait: float) -> str:
    if hindrance := desired.hindrance(user.pk):
        return f"No answer within {wait:g} s: no worker runs this account, for {hindrance}."
    if answer.recorded is not None:
        return (
            f"No answer within {wait:g} s. The intent is recorded (revision"
            f" {answer.recorded.revision}) and takes effect as soon as a worker runs."
        )
    return f"No answer within {wait:g} s. Is a worker running? Start one with `make run`."
