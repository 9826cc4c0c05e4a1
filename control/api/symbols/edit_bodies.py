"""What a request for a change of the watchlist carries.

Rule 1: read strictly: a key that is not known is refused, and no refusal repeats what was sent.
Rule 2: these models read the bodies and describe them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from control.api.alerts.bodies import REFUSED
from control.api.problems import INVALID_REQUEST
from settings_app.api.requests import JSON, json_body
from settings_app.documents import pointer
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.problems import Problem
from settings_app.schema.fields import CATEGORY_RULE, Category, ExchangeName, Symbol
from settings_app.schema.markets import MOST_SYMBOLS
from trading.core.market import Market
from trading.exchanges.registry import EXCHANGES

Body = TypeVar("Body", bound=BaseModel)
Place = tuple[str | int, ...]
Categories = Annotated[
    list[Category], Field(max_length=10, description="Your own tags; all of them.")
]

RULES: Final = {
    "symbol": "must be a symbol such as BTC-USD",
    "exchange": f"must be {' or '.join(EXCHANGES)}; leave it out for your primary one",
    "categories": f"must be a list of up to 10 tags: each {CATEGORY_RULE}, such as high-cap",
    "enabled": "must be true or false",
    "position": f"must be a whole number from 0 to {MOST_SYMBOLS - 1}, its place in the list",
    "action": "must be enable, disable, remove or categorise",
    "tagging": "must be set, add or remove",
    "symbols": f"must be a list of 1 to {MOST_SYMBOLS:,} symbols",
}


class MarketBody(BaseModel):
    """One market."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: Symbol
    exchange: ExchangeName | None = Field(None, description="Without it, your primary one.")

    def market(self, primary: str) -> Market:
        """The market that is meant."""
        return Market(self.exchange or primary, self.symbol)


class AdditionBody(MarketBody):
    """A market to be watched."""

    categories: Categories | None = None


class AdditionsBody(BaseModel):
    """Markets to be watched."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbols: list[AdditionBody] = Field(min_length=1, max_length=MOST_SYMBOLS)


class AlterationBody(BaseModel):
    """What is to be different in one row; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    enabled: bool | None = Field(None, description="Off keeps the row without watching it.")
    categories: Categories | None = None
    position: int | None = Field(
        None, ge=0, lt=MOST_SYMBOLS, description="Its place in the list, from 0."
    )


def _as_object(value: object) -> object:
    """A name alone is a market of the primary exchange."""
    return {"symbol": value} if isinstance(value, str) else value


class BulkBody(BaseModel):
    """One action on several rows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["enable", "disable", "remove", "categorise"]
    symbols: list[Annotated[MarketBody, BeforeValidator(_as_object)]] = Field(
        min_length=1, max_length=MOST_SYMBOLS
    )
    categories: Categories | None = None
    tagging: Literal["set", "add", "remove"] | None = None


@dataclass(frozen=True, slots=True)
class Additions:
    """Markets to be watched, and where in the body each is named."""

    symbols: Sequence[AdditionBody]
    is_list: bool

    def place(self, number: int, field: str) -> str:
        """The JSON Pointer to a field of one of them, counted from 0."""
        return pointer("symbols", number, field) if self.is_list else pointer(field)


# ---------------------------------------------------------------------- described
def _listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": MOST_SYMBOLS, "items": item}


ADDITIONS: Final[dict[str, Any]] = {
    "oneOf": [
        AdditionBody.model_json_schema(),
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["symbols"],
            "properties": {"symbols": _listed(AdditionBody.model_json_schema())},
        },
    ]
}
ALTERATION: Final[dict[str, Any]] = AlterationBody.model_json_schema()
BULK: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["action", "symbols"],
    "properties": {
        "action": {"enum": ["enable", "disable", "remove", "categorise"]},
        "symbols": _listed({"oneOf": [{"type": "string"}, MarketBody.model_json_schema()]}),
        "categories": ALTERATION["properties"]["categories"],
        "tagging": {
            "enum": ["set", "add", "remove"],
            "description": "What categorise does with the categories; `set` without it.",
        },
    },
}


# ---------------------------------------------------------------------- read
def additions_in(request: HttpRequest) -> Additions:
    """The markets that a request wants watched.

    Raises:
        Problem: If it carries something else, or names a market twice.
    """
    value = _json_in(request)
    if isinstance(value, dict) and "symbols" not in value:
        return Additions([_read(AdditionBody, value)], is_list=False)
    return Additions(_read(AdditionsBody, value).symbols, is_list=True)


def alteration_in(request: HttpRequest) -> AlterationBody:
    """What a request wants different in one row.

    Raises:
        Problem: If it carries something else, or nothing.
    """
    body = _read(AlterationBody, _json_in(request))
    if body == AlterationBody():
        raise _refused(FieldError("", f"must have one of {_keys(AlterationBody)}"))
    return body


def bulk_in(request: HttpRequest) -> BulkBody:
    """One action on several rows.

    Raises:
        Problem: If it carries something else.
    """
    body = _read(BulkBody, _json_in(request))
    if body.action == "categorise" and body.categories is None:
        raise _refused(FieldError(pointer("categories"), "must be there to categorise"))
    for name in ("categories", "tagging"):
        if body.action != "categorise" and getattr(body, name) is not None:
            detail = "must be left out, unless the action is categorise"
            raise _refused(FieldError(pointer(name), detail))
    return body


def twice(place: str) -> Problem:
    """A body names a market that it has named before."""
    return _refused(FieldError(place, "must not name a market that stands before it"))


def _json_in(request: HttpRequest) -> object:
    try:
        return json_body(request, JSON)
    except SettingsInvalid as exc:
        raise _refused(*exc.errors) from None


def _read(shape: type[Body], value: object) -> Body:
    try:
        return shape.model_validate(value)
    except ValidationError as exc:
        items = exc.errors(include_url=False, include_input=False)
        errors = dict.fromkeys(_error(item["type"], item["loc"], shape) for item in items)
        raise _refused(*errors) from None


def _error(kind: str, place: Place, shape: type[BaseModel]) -> FieldError:
    """What is right at the innermost field that has a name; a key that is not known has none."""
    if kind == "extra_forbidden":
        return FieldError(pointer(*place[:-1]), "has a key that is not known here")
    named = [at for at, key in enumerate(place) if key in RULES]
    if not named:
        return FieldError("", f"must be an object with {_keys(shape)}")
    field = str(place[named[-1]])
    is_item = field == "symbols" and len(place) > named[-1] + 1
    rule = "must be an object with a symbol" if is_item else RULES[field]
    return FieldError(pointer(*place), rule)


def _keys(shape: type[BaseModel]) -> str:
    *some, last = shape.model_fields
    return f"{', '.join(some)} and {last}" if some else last


def _refused(*errors: FieldError) -> Problem:
    return Problem(INVALID_REQUEST, REFUSED, errors=errors)
