"""Which channels an alert goes to, and which of them have to hold it back.

Rule 1: pure: an alert, the settings of its owner, mutes and the moment in; deliveries out.
Rule 2: what is held back is a delivery too, with the reason: the trader sees that it was.
Rule 3: what Livermore says of itself (kind ``system``) is governed by a channel's ``troubles``
    alone: neither hours nor mutes hold back that nothing is watched any more.
Rule 4: a missed alert (its candle closed in an outage) is recorded and goes nowhere: a signal that
    comes late as if it were new costs more than it is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from control.deliveries.hours import TradingHours
from control.models import Incident
from settings_app.schema import Settings
from settings_app.schema.notifications import Channel
from trading.core.modes import SignalKind
from trading.core.severity import severity
from trading.models import SYSTEM, Alert, Delivery, DeliveryChannel, Mute


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A delivery to be filed."""

    channel: DeliveryChannel
    state: Delivery.State = Delivery.State.WAITING
    reason: str = ""


def routes(
    alert: Alert, settings: Settings, mutes: Sequence[Mute], now: datetime
) -> tuple[Route, ...]:
    """Where an alert goes.

    Args:
        alert: Saved or not.
        settings: Of its owner.
        mutes: Of its owner; those that have run out count no more.
        now: The moment, aware.
    """
    if alert.state == Alert.State.MISSED:
        return ()
    if alert.kind == SYSTEM:
        return tuple(
            Route(channel=name)
            for name, channel in enabled(settings)
            if channel.troubles and not _is_of_its_death(alert, name)
        )
    held_back = _held_back(alert, settings, mutes, now)
    return tuple(
        Route(channel=name, state=held_back[0], reason=held_back[1])
        for name, channel in enabled(settings)
        if _wants(channel, alert)
    )


def state_of(filed: Sequence[Route], alert: Alert) -> str:
    """The state of an alert that goes these ways."""
    if alert.state == Alert.State.MISSED:
        return Alert.State.MISSED
    if not filed:
        return Alert.State.RECORDED
    if any(route.state == Delivery.State.WAITING for route in filed):
        return Alert.State.PENDING
    return Alert.State(str(filed[0].state))


def enabled(settings: Settings) -> Iterator[tuple[DeliveryChannel, Channel]]:
    """The channels that are turned on."""
    for name in DeliveryChannel:
        channel: Channel | None = getattr(settings.notifications, name)
        if channel is not None and channel.enabled:
            yield name, channel


def _is_of_its_death(alert: Alert, channel: DeliveryChannel) -> bool:
    """Whether it says that this very channel takes nothing: the others have to tell that."""
    said = alert.values
    return (said.get("kind"), said.get("subject"), said.get("state")) == (
        Incident.Kind.CHANNEL_DEAD,
        channel,
        "began",
    )


def _wants(channel: Channel, alert: Alert) -> bool:
    kind = SignalKind(alert.kind)
    return (
        kind in channel.kinds
        and alert.timeframe in channel.timeframes
        and severity(kind, alert.level) in channel.severities
    )


def _held_back(
    alert: Alert, settings: Settings, mutes: Sequence[Mute], now: datetime
) -> tuple[Delivery.State, str]:
    for mute in mutes:
        if mute.until > now and _covers(mute, alert):
            return Delivery.State.MUTED, f"muted until {mute.until:%Y-%m-%d %H:%M} UTC"
    trading = settings.perseus_profile.trade_settings
    if not TradingHours.read(trading.trading_hours_utc, trading.trading_days).hold(now):
        hours, days = trading.trading_hours_utc, trading.trading_days
        return Delivery.State.QUIET, f"outside the trading hours {hours} UTC, {days}"
    return Delivery.State.WAITING, ""


def _covers(mute: Mute, alert: Alert) -> bool:
    return all(
        wanted in ("", has)
        for wanted, has in (
            (mute.exchange, alert.exchange),
            (mute.symbol, alert.symbol),
            (mute.kind, alert.kind),
        )
    )
