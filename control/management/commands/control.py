"""``manage.py control COMMAND``: send one command to a runtime and print what became of it."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from control import client
from control import protocol as wire_protocol
from control.management.columns import in_columns, one_line
from control.management.users import add_user_option, the_user
from control.management.waiting import seconds
from control.phrases import Unclear, payload_of, usage
from control.protocol import HistoryEntry, Origin
from settings_app import desired
from settings_app.models import User

HISTORY = "history"
COLUMNS = ("when (UTC)", "who", "via", "command", "answer", "ms", "message")
LONGEST_MESSAGE = 60


class Command(BaseCommand):
    """Prints the answers as JSON lines; exits 0 only when the command succeeded."""

    help = (
        "Send a command to a user's runtime, wait, and print each answer as one line of JSON; or "
        "print the history of the commands."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join([*wire_protocol.Command, HISTORY])
        parser.add_argument("command_name", metavar="COMMAND", help=f"One of {names}.")
        parser.add_argument(
            "words", nargs="*", default=[], metavar="WORD", help=f"What it is about: {usage()}."
        )
        parser.add_argument("--exchange", metavar="NAME", help="Where; by default the primary one.")
        parser.add_argument("--payload", metavar="JSON", help="All of it, instead of words.")
        add_user_option(parser)
        parser.add_argument(
            "--wait",
            type=seconds,
            default=client.DEFAULT_WAIT_SECONDS,
            metavar="SECONDS",
            help="How long to wait for the result (default: %(default)s).",
        )
        parser.add_argument("--yes", action="store_true", help="clear-cache: do not ask.")
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="history: how many lines."
        )
        parser.add_argument("--json", action="store_true", help="history: as lines of JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = the_user(options["user"])
        if options["command_name"] == HISTORY:
            self._show_history(user, options)
        else:
            self._send(user, options)

    def _send(self, user: User, options: dict[str, Any]) -> None:
        name, payload = options["command_name"], the_payload(options)
        try:
            if name == wire_protocol.Command.CLEAR_CACHE and not options["yes"]:
                # Nobody is asked about what would be refused.
                wanted = client.compose(name, payload, source="admin").payload
                confirm(f"Clear the cache of {user.get_username()}: {json.dumps(wanted)}?")
            answer = client.send(
                user, name, payload, origin=at_the_terminal(), wait=options["wait"]
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

    def _show_history(self, user: User, options: dict[str, Any]) -> None:
        limit = options["limit"]
        if not 1 <= limit <= wire_protocol.HISTORY_LENGTH:
            raise CommandError(f"--limit must be from 1 to {wire_protocol.HISTORY_LENGTH}")
        if options["words"]:
            raise CommandError("history takes no words; --limit says how many lines")
        try:
            entries = client.history(user, limit=limit).entries
        except RedisError as exc:
            raise CommandError(f"Redis is not reachable: {exc}") from exc
        if options["json"]:
            for entry in entries:
                self.stdout.write(entry.to_json())
        elif entries:
            self.stdout.write(table(entries))
        else:
            self.stderr.write("No command has been answered yet.")


def the_payload(options: dict[str, Any]) -> dict[str, Any]:
    """The payload, from words or from JSON.

    Raises:
        CommandError: If it is said in both, or cannot be understood.
    """
    words, exchange = options["words"], options["exchange"]
    if options["payload"] is None:
        try:
            return payload_of(options["command_name"], words, exchange=exchange)
        except Unclear as exc:
            raise CommandError(str(exc)) from None
    if words or exchange is not None:
        raise CommandError("say it in words, or with --payload; not both")
    return read_payload(options["payload"])


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


def confirm(question: str) -> None:
    """Ask a person.

    Raises:
        CommandError: If they do not agree, or nobody is there.
    """
    try:
        agreed = input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        raise CommandError("nobody is there to ask; --yes goes ahead without") from None
    if not agreed:
        raise CommandError("nothing was sent")


def at_the_terminal() -> Origin:
    """Whoever runs this, by their account on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        name = ""
    return Origin(who=name[:150], via="command line")


def table(entries: tuple[HistoryEntry, ...]) -> str:
    """Lines of the history, newest first, in columns."""
    return in_columns([COLUMNS, *(_cells(entry) for entry in entries)])


def _cells(entry: HistoryEntry) -> tuple[str, ...]:
    at = datetime.fromtimestamp(entry.at / 1_000, tz=UTC)
    return (
        at.strftime("%Y-%m-%d %H:%M:%S"),
        entry.who or "-",
        entry.via,
        f"{entry.command} {entry.detail}".strip(),
        entry.status,
        str(entry.ms),
        one_line(entry.message or "", LONGEST_MESSAGE),
    )


def _unanswered(user: User, answer: client.Answer, wait: float) -> str:
    if hindrance := desired.hindrance(user.pk):
        return f"No answer within {wait:g} s: no worker runs this account, for {hindrance}."
    if answer.recorded is not None:
        return (
            f"No answer within {wait:g} s. The intent is recorded (revision"
            f" {answer.recorded.revision}) and takes effect as soon as a worker runs."
        )
    return f"No answer within {wait:g} s. Is a worker running? Start one with `make run`."
