"""Which alerts go where: ``notifications``. Addresses that are secrets stand by variable name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings_app.schema.fields import UNIQUE, Address, Section, VariableName, about
from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.severity import Severity


class Channel(Section):
    """What every way of delivering has in common."""

    enabled: Annotated[
        bool,
        about(
            "Enabled",
            "Whether alerts are delivered this way.",
            examples=(True, False),
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
        ),
    ] = tuple(Timeframe)
    severities: Annotated[
        tuple[Severity, ...],
        Field(min_length=1, max_length=len(Severity)),
        UNIQUE,
        about(
            "Severities",
            "How much a signal must matter: info is a momentum shift; notice a crossover or a "
            "level below 250; urgent a reversal, a level from 250 on, or a position's price move.",
            examples=(["notice", "urgent"],),
        ),
    ] = tuple(Severity)
    troubles: Annotated[
        bool,
        about(
            "Troubles",
            "Whether a stale feed, a fault or a missing worker is reported too.",
            examples=(True, False),
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
    chart: Annotated[
        bool,
        about(
            "Chart",
            "Whether a picture of the market goes with a signal: candles, MACD-V and RSI.",
            examples=(True, False),
        ),
    ] = False


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


class Digest(Section):
    """When many signals become one message."""

    more_than: Annotated[
        int,
        Field(ge=1, le=200),
        about(
            "More than",
            "So many signals within the window are told one by one; what comes beyond them is told "
            "together, as a table.",
            unit="signals",
            examples=(5, 20),
        ),
    ] = 10
    within_seconds: Annotated[
        int,
        Field(ge=1, le=3_600),
        about("Window", "How long the window is.", unit="s", examples=(30, 300)),
    ] = 60


class Notifications(Section):
    """Which alerts go where."""

    digest: Annotated[
        Digest, about("Digest", "When many signals become one message, in every channel.")
    ] = Digest()
    kept_days: Annotated[
        int,
        Field(ge=1, le=3_650),
        about(
            "Kept",
            "How long alerts are kept; older ones are deleted once a day, but for those that wait.",
            unit="days",
            examples=(30, 365),
        ),
    ] = 90

    email: Annotated[Email | None, about("E-mail", "Alerts by e-mail.")] = None
    discord: Annotated[Discord | None, about("Discord", "Alerts into a Discord channel.")] = None
    push: Annotated[Push | None, about("Push", "Alerts by an HTTP push service.")] = None
