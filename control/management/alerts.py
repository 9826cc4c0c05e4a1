"""Alerts in the terminal: which are meant, and how they are written.

Rule 1: what is asked is asked as over HTTP (`control.api.alerts.parameters`), by the same names.
Rule 2: JSON is what HTTP answers, an alert a line; a table is for people.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from control.api.alerts import parameters
from control.api.alerts.answers import AlertAnswer, WholeAlertAnswer, plain
from control.management.columns import in_columns, one_line
from control.marks import mark_of_alert, mark_of_delivery
from settings_app.api.requests import A_MOMENT
from trading.alerts.muting import WantedMute
from trading.alerts.selection import Selection
from trading.core.severity import Severity
from trading.models import SYSTEM, Alert, Delivery

COLUMNS: Final = ("id", "when (UTC)", "market", "what happened", "MACD-V", "price", "state", "ways")
LONGEST: Final = 60
SPAN: Final = re.compile(r"([1-9][0-9]{0,3})(m|h|d)", re.ASCII)
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


# ---------------------------------------------------------------------- which are meant
def add_selecting_options(parser: CommandParser) -> None:
    """An option for each parameter that HTTP has."""
    for parameter in parameters.SELECTING:
        shown: dict[str, Any] = {"help": parameter.description.replace("%", "%%")}
        if parameter.choices:
            shown["choices"] = parameter.choices
        else:
            shown["metavar"] = "TIME" if parameter.is_moment else "NAME"
        parser.add_argument(f"--{parameter.name}", **shown)


def selection_in(options: dict[str, Any]) -> Selection:
    """What the options ask for.

    Raises:
        CommandError: If a time is none.
    """
    names = ("about", "exchange", "symbol", "timeframe", "kind", "direction", "state", "channel")
    seen, step = options["acknowledged"], options["severity"]
    return Selection(
        **{name: options[name] for name in names},
        part=options["q"],
        severity=None if step is None else Severity(step),
        since=moment_in(options, "since"),
        until=moment_in(options, "until"),
        is_acknowledged=None if seen is None else seen == "true",
    )


def moment_in(options: dict[str, Any], name: str) -> datetime | None:
    """The time that an option names; without a zone it is UTC, as all that is printed here.

    Raises:
        CommandError: If it is none.
    """
    text = options[name]
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CommandError(f"--{name} must be a time, such as {A_MOMENT}") from None


def wanted_mute(options: dict[str, Any], now: datetime) -> WantedMute:
    """The mute that the options ask for.

    Raises:
        CommandError: If there can be no such mute.
    """
    span, until = options["span"], moment_in(options, "until")
    if (span is None) == (until is None):
        raise CommandError("say how long: --for 8h, or --until with a time; not both")
    wanted = WantedMute.written(
        exchange=options["exchange"],
        symbol=options["symbol"],
        kind=options["kind"],
        until=until or now + _span(span),
    )
    faults = wanted.faults(now)
    if faults:
        said = {"until": "for"} if until is None else {}
        raise CommandError(
            "\n".join(f"--{said.get(field, field)} {fault}" for field, fault in faults.items())
        )
    return wanted


def _span(text: str) -> timedelta:
    found = SPAN.fullmatch(text)
    if found is None:
        raise CommandError("--for must be minutes, hours or days from 1 on, such as 90m, 8h or 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


# ---------------------------------------------------------------------- how they are written
def line_of(alert: Alert) -> str:
    """An alert as a line of JSON."""
    return AlertAnswer.of(alert).model_dump_json(by_alias=True, exclude_none=True)


def whole_line_of(alert: Alert) -> str:
    """The same with the values that made it fire."""
    return WholeAlertAnswer.of(alert).model_dump_json(by_alias=True, exclude_none=True)


def table(alerts: Sequence[Alert]) -> str:
    """Alerts in columns, in their order."""
    return in_columns([COLUMNS, *(_cells(alert) for alert in alerts)])


def lines_of(alert: Alert) -> list[str]:
    """All that is known of an alert, for a person; the values that made it fire come as JSON."""
    seen = alert.acknowledged_at
    return [
        f"{alert.pk}: {_market(alert)}, {_what(alert)}",
        f"told: {_moment(alert.created_at)}",
        *([f"candle closed: {_moment(alert.candle_closed_at)}"] if alert.candle_closed_at else []),
        *([f"price: {plain(alert.price)}"] if alert.price is not None else []),
        *([f"MACD-V: {alert.value:+.1f}, {alert.stage}"] if alert.value is not None else []),
        f"state: {mark_of_alert(alert.state).word}",
        f"acknowledged: {'not yet' if seen is None else _moment(seen)}",
        *(delivery_line(delivery) for delivery in alert.deliveries.all()),
    ]


def delivery_line(delivery: Delivery) -> str:
    """What became of one delivery."""
    told = f"{delivery.get_channel_display()}: {mark_of_delivery(delivery.state).word}"
    if delivery.reason:
        told += f", {delivery.reason}"
    if delivery.state == Delivery.State.WAITING:
        told += f"; sent next at {_moment(delivery.due_at)}"
    attempts = "once" if delivery.attempts == 1 else f"{delivery.attempts} times"
    return f"{told} (sent {attempts})" if delivery.attempts else told


def _cells(alert: Alert) -> tuple[str, ...]:
    ways = (f"{one.channel} {mark_of_delivery(one.state).word}" for one in alert.deliveries.all())
    return (
        str(alert.pk),
        f"{(alert.candle_closed_at or alert.created_at).astimezone(UTC):%Y-%m-%d %H:%M}",
        _market(alert),
        one_line(_what(alert), LONGEST),
        "-" if alert.value is None else f"{alert.value:+.1f}",
        plain(alert.price) or "-",
        mark_of_alert(alert.state).word,
        ", ".join(ways) or "-",
    )


def _market(alert: Alert) -> str:
    if not alert.symbol:
        return "Livermore"
    return f"{alert.symbol} {alert.timeframe} on {alert.exchange}"


def _what(alert: Alert) -> str:
    if alert.kind == SYSTEM:
        return alert.detail
    return f"{alert.get_kind_display()} {alert.direction} {alert.detail}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
