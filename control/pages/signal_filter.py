"""Which alerts the signals page is asked for: its form, and the selection that this is.

Rule 1: what is asked has the names that HTTP gives it, so that the file of the same selection has
    the same address behind the question mark; only days are the page's own.
Rule 2: what cannot be asked is said and left out; the rest of the question stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.utils import timezone

from control.api.alerts import parameters
from control.marks import mark_of_alert
from trading.alerts.selection import SIGNALS, Selection
from trading.core.market import Timeframe
from trading.core.modes import SignalKind
from trading.core.severity import Severity
from trading.core.signals import Direction
from trading.exchanges.registry import EXCHANGES
from trading.models import SYSTEM, Alert

Choices = list[tuple[str, str]]

ABOUTS: Final = [("", "Everything"), (SIGNALS, "Signals"), (SYSTEM, "Livermore itself")]
SEEN: Final = [("", "Seen or not"), ("false", "Not seen yet"), ("true", "Seen")]
DIRECTIONS: Final = [
    ("", "Up or down"),
    (str(Direction.UP), "▲ Up"),
    (str(Direction.DOWN), "▼ Down"),
]
NO_CHOICE: Final = {"invalid_choice": "it is none of the choices"}
LAST_ID: Final = 999_999_999


def _any(text: str, words: Mapping[str, str]) -> Choices:
    return [("", text), *words.items()]


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],  # which is what every browser sends
        widget=forms.DateInput(attrs={"type": "date", "class": "lv-in"}, format="%Y-%m-%d"),
    )


def _choice(label: str, choices: Choices) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "lv-in"})
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=choices,
        widget=widget,
        error_messages=NO_CHOICE,
    )


class SignalFilter(forms.Form):
    """What is asked of alerts; every field may be empty."""

    q = forms.CharField(
        label="Symbol",
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "class": "lv-in",
                "placeholder": "Symbol  /",
                "autocomplete": "off",
            }
        ),
    )
    timeframe = _choice("Timeframe", _any("All", {str(one): str(one) for one in Timeframe}))
    state = _choice(
        "What became of it",
        _any("Any delivery", {one: mark_of_alert(one).word for one in Alert.State.values}),
    )
    kind = _choice("Kind", _any("Any kind", {str(k): k.replace("-", " ") for k in SignalKind}))
    severity = _choice("Severity", _any("Any severity", {str(s): str(s) for s in Severity}))
    direction = _choice("Direction", DIRECTIONS)
    exchange = _choice(
        "Exchange", _any("Any exchange", {name: one.label for name, one in EXCHANGES.items()})
    )
    about = _choice("About", ABOUTS)
    acknowledged = _choice("Seen", SEEN)
    first = _day("From")
    last = _day("To")
    before = forms.IntegerField(required=False, min_value=1, max_value=LAST_ID)

    def clean(self) -> dict[str, Any]:
        """Days follow each other."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first is not None and last is not None and first > last:
            self.add_error("last", "must not be before the first day")
        return cleaned

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked and can be, by field."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in {None, ""}}

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked at all, beside which page."""
        return bool(self.asked.keys() - {"before"})

    @property
    def uses_more(self) -> bool:
        """Whether anything is asked that is folded away at first."""
        shown = {"q", "timeframe", "state", "kind", "before"}
        return bool((self.asked.keys() | self.errors.keys()) - shown)

    @property
    def before_id(self) -> int | None:
        """Where this page begins: below this id."""
        before: int | None = self.asked.get("before")
        return before

    @property
    def faults(self) -> list[str]:
        """What was left out of the question, a sentence each."""
        self.is_valid()
        return [
            f"{self.fields[name].label or name.capitalize()} was left out: {errors[0]}"
            for name, errors in self.errors.items()
            if name in self.fields
        ]

    def selection(self) -> Selection:
        """Which alerts are meant."""
        asked = self.asked
        seen, severity = asked.get("acknowledged"), asked.get("severity")
        return Selection(
            about=asked.get("about"),
            exchange=asked.get("exchange"),
            part=asked.get("q"),
            timeframe=asked.get("timeframe"),
            kind=asked.get("kind"),
            direction=asked.get("direction"),
            severity=None if severity is None else Severity(severity),
            state=asked.get("state"),
            since=_midnight(asked.get("first")),
            until=_midnight(asked.get("last"), days=1),
            is_acknowledged=None if seen is None else seen == "true",
        )

    def api_query(self) -> str:
        """The same selection as HTTP is asked for it."""
        known = {parameter.name for parameter in parameters.SELECTING}
        asked = {name: value for name, value in self.asked.items() if name in known}
        wanted = self.selection()
        for name, moment in (("since", wanted.since), ("until", wanted.until)):
            if moment is not None:
                asked[name] = moment.isoformat()
        return urlencode(asked)

    def page_query(self, *, before: int | None = None) -> str:
        """The address of a page of it, behind the question mark."""
        asked = {name: value for name, value in self.asked.items() if name != "before"}
        if before is not None:
            asked["before"] = before
        return urlencode(asked)


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """When a day begins where its reader is, or so many days later."""
    if day is None:
        return None
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))
    except OverflowError:  # the last day that there is
        return None
