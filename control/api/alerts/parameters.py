"""What can be asked of alerts in a query, and which selection that is."""

from __future__ import annotations

from typing import Final

from settings_app.api.requests import Parameter, Query
from settings_app.problems import MALFORMED_REQUEST, Problem
from trading.alerts.selection import ABOUTS, Selection
from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.severity import Severity
from trading.core.signals import Direction
from trading.exchanges.registry import EXCHANGES
from trading.models import SYSTEM, Alert, DeliveryChannel

MOST: Final = 200
USUAL: Final = 50

ABOUT = Parameter(
    "about",
    "Signals alone, or what Livermore says of itself alone; without it, both.",
    choices=ABOUTS,
)
EXCHANGE = Parameter("exchange", "On this exchange.", choices=tuple(EXCHANGES))
SYMBOL = Parameter("symbol", "Of this market, by its canonical name: `BTC-USD`.")
PART = Parameter("q", "Of markets whose symbol has this part: `btc`.")
TIMEFRAME = Parameter("timeframe", "On this timeframe.", choices=tuple(map(str, Timeframe)))
KIND = Parameter("kind", "Of this kind.", choices=(*map(str, SignalKind), SYSTEM))
DIRECTION = Parameter("direction", "This way.", choices=tuple(map(str, Direction)))
SEVERITY = Parameter("severity", "Signals that matter so much.", choices=tuple(map(str, Severity)))
STATE = Parameter("state", "In this state.", choices=tuple(Alert.State.values))
CHANNEL = Parameter(
    "channel", "With a delivery by this channel.", choices=tuple(DeliveryChannel.values)
)
SINCE = Parameter("since", "Told at this time or later.", is_moment=True)
UNTIL = Parameter("until", "Told before this time.", is_moment=True)
ACKNOWLEDGED = Parameter(
    "acknowledged",
    "Whether you said to have seen them; without it, either.",
    choices=("true", "false"),
)
SELECTING: Final = (
    *(ABOUT, EXCHANGE, SYMBOL, PART, TIMEFRAME, KIND, DIRECTION, SEVERITY),
    *(STATE, CHANNEL, SINCE, UNTIL, ACKNOWLEDGED),
)

LIMIT = Parameter("limit", f"How many at most; {USUAL} without it.", bounds=(1, MOST))
BEFORE = Parameter("before", "The `next` of the page that was read last.", bounds=(1, 999_999_999))


def selection_of(query: Query) -> Selection:
    """What a query asks for.

    Raises:
        Problem: If a value is none of its parameter's.
    """
    since, until = query.moment(SINCE), query.moment(UNTIL)
    if since is not None and until is not None and since >= until:
        raise Problem(MALFORMED_REQUEST, f"{SINCE.name} must be earlier than {UNTIL.name}.")
    seen, step = query.text(ACKNOWLEDGED), query.text(SEVERITY)
    return Selection(
        about=query.text(ABOUT),
        exchange=query.text(EXCHANGE),
        symbol=query.text(SYMBOL),
        part=query.text(PART),
        timeframe=query.text(TIMEFRAME),
        kind=query.text(KIND),
        direction=query.text(DIRECTION),
        severity=None if step is None else Severity(step),
        state=query.text(STATE),
        channel=query.text(CHANNEL),
        since=since,
        until=until,
        is_acknowledged=None if seen is None else seen == "true",
    )
