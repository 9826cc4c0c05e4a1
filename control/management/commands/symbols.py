"""``manage.py symbols``: find markets, keep the watchlist, import and export it, scan."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError
from redis.exceptions import RedisError

from control.client import Answer, CommandRefused, NotSent
from control.management import markets, watching
from control.management.commands.control import at_the_terminal, confirm
from control.management.users import add_user_option, the_user
from control.management.waiting import seconds
from control.symbols import (
    changes,
    exporting,
    importing,
    metrics,
    scanning,
    scans,
    statuses,
)
from control.symbols.admitting import NotAdmitted
from control.symbols.changed import Changed, Deed
from control.symbols.editing import WAIT_SECONDS
from control.symbols.equivalents import related
from control.symbols.importing import ImportOutdated
from control.symbols.listings import ListingUnknown
from control.symbols.metrics import FiguresUnknown, MarketUnknown
from control.symbols.parsing import FileRefused, Format
from control.symbols.scanning import ScanRefused
from control.symbols.statuses import SymbolState
from control.symbols.watchlist import Outcome, Tagging
from settings_app import services
from settings_app.errors import SettingsError
from settings_app.models import User
from trading.core.market import Market

Options = dict[str, Any]

REFUSALS: Final = (
    CommandRefused,
    NotAdmitted,
    NotSent,
    ScanRefused,
    FiguresUnknown,
    FileRefused,
    ImportOutdated,
    ListingUnknown,
    MarketUnknown,
    SettingsError,
)
CHANGING: Final = {
    "add": "Watch symbols; those that are on the list are enabled.",
    "remove": "Take symbols off the list.",
    "enable": "Switch rows of the list on.",
    "disable": "Switch rows off; they stay on the list.",
    "tag": "Set, add or take away categories.",
    "move": "Move a row to another place.",
}
STANDARD: Final = "-"  # the standard input or output


class Command(BaseCommand):
    """Exits 0 when what was asked is done. What changes the watchlist says what the runtime did."""

    help = "Find markets, see and change what is watched, import, export, scan."

    def add_arguments(self, parser: CommandParser) -> None:
        acting = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        search = acting.add_parser("search", help="Find markets by symbol, base, quote or name.")
        search.add_argument("query", nargs="?", default="", metavar="TEXT")
        search.add_argument("--exchange", help="Where; without it the primary exchange.")
        search.add_argument("--quote", help="Only those priced in this.")
        search.add_argument("--limit", type=int, default=metrics.USUAL, metavar="N")
        show = acting.add_parser("show", help="Show one market with its figures of now.")
        show.add_argument("symbol")
        show.add_argument("--exchange", help="Where; without it the primary exchange.")
        listing = acting.add_parser("list", help="Show how every symbol is doing.")
        listing.add_argument("--state", choices=[str(state) for state in SymbolState])
        listing.add_argument("--category")
        listing.add_argument("--exchange")
        self._add_changing(acting)
        bringing = acting.add_parser("import", help="Show what a file would change, and change it.")
        bringing.add_argument("file", metavar="FILE", help="CSV or JSON; - reads what is piped in.")
        bringing.add_argument("--format", choices=[str(form) for form in Format])
        bringing.add_argument("--preview", action="store_true", help="Only show it.")
        bringing.add_argument("--yes", action="store_true", help="Do not ask.")
        taking = acting.add_parser("export", help="Write the watchlist as such a file.")
        taking.add_argument("file", nargs="?", default=STANDARD, metavar="FILE")
        taking.add_argument("--format", choices=[str(form) for form in Format], default="csv")
        scan = acting.add_parser("scan", help="Have the scanner propose what to watch.")
        scan.add_argument("--last", action="store_true", help="Only show the last proposal.")
        approve = acting.add_parser("approve", help="Do what is selected of a proposal.")
        approve.add_argument("run", type=int, nargs="?", metavar="RUN", help="Else the last one.")
        approve.add_argument("--add", nargs="*", metavar="SYMBOL", help="Without it all of them.")
        approve.add_argument("--remove", nargs="*", default=[], metavar="SYMBOL")
        for parts in (search, show, listing, bringing, scan):
            parts.add_argument("--json", action="store_true", help="As lines of JSON.")
        for act in (*CHANGING, "import", "approve"):
            waiting = acting.choices[act].add_argument("--wait", type=seconds, default=WAIT_SECONDS)
            waiting.metavar, waiting.help = "SECONDS", "For the runtime's answer, at most."
        for parts in acting.choices.values():
            add_user_option(parts)

    def _add_changing(self, acting: Any) -> None:
        """The acts that change rows of the watchlist."""
        for act, text in CHANGING.items():
            parts = acting.add_parser(act, help=text)
            parts.add_argument("symbols", nargs=1 if act == "move" else "+", metavar="SYMBOL")
            parts.add_argument("--exchange", help="Whose; without it the primary exchange's.")
            if act == "add":
                parts.add_argument("--category", action="append", help="Once for each of them.")
            elif act == "tag":
                how = parts.add_mutually_exclusive_group(required=True)
                for tagging in Tagging:
                    how.add_argument(f"--{tagging}", nargs="*", metavar="CATEGORY", dest=tagging)
            elif act == "move":
                where = parts.add_mutually_exclusive_group(required=True)
                where.add_argument("--to", type=int, metavar="N", help="Its place, from 0.")
                where.add_argument("--before", metavar="SYMBOL", help="The row that follows it.")

    def handle(self, *_args: Any, **options: Any) -> None:
        acts: dict[str, Callable[[User, Options], None]] = {
            "search": self._search,
            "show": self._show,
            "list": self._list,
            "add": self._add,
            "remove": self._remove,
            "enable": partial(self._change, changes.enable),
            "disable": partial(self._change, changes.disable),
            "tag": self._tag,
            "move": self._move,
            "import": self._import,
            "export": self._export,
            "scan": self._scan,
            "approve": self._approve,
        }
        try:
            acts[options["act"]](the_user(options["user"]), options)
        except REFUSALS as exc:
            raise CommandError(str(exc)) from None
        except RedisError as exc:
            raise CommandError(f"Redis does not answer ({exc}); nothing was changed.") from None
        except ValidationError:
            raise CommandError(
                "The worker is of another version; its status cannot be read."
            ) from None

    # -- looking

    def _search(self, user: User, options: Options) -> None:
        limit = options["limit"]
        if not 1 <= limit <= metrics.MOST:
            raise CommandError(f"--limit must be from 1 to {metrics.MOST}")
        found = metrics.search_markets(
            user,
            options["query"],
            exchange=options["exchange"],
            quote=options["quote"],
            limit=limit,
        )
        if options["json"]:
            for market in found.markets:
                self.stdout.write(markets.market_line(market))
        elif found.markets:
            self.stdout.write(markets.markets_table(found.markets))
        else:
            self.stderr.write(f"{found.label} lists nothing like that.")
        if found.note:
            self.stderr.write(found.note)

    def _show(self, user: User, options: Options) -> None:
        exchange = options["exchange"] or _primary_exchange(user)
        measured = metrics.market_of(user, exchange, options["symbol"])
        if options["json"]:
            self.stdout.write(markets.measured_line(measured))
            return
        for line in markets.market_lines(measured):
            self.stdout.write(line)

    def _list(self, user: User, options: Options) -> None:
        reports = [
            report
            for report in statuses.symbols_of(user)
            if options["state"] in {None, str(report.state)}
            and options["exchange"] in {None, report.market.exchange}
            and (options["category"] is None or options["category"] in report.categories)
        ]
        if not reports:
            self.stderr.write(f"{user.username} watches nothing like that.")
            return
        linked = related(services.read(user.pk).document, [one.market for one in reports])
        if options["json"]:
            for report in reports:
                self.stdout.write(watching.report_line(report, linked))
            return
        self.stdout.write(watching.reports_table(reports, linked))
        for note in linked.notes:
            self.stderr.write(note)

    # -- changing

    def _add(self, user: User, options: Options) -> None:
        named, categories = _markets(user, options), options["category"]
        if len(named) == 1 and categories is None and statuses.heard(user) is not None:
            self._say_answer(changes.add_one(user, named[0], **_how(options)))
            return
        wanted = dict.fromkeys(named, categories)
        self._say(changes.add(user, wanted, by=user, **_how(options)))

    def _remove(self, user: User, options: Options) -> None:
        named = _markets(user, options)
        if len(named) == 1 and statuses.heard(user) is not None:
            self._say_answer(changes.remove_one(user, named[0], **_how(options)))
        else:
            self._change(changes.remove, user, options)

    def _change(self, act: Callable[..., Changed], user: User, options: Options) -> None:
        self._say(act(user, _markets(user, options), by=user, **_how(options)))

    def _tag(self, user: User, options: Options) -> None:
        tagging = next(one for one in Tagging if options[one] is not None)
        tags, named = options[tagging], _markets(user, options)
        how = _how(options)
        self._say(changes.categorise(user, named, tags, tagging, by=user, **how))

    def _move(self, user: User, options: Options) -> None:
        [market], to = _markets(user, options), options["to"]
        if options["before"] is not None:
            to = Market(market.exchange, options["before"])
        self._say(changes.move(user, market, to, by=user, **_how(options)))

    def _say(self, changed: Changed) -> None:
        """What became of it; exit 1 where not all of it is in effect by the word of a runtime."""
        for line in (changed.message, *changed.notes):
            self.stdout.write(line)
        is_unknown = Outcome.NOT_ON_THE_LIST in changed.outcomes.values()
        if not changed.applied or (is_unknown and changed.deed is not Deed.REMOVED):
            sys.exit(1)

    def _say_answer(self, answer: Answer) -> None:
        """What the runtime has answered, likewise."""
        result = answer.result
        if result is None:
            raise CommandError("The runtime has not answered in time; it may still do it.")
        if not result.success:
            raise CommandError(result.message or "It was not done.")
        self.stdout.write(result.message or "Done.")

    # -- the scanner

    def _scan(self, user: User, options: Options) -> None:
        run = scans.last(user.pk) if options["last"] else scanning.preview(user)
        if run is None:
            raise CommandError("There is no scan yet; `symbols scan` makes one.")
        if options["json"]:
            self.stdout.write(watching.scan_line(run))
            return
        if run.rows:
            self.stdout.write(watching.scan_table(run))
        for line in watching.scan_notes(run):
            self.stderr.write(line)

    def _approve(self, user: User, options: Options) -> None:
        number = options["run"]
        if number is None and (last := scans.last(user.pk)) is not None:
            number = last.pk
        if number is None:
            raise CommandError("There is no scan yet; `symbols scan` makes one.")
        add, remove = options["add"], options["remove"]
        done = scanning.approve(user, number, add=add, remove=remove, by=user, **_how(options))
        self.stdout.write(done.message)
        if not done.applied:
            sys.exit(1)

    # -- files

    def _import(self, user: User, options: Options) -> None:
        form = Format(options["format"]) if options["format"] else None
        shown = importing.preview(user, _read(options["file"]), form)
        if options["json"]:
            for row in shown.rows:
                self.stdout.write(watching.previewed_line(row))
        elif table := watching.preview_table(shown):
            self.stdout.write(table)
        for line in (shown.message, *shown.notes):
            self.stderr.write(line)
        if options["preview"] or not shown.changes:
            return
        if not options["yes"]:
            confirm(f"Change {shown.changes} rows of the watchlist of {user.username}?")
        applied = importing.apply(user, shown, by=user, **_how(options))
        self.stderr.write(applied.message)
        if not applied.edited.applied:
            sys.exit(1)

    def _export(self, user: User, options: Options) -> None:
        text = exporting.export(user, Format(options["format"]))
        if options["file"] == STANDARD:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["file"]).write_text(text, encoding="utf-8")
        except OSError as exc:
            raise CommandError(f"{options['file']}: {exc.strerror or exc}") from None


def _primary_exchange(user: User) -> str:
    return str(services.read(user.pk).document.perseus_profile.primary_exchange)


def _how(options: Options) -> dict[str, Any]:
    """By what it is changed, and how long the runtime is waited for."""
    return {"origin": at_the_terminal(), "wait": options["wait"]}


def _markets(user: User, options: Options) -> list[Market]:
    """The markets that are named, each once."""
    named = (changes.market_named(user, one, options["exchange"]) for one in options["symbols"])
    return list(dict.fromkeys(named))


def _read(name: str) -> bytes:
    if name == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise CommandError(f"{name}: {exc.strerror or exc}") from None
