"""What a request about alerts carries.

Rule 1: read strictly: a key that is not known is refused, and no refusal repeats what was sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeVar

from django.http import HttpRequest
from django.utils import timezone
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from control.api.problems import INVALID_REQUEST
from settings_app.api.requests import A_MOMENT, JSON, json_body
from settings_app.documents import pointer
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_JSON,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
)
from trading.alerts.muting import WantedMute
from trading.models import DeliveryChannel

REFUSED: Final = "Nothing was changed and nothing was sent."
BODY_REFUSALS: Final = (
    CSRF_FAILED,
    MALFORMED_JSON,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_REQUEST,
)
RULES: Final = {
    "run": "must be the id of a scan, a whole number",
    "add": "must be a list of symbols that the scan would add; leave it out for all of them",
    "remove": "must be a list of symbols that the scan would remove; leave it out for none",
    "channel": f"must be {' or '.join(DeliveryChannel)}",
    "exchange": "must be text, the name of an exchange; leave it out for every exchange",
    "symbol": "must be text, such as BTC-USD; leave it out for every symbol",
    "kind": "must be text, the kind of a signal; leave it out for every kind",
    "until": f"must be a time with its zone, such as {A_MOMENT}",
}

Body = TypeVar("Body", bound=BaseModel)


class TrialBody(BaseModel):
    """By which channel a message is to be tried."""

    model_config = ConfigDict(extra="forbid")

    channel: DeliveryChannel


class MuteBody(BaseModel):
    """What is not to be sent, and until when."""

    model_config = ConfigDict(extra="forbid")

    exchange: str = ""
    symbol: str = ""
    kind: str = ""
    until: AwareDatetime

    def wanted(self) -> WantedMute:
        """The mute that is asked for.

        Raises:
            Problem: If there can be no such mute.
        """
        wanted = WantedMute.written(
            exchange=self.exchange,
            symbol=self.symbol,
            kind=self.kind,
            until=_utc(self.until),
        )
        faults = wanted.faults(timezone.now())
        if faults:
            errors = [FieldError(pointer(field), fault) for field, fault in faults.items()]
            raise Problem(INVALID_REQUEST, REFUSED, errors=errors)
        return wanted


def body_of(request: HttpRequest, shape: type[Body]) -> Body:
    """The JSON object that a request carries.

    Raises:
        Problem: If it carries something else.
    """
    try:
        value = json_body(request, JSON)
    except SettingsInvalid as exc:
        raise Problem(INVALID_REQUEST, REFUSED, errors=exc.errors) from None
    if not isinstance(value, dict):
        errors = [FieldError("", f"must be an object with {' and '.join(shape.model_fields)}")]
        raise Problem(INVALID_REQUEST, REFUSED, errors=errors)
    try:
        return shape.model_validate(value)
    except ValidationError as exc:
        raise Problem(INVALID_REQUEST, REFUSED, errors=_errors_of(exc, shape)) from None


def _errors_of(exc: ValidationError, shape: type[BaseModel]) -> list[FieldError]:
    """What is right in each field; a key that is not known is not repeated."""
    keys = FieldError("", f"has the keys {' and '.join(shape.model_fields)} and no other")
    return [
        keys if item["type"] == "extra_forbidden" else _rule_of(str(item["loc"][0]))
        for item in exc.errors(include_url=False, include_input=False)
    ]


def _rule_of(field: str) -> FieldError:
    return FieldError(pointer(field), RULES[field])


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, with an offset that leads out of it
        errors = [FieldError(pointer("until"), "must be a time of our days")]
        raise Problem(INVALID_REQUEST, REFUSED, errors=errors) from None
