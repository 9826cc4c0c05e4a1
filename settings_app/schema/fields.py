"""The words that settings are made of: what a symbol, a time zone or a variable's name is.

Rule 1: a type here means the same in every section. Sections add bounds of their own.
Rule 2: a message says what is right, with an example, and never repeats the text that was wrong.
Rule 3: types, bounds and patterns hold always. What is asked of a registry, or takes more than a
    pattern, is asked when a document is written; a stored one was asked then (:data:`STORED`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from settings_app.schema.registries import CRYPTO_CURRENCIES, currencies, is_locale, timezones
from trading.core.market import Timeframe

# The context in which a document is read that was checked before it was stored.
STORED: Final = {"stored": True}


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
    examples: tuple[Any, ...] = (),
    applies: Applies | None = None,
    unit: str | None = None,
    recorded_only: bool = False,
    alias: str | None = None,
) -> FieldInfo:
    """What people are told of a field, in the form, the API and the reference.

    Args:
        title: Label of the control.
        text: One sentence of help.
        examples: Valid values, JSON-ready. Every field that is no section has at least one.
        applies: When a saved change takes effect; None is as the section around it says.
        unit: Shown behind the value.
        recorded_only: Nothing in the program acts on it, nor on anything within it.
        alias: Key in the document, where it is not the attribute's name.
    """
    extra: dict[str, Any] = {}
    if applies is not None:
        extra["x-applies"] = applies.value
    if unit is not None:
        extra["x-unit"] = unit
    if recorded_only:
        extra["x-effect"] = "recorded only"
    info: FieldInfo = Field(
        title=title,
        description=text,
        examples=list(examples) or None,
        json_schema_extra=extra,
        alias=alias,
    )
    return info


# What to say when a pattern does not match; the pattern itself helps nobody.
PATTERN_MESSAGES: Final[dict[str, str]] = {}


def _pattern(pattern: str, message: str) -> StringConstraints:
    PATTERN_MESSAGES[pattern] = message
    return StringConstraints(pattern=pattern)


def _asked(is_right: Callable[[str], bool], message: str) -> AfterValidator:
    """A question that is asked of a text when it is written, not when it is read again."""

    def ask(value: str, info: ValidationInfo) -> str:
        if info.context is not STORED and not is_right(value):
            raise PydanticCustomError("asked", message)
        return value

    return AfterValidator(ask)


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) > 1 and len(set(values)) != len(values):
        raise PydanticCustomError("repeated", "must not hold the same value twice")
    return values


UNIQUE: Final = AfterValidator(_unique)
"""For lists that mean a set; it stands behind the bounds of the list's length."""

NO_MINUS_ZERO: Final = AfterValidator(lambda value: value + 0.0)
"""JSON in PostgreSQL knows no negative zero: what is stored must equal what was validated."""

# ---------------------------------------------------------------------- text and numbers
Line = Annotated[
    str,
    StringConstraints(max_length=80),
    _pattern(r"^[^\x00-\x1f\x7f]*$", "must be one line, without control characters"),
]
Text = Annotated[str, StringConstraints(max_length=1_000)]
LossPercentage = Annotated[float, Field(ge=0.1, le=100)]
GainPercentage = Annotated[float, Field(ge=0.1, le=1_000)]

# ---------------------------------------------------------------------- markets
ExchangeName = Literal["coinbase", "binance", "kucoin"]

Symbol = Annotated[
    str, _pattern(r"^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$", "must be a symbol such as BTC-USD")
]
Asset = Annotated[
    str, _pattern(r"^[A-Z0-9]{2,10}$", "must be the code of a currency or coin such as USD or USDT")
]
_CURRENCY_MESSAGE = (
    "must be the code of a currency that is in use, such as EUR, "
    f"or one of {', '.join(CRYPTO_CURRENCIES)}"
)
Currency = Annotated[
    str,
    _pattern(r"^[A-Z]{3,4}$", _CURRENCY_MESSAGE),
    _asked(lambda code: code in currencies(), _CURRENCY_MESSAGE),
]
CATEGORY_RULE = (
    "1 to 32 lower-case letters, digits, spaces, dashes or underscores, with a letter or a digit "
    "at both ends"
)
Category = Annotated[
    str,
    _pattern(
        r"^[a-z0-9]([a-z0-9 _-]{0,30}[a-z0-9])?$", f"must be {CATEGORY_RULE}, such as high-cap"
    ),
]

# ---------------------------------------------------------------------- names in the environment
VariableName = Annotated[
    str,
    _pattern(
        r"^[A-Za-z_][A-Za-z0-9_]{0,79}$",
        "must be the name of an environment variable, never the secret itself: "
        "letters, digits and underscores, such as COINBASE_KEY",
    ),
]


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except DjangoValidationError:
        return False
    return True


_ADDRESS_MESSAGE = "must be an e-mail address such as anna@example.org"
Address = Annotated[
    str,
    StringConstraints(max_length=254),  # RFC 3696, erratum 1690
    _pattern(r"^[^\s@<>]{1,64}@[^\s@<>]+\.[^\s@<>.]+$", _ADDRESS_MESSAGE),
    _asked(_is_address, _ADDRESS_MESSAGE),
]

# ---------------------------------------------------------------------- dates, times, languages
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_TIMEFRAME = f"({'|'.join(Timeframe)})"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

ClockTime = Annotated[str, _pattern(f"^{_CLOCK}$", "must be a time of day such as 06:30")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _names_no_day_twice(text: str) -> bool:
    named: list[str] = []
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        if is_range and first == last:
            return False  # one day, or the whole week? nobody knows
        index = _DAYS.index(first)
        named.append(first)
        while is_range and named[-1] != last:
            index += 1
            named.append(_DAYS[index % len(_DAYS)])
    return len(set(named)) == len(named)


DaysText = Annotated[
    str,
    StringConstraints(max_length=27),
    _pattern(
        f"^{_DAY}(-{_DAY})?(,{_DAY}(-{_DAY})?)*$",
        "must be days or ranges of days such as mon-fri or mon,wed,sat-sun",
    ),
    _asked(_names_no_day_twice, "must name no day twice, such as mon-wed,fri"),
]
TimeframesText = Annotated[
    str,
    StringConstraints(max_length=40),
    _pattern(
        f"^{_TIMEFRAME}(,{_TIMEFRAME})*$",
        f"must be timeframes out of {', '.join(Timeframe)}, separated by commas",
    ),
    _asked(
        lambda text: len(set(text.split(","))) == len(text.split(",")),
        "must name no timeframe twice, such as 15m,1h,4h",
    ),
]


def _begins_and_ends(text: str) -> bool:
    begin, end = text.split("-")
    return begin != end


HoursText = Annotated[
    str,
    _pattern(f"^{_CLOCK}-({_CLOCK}|24:00)$", "must be two times such as 06:00-22:00"),
    _asked(_begins_and_ends, "must not end when it begins; the whole day is 00:00-24:00"),
]

_TIMEZONE_MESSAGE = "must be an IANA time zone such as Europe/Berlin"
Timezone = Annotated[
    str,
    StringConstraints(max_length=64),
    _pattern(r"^[A-Za-z0-9_+/-]+$", _TIMEZONE_MESSAGE),
    _asked(lambda name: name in timezones(), _TIMEZONE_MESSAGE),
]

Locale = Annotated[
    str,
    _pattern(
        r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
        "must be a language with or without a region, such as en or en-GB",
    ),
    _asked(is_locale, "must be a language, or a language of a region, such as en or en-GB"),
]
