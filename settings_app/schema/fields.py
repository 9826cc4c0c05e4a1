"""The words that settings are made of: what a symbol, a time zone or a variable's name is.

Rule 1: a type here means the same in every section. Sections add bounds of their own.
Rule 2: a message says what is right and never repeats the text that was wrong.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import available_timezones

from django.conf.locale import LANG_INFO
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from trading.core.market import Timeframe


class Applies(StrEnum):
    """When a saved setting takes effect in a running runtime."""

    AT_ONCE = "at once"
    ON_RESUME = "on resume"
    NEXT_REFRESH = "at next refresh"
    NEXT_START = "at next start"


class Section(BaseModel):
    """A part of the document: immutable, strictly typed, nothing unknown accepted."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        serialize_by_alias=True,
    )


def about(
    title: str,
    text: str,
    *,
    applies: Applies = Applies.AT_ONCE,
    unit: str | None = None,
    recorded_only: bool = False,
    alias: str | None = None,
) -> FieldInfo:
    """What people are told of a field, in the form, the API and the reference.

    Args:
        title: Label of the control.
        text: One sentence of help.
        applies: When a saved change takes effect.
        unit: Shown behind the value.
        recorded_only: Nothing in the program acts on it.
        alias: Key in the document, where it is not the attribute's name.
    """
    extra: dict[str, Any] = {"x-applies": applies.value}
    if unit is not None:
        extra["x-unit"] = unit
    if recorded_only:
        extra["x-effect"] = "recorded only"
    info: FieldInfo = Field(title=title, description=text, json_schema_extra=extra, alias=alias)
    return info


# What to say when a pattern does not match; the pattern itself helps nobody.
PATTERN_MESSAGES: Final[dict[str, str]] = {}


def _pattern(pattern: str, message: str) -> StringConstraints:
    PATTERN_MESSAGES[pattern] = message
    return StringConstraints(pattern=pattern)


# ---------------------------------------------------------------------- text and numbers
Line = Annotated[str, StringConstraints(max_length=80)]
Text = Annotated[str, StringConstraints(max_length=1_000)]

# JSON in PostgreSQL knows no negative zero: what is stored must equal what was validated.
Number = Annotated[float, AfterValidator(lambda value: value + 0.0)]
Percentage = Annotated[Number, Field(ge=0.1, le=1_000)]

# ---------------------------------------------------------------------- markets
ExchangeName = Literal["coinbase", "binance", "kucoin"]

Symbol = Annotated[
    str, _pattern(r"^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$", "must be a symbol such as BTC-USD")
]
Currency = Annotated[
    str, _pattern(r"^[A-Z0-9]{2,10}$", "must be the code of a currency such as USD or USDT")
]
Category = Annotated[
    str,
    _pattern(
        r"^[a-z0-9]([a-z0-9 _-]{0,30}[a-z0-9])?$",
        "must be 1 to 32 lower-case letters, digits, spaces or dashes",
    ),
]

# ---------------------------------------------------------------------- names in the environment
VariableName = Annotated[
    str,
    _pattern(
        r"^[A-Za-z_][A-Za-z0-9_]{0,79}$",
        "must be the name of an environment variable, never the secret itself: "
        "letters, digits and underscores",
    ),
]
Address = Annotated[
    str,
    StringConstraints(max_length=254),  # RFC 3696, erratum 1690
    _pattern(r"^[^\s@<>]{1,64}@[^\s@<>]+\.[^\s@<>.]+$", "must be an e-mail address"),
]

# ---------------------------------------------------------------------- dates, times, languages
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_TIMEFRAME = f"({'|'.join(Timeframe)})"

ClockTime = Annotated[str, _pattern(f"^{_CLOCK}$", "must be a time of day such as 06:30")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DaysText = Annotated[
    str,
    _pattern(
        f"^{_DAY}(-{_DAY})?(,{_DAY}(-{_DAY})?)*$",
        "must be days or ranges of days such as mon-fri or mon,wed,sat-sun",
    ),
]
TimeframesText = Annotated[
    str,
    _pattern(
        f"^{_TIMEFRAME}(,{_TIMEFRAME})*$",
        f"must be timeframes out of {', '.join(Timeframe)}, separated by commas",
    ),
]


def _hours(value: str) -> str:
    begin, end = value.split("-")
    if begin == end:
        raise PydanticCustomError(
            "hours", "must not end when it begins; the whole day is 00:00-24:00"
        )
    return value


HoursText = Annotated[
    str,
    _pattern(f"^{_CLOCK}-({_CLOCK}|24:00)$", "must be two times such as 06:00-22:00"),
    AfterValidator(_hours),
]


@cache
def timezones() -> frozenset[str]:
    """Every IANA time zone this machine knows; UTC even where it knows none."""
    return frozenset(available_timezones() | {"UTC"})


def _timezone(value: str) -> str:
    if value not in timezones():
        raise PydanticCustomError("timezone", "must be an IANA time zone such as Europe/Berlin")
    return value


Timezone = Annotated[str, AfterValidator(_timezone)]


def _locale(value: str) -> str:
    if value.partition("-")[0] not in _languages():
        raise PydanticCustomError("locale", "must begin with a language such as en or de")
    return value


@cache
def _languages() -> frozenset[str]:
    return frozenset(code.partition("-")[0] for code in LANG_INFO)


Locale = Annotated[
    str,
    _pattern(
        r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
        "must be a language with or without a region, such as en or en-GB",
    ),
    AfterValidator(_locale),
]

# ---------------------------------------------------------------------- lists
Item = TypeVar("Item", bound=Hashable)


def _unique(values: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("repeated", "must not hold the same value twice")
    return values


Unique = Annotated[tuple[Item, ...], AfterValidator(_unique)]
