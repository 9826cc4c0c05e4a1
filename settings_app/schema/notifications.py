"""Which alerts go where: ``notifications``. Addresses that are secrets stand by variable name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings_app.schema.fields import Address, Section, Unique, VariableName, about
from trading.core.market import Timeframe
from trading.core.modes import SignalKind


class Channel(Section):
    """What every way of delivering has in common."""

    enabled: Annotated[
        bool, about("Enabled", "Whether alerts are delivered this way.", recorded_only=True)
    ] = False
    kinds: Annotated[
        Unique[SignalKind],
        Field(min_length=1),
        about("Kinds", "Which kinds of signals are delivered.", recorded_only=True),
    ] = tuple(SignalKind)
    timeframes: Annotated[
        Unique[Timeframe],
        Field(min_length=1),
        about("Timeframes", "Signals of which timeframes are delivered.", recorded_only=True),
    ] = tuple(Timeframe)
    troubles: Annotated[
        bool,
        about(
            "Troubles",
            "Whether a stale feed, a fault or a missing worker is reported too.",
            recorded_only=True,
        ),
    ] = True


class Email(Channel):
    """Alerts by e-mail."""

    address: Annotated[
        Address | None, about("Address", "Where the alerts are sent.", recorded_only=True)
    ] = None


class Discord(Channel):
    """Alerts into a Discord channel."""

    webhook_url_environment_variable: Annotated[
        VariableName | None,
        about(
            "Webhook",
            "Name of the environment variable that holds the webhook's URL.",
            recorded_only=True,
        ),
    ] = None


class Push(Channel):
    """Alerts by an HTTP push service."""

    url_environment_variable: Annotated[
        VariableName | None,
        about(
            "Service",
            "Name of the environment variable that holds the service's URL.",
            recorded_only=True,
        ),
    ] = None


class Notifications(Section):
    """Which alerts go where."""

    email: Annotated[Email | None, about("E-mail", "Alerts by e-mail.", recorded_only=True)] = None
    discord: Annotated[
        Discord | None,
        about("Discord", "Alerts into a Discord channel.", recorded_only=True),
    ] = None
    push: Annotated[
        Push | None, about("Push", "Alerts by an HTTP push service.", recorded_only=True)
    ] = None
