"""What is said of an alert row, to the reader whose it is.

Rule 1: of the row alone: nothing is looked up. A row of an older version lacks values, and then
    less is said.
Rule 2: moments are told in UTC and as the reader writes them; numbers as the reader writes them.
Rule 3: values are JSON that somebody may have written by hand: what is not of its kind is
    not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading.alerts.compose import SCAN
from trading.alerts.ports import Notice
from trading.alerts.reader import Reader
from trading.alerts.tables import figure
from trading.core.bias import Bias
from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.models import SYSTEM, Alert


def notice_of(alert: Alert, reader: Reader, *, chart: bytes | None = None) -> Notice:
    """All that is said of an alert.

    Args:
        alert: Saved.
        reader: Whose it is.
        chart: A picture of its market, where one was made.
    """
    if alert.kind == SYSTEM:
        return _of_system(alert, reader)
    at = (alert.candle_closed_at or alert.created_at).astimezone(UTC)
    momentum = _momentum(alert)
    place = f"{alert.symbol} {alert.timeframe} on {alert.exchange}"
    return Notice(
        alert_id=alert.pk,
        title=f"{place}: {_words(alert.kind)} {alert.detail}",
        summary=_why(alert, reader),
        tone="down" if alert.direction == "down" else "up",
        facts=_facts(alert, reader),
        momentum=momentum,
        bias=_bias(alert),
        at=at,
        at_local=reader.moment(at),
        chart=chart,
    )


def _of_system(alert: Alert, reader: Reader) -> Notice:
    values = _mapping(alert.values)
    at = _since_epoch(values.get("at")) or alert.created_at.astimezone(UTC)
    what, tone = _news(values)
    kind, subject = values.get("kind"), values.get("subject")
    facts = [("What", _words(kind))] if isinstance(kind, str) and kind else []
    if isinstance(subject, str) and subject:
        facts.append(("Of", subject))
    return Notice(
        alert_id=alert.pk,
        title=f"Livermore: {what}",
        summary=alert.detail,
        tone=tone,
        facts=facts,
        at=at,
        at_local=reader.moment(at),
    )


def _news(values: Mapping[str, Any]) -> tuple[str, str]:
    """What Livermore says of itself in a few words, and whether it is bad."""
    if values.get("test") is True:
        return "a test", "recovered"
    if values.get("kind") == SCAN:
        return "a scan to look at", "recovered"
    return ("over", "recovered") if values.get("state") == "ended" else ("trouble", "trouble")


def _facts(alert: Alert, reader: Reader) -> list[tuple[str, str]]:
    facts = [
        ("Symbol", alert.symbol),
        ("Exchange", alert.exchange),
        ("Timeframe", alert.timeframe),
        ("Kind", _words(alert.kind)),
        ("Direction", alert.direction),
        ("Stage", _words(alert.stage)),
    ]
    if alert.value is not None:
        facts.append(("MACD-V now", figure(alert.value)))
    if alert.price is not None:
        facts.append(("Price", reader.number(Decimal(alert.price))))
    if alert.level is not None:
        facts.append(("Level", f"{alert.level:+g}"))
    return [(name, value) for name, value in facts if value]


def _why(alert: Alert, reader: Reader) -> str:
    """Why it fired: what the value was, what it is, and what that passes."""
    values = _mapping(alert.values)
    bar, before = _mapping(values.get("bar")), _mapping(values.get("before"))
    if alert.kind == SignalKind.PRICE_MOVE:
        moved = _moved("The close", _price(before, reader), _price(bar, reader))
    else:
        moved = _moved("MACD-V", _figure(before.get("macdV")), _figure(bar.get("macdV")))
    said = f"{moved}: {alert.detail}." if moved else f"{alert.detail}."
    signal, histogram = _figure(bar.get("signal")), _figure(bar.get("histogram"))
    if alert.kind != SignalKind.PRICE_MOVE and signal and histogram:
        said += f" Signal line {signal}, histogram {histogram}."
    if alert.state == Alert.State.MISSED:
        said += " Its candle closed during an outage."
    return said


def _moved(what: str, before: str, now: str) -> str:
    if not now:
        return ""
    return f"{what} went from {before} to {now}" if before else f"{what} is at {now}"


def _figure(value: object) -> str:
    number = _number(value)
    return "" if number is None else figure(number)


def _price(bar: Mapping[str, Any], reader: Reader) -> str:
    close = _number(bar.get("close"))
    return "" if close is None else reader.number(Decimal(repr(close)))


def _momentum(alert: Alert) -> dict[str, float | None]:
    """MACD-V of all timeframes; empty where the row does not know it."""
    known = _mapping(_mapping(alert.values).get("momentum"))
    if not known:
        return {}
    return {timeframe.value: _number(known.get(timeframe.value)) for timeframe in Timeframe}


def _bias(alert: Alert) -> str:
    bias = _mapping(alert.values).get("bias")
    return str(bias) if bias in (Bias.BULLISH, Bias.BEARISH) else ""


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _since_epoch(at_ms: object) -> datetime | None:
    milliseconds = _number(at_ms)
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1_000, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None
