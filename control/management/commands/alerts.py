"""``manage.py alerts``: what a user was told, and what may be done about it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from control.api.alerts.answers import MuteAnswer
from control.api.alerts.parameters import MOST
from control.deliveries import acts
from control.deliveries.trying import ON_ITS_WAY, WAIT_SECONDS, TurnedOff, send_test
from control.management import alerts as told
from control.management.users import add_user_option, the_user
from control.management.waiting import seconds
from settings_app.errors import SettingsInvalid, SettingsTooNew
from settings_app.models import User
from settings_app.reporting import counted
from trading.alerts.muting import in_words
from trading.alerts.selection import Selection, alerts_of
from trading.core.modes import SignalKind
from trading.models import Alert, Delivery, DeliveryChannel, Mute


class Command(BaseCommand):
    """Needs no running runtime. Exits 0 when what was asked is done."""

    help = "Show what a user was told, have what failed sent again, try a channel, mute."

    def add_arguments(self, parser: CommandParser) -> None:
        acting = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        listing = acting.add_parser("list", help="Show alerts, newest first.")
        told.add_selecting_options(listing)
        listing.add_argument("--limit", type=int, default=20, metavar="N", help="How many.")
        showing = acting.add_parser("show", help="Show one alert with its deliveries.")
        showing.add_argument("id", type=int, metavar="ID")
        retrying = acting.add_parser("retry", help="Have what failed sent again.")
        retrying.add_argument("ids", nargs="*", type=int, metavar="ID")
        retrying.add_argument("--all", action="store_true", help="Of every alert.")
        trying = acting.add_parser("test", help="Have a test alert sent; exits 0 if it arrives.")
        trying.add_argument(
            "channel", choices=DeliveryChannel.values, help="Which channel of the settings."
        )
        trying.add_argument(
            "--wait", type=seconds, default=WAIT_SECONDS, metavar="SECONDS", help="At most so long."
        )
        muting = acting.add_parser("mute", help="Have alerts recorded and not sent for a time.")
        unmuting = acting.add_parser("unmute", help="End a mute.")
        mutes = acting.add_parser("mutes", help="Show what is muted.")
        for parts in (muting, unmuting):
            parts.add_argument("--symbol", default="", help="Without it every symbol.")
            parts.add_argument("--exchange", default="", help="Without it every exchange.")
            kinds = ("", *map(str, SignalKind))
            parts.add_argument("--kind", default="", choices=kinds, help="Without it every kind.")
        muting.add_argument("--for", dest="span", metavar="SPAN", help="90m, 8h or 7d.")
        muting.add_argument("--until", metavar="TIME", help="UTC, or with its zone.")
        unmuting.add_argument("--all", action="store_true", help="Every mute.")
        for parts in (listing, showing, mutes):
            parts.add_argument("--json", action="store_true", help="As lines of JSON.")
        for parts in (listing, showing, retrying, trying, muting, unmuting, mutes):
            add_user_option(parts)

    def handle(self, *_args: Any, **options: Any) -> None:
        act = {
            "list": self._list,
            "show": self._show,
            "retry": self._retry,
            "test": self._test,
            "mute": self._mute,
            "unmute": self._unmute,
            "mutes": self._mutes,
        }[options["act"]]
        act(the_user(options["user"]), options)

    # -- showing

    def _list(self, user: User, options: dict[str, Any]) -> None:
        if not 1 <= options["limit"] <= MOST:
            raise CommandError(f"--limit must be from 1 to {MOST}")
        rows = list(alerts_of(user.pk, told.selection_in(options))[: options["limit"]])
        if options["json"]:
            for alert in rows:
                self.stdout.write(told.line_of(alert))
        elif rows:
            self.stdout.write(told.table(rows))
        else:
            self.stderr.write(f"{user.username} was told nothing like that.")

    def _show(self, user: User, options: dict[str, Any]) -> None:
        alert = _the_alert(user, options["id"])
        if options["json"]:
            self.stdout.write(told.whole_line_of(alert))
            return
        for line in told.lines_of(alert):
            self.stdout.write(line)
        self.stdout.write(json.dumps(alert.values, indent=2, ensure_ascii=False))

    def _mutes(self, user: User, options: dict[str, Any]) -> None:
        rows = list(acts.mutes_of(user.pk, timezone.now()))
        for mute in rows:
            if options["json"]:
                answer = MuteAnswer.of(mute)
                self.stdout.write(answer.model_dump_json(by_alias=True, exclude_none=True))
            else:
                self.stdout.write(_muted(mute))
        if not rows:
            self.stderr.write(f"{user.username} has muted nothing.")

    # -- acting

    def _retry(self, user: User, options: dict[str, Any]) -> None:
        ids, is_all = options["ids"], options["all"]
        if bool(ids) == is_all:
            raise CommandError("name the alerts by their ids, or send all again with --all")
        if is_all:
            count = acts.retry(user.pk)
        else:
            alerts = [_the_alert(user, alert_id).pk for alert_id in ids]
            count = acts.retry(user.pk, alerts, also_uncertain=True)
        waiting = f"{counted(count, 'delivery', 'deliveries')} to be sent again."
        self.stdout.write(waiting if count else "None had failed.")

    def _test(self, user: User, options: dict[str, Any]) -> None:
        channel, wait = DeliveryChannel(options["channel"]), options["wait"]
        try:
            delivery = send_test(user.pk, channel, wait_seconds=wait)
        except TurnedOff as exc:
            raise CommandError(f"{channel.label} {exc}.") from None
        except (SettingsInvalid, SettingsTooNew) as exc:
            raise CommandError(f"The settings of {user.username} cannot be read: {exc}") from None
        if delivery.state in ON_ITS_WAY:
            raise CommandError(
                f"{told.delivery_line(delivery)}. Nobody has sent it within {wait:g} s; is a worker"
                f" running? `alerts show {delivery.alert_id}` tells what becomes of it."
            )
        if delivery.state != Delivery.State.DELIVERED:
            raise CommandError(told.delivery_line(delivery))
        self.stdout.write(told.delivery_line(delivery))

    def _mute(self, user: User, options: dict[str, Any]) -> None:
        wanted = told.wanted_mute(options, timezone.now())
        self.stdout.write(_muted(acts.mute(user.pk, wanted)))

    def _unmute(self, user: User, options: dict[str, Any]) -> None:
        named = {name: options[name].strip() for name in ("exchange", "symbol", "kind")}
        mutes = acts.mutes_of(user.pk, timezone.now())
        if not options["all"]:
            mutes = mutes.filter(**{f"{name}__iexact": text for name, text in named.items()})
        elif any(named.values()):
            raise CommandError("say which mute, or --all; not both")
        ended = [mute for mute in mutes if acts.unmute(user.pk, mute.pk)]
        if not ended and not options["all"]:
            raise CommandError("There is no such mute; `alerts mutes` shows those that there are.")
        for mute in ended:
            self.stdout.write(f"Sent again: {in_words(mute)}.")
        if not ended:
            self.stdout.write("Nothing was muted.")


def _the_alert(user: User, alert_id: int) -> Alert:
    alert = alerts_of(user.pk, Selection()).filter(pk=alert_id).first()
    if alert is None:
        raise CommandError(f"{user.username} has no alert {alert_id}.")
    return alert


def _muted(mute: Mute) -> str:
    return f"Muted: {in_words(mute)}, until {mute.until:%Y-%m-%d %H:%M:%S} UTC."
