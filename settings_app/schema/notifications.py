"""Which alerts go where: ``notifications``. Addresses that are secrets stand by variable name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings_app.schema.fields import UNIQUE, Address, Section, VariableName, about
from trading.core.market import Timeframe
from trading.core.modes import SignalKind


class Channel(Section):
    """What every way of delivering has in common."""

    enabled: Annotated[
        bool,
        about(
            "Enabled",
            "Whether alerts are delivered this way.",
            examples=(True, False),
            recorded_only=True,
        ),
    ] = False
    kinds: Annotated[
        tuple[SignalKind, ...],
        Field(min_length=1, max_length=len(SignalKind)),
        UNIQUE,
        about(
            "Kinds",
            "Which kinds of signals are delivered.",
            examples=(["level", "reversal"],),
            recorded_only=True,
        ),
    ] = tuple(SignalKind)
    timeframes: Annotated[
        tuple[Timeframe, ...],
        Field(min_length=1, max_length=len(Timeframe)),
        UNIQUE,
        about(
            "Timeframes",
            "Signals of which timeframes are delivered.",
            examples=(["4h", "1d"],),
            recorded_only=True,
        ),
    ] = tuple(Timeframe)
    troubles: Annotated[
        bool,
        about(
            "Troubles",
            "Whether a stale feed, a fault or a missing worker is reported too.",
            examples=(True, False),
            recorded_only=True,
        ),
    ] = True


class Email(Channel):
    """Alerts by e-mail."""

    address: Annotated[
        Address | None,
        about(
            "Address",
            "Where the alerts are sent.",
            examples=("anna@example.org",),
            recorded_only=True,
        ),
    ] = None


class Discord(Channel):
    """Alerts into a Discord channel."""

    webhook_url_environment_variable: Annotated[
        VariableName | None,
        about(
            "Webhook",
            "Name of the environment variable that holds the webhook's URL; the worker reports "
            "whether it is set.",
            examples=("DISCORD_WEBHOOK",),
        ),
    ] = None


class Push(Channel):
    """Alerts by an HTTP push service."""

    url_environment_variable: Annotated[
        VariableName | None,
        about(
            "Service",
            "Name of the environment variable that holds the service's URL; the worker reports "
            "whether it is set.",
            examples=("PUSH_URL",),
        ),
    ] = None


class Notifications(Section):
    """Which alerts go where."""

    email: Annotated[Email | None, about("E-mail", "Alerts by e-mail.")] = None
    discord: Annotated[Discord | None, about("Discord", "Alerts into a Discord channel.")] = None
    push: Annotated[Push | None, about("Push", "Alerts by an HTTP push service.")] = None
