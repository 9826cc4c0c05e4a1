"""What a command would do, over HTTP.

Rule 1: nothing is changed and nothing is sent; who wants it done sends the command.
"""

from __future__ import annotations

from typing import Final, Self

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field, ValidationError
from redis.exceptions import RedisError

from control import foreseen
from control.api import problems
from control.api.problems import RUNTIME_UNKNOWN
from control.protocol import ClearCachePayload, field_errors
from settings_app.api.access import user_of
from settings_app.api.answers import Answer
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import Parameter, Query
from settings_app.problems import (
    MALFORMED_REQUEST,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)
from trading.core.market import Market

SCOPE: Final = Parameter("scope", "`all`, `symbol` or `timeframe`; it must be there.")
SYMBOL: Final = Parameter("symbol", "With scope `symbol`: its canonical name, `BTC-USD`.")
EXCHANGE: Final = Parameter("exchange", "Of the symbol, or to limit to it.")
TIMEFRAME: Final = Parameter("timeframe", "With scope `timeframe`: `1m` to `1d`.")

router = Router()
get = reader(router)


class MarketAnswer(Answer):
    """A market by its name."""

    exchange: str
    symbol: str

    @classmethod
    def of(cls, market: Market) -> Self:
        """It, told."""
        return cls(exchange=market.exchange, symbol=market.symbol)


class ModeAnswer(Answer):
    """What a mode would watch."""

    mode: str
    is_wanted: bool = Field(description="Whether it is the mode that is wanted now.")
    symbols: int = Field(description="How many markets it would watch.")
    timeframes: list[str]
    starts: list[MarketAnswer] = Field(description="Watched then and not now.")
    stops: list[MarketAnswer] = Field(description="Watched now and not then.")

    @classmethod
    def of(cls, told: foreseen.ModeForeseen) -> Self:
        """It, told."""
        return cls(
            mode=str(told.mode),
            is_wanted=told.is_wanted,
            symbols=len(told.markets),
            timeframes=[str(timeframe) for timeframe in told.timeframes],
            starts=[MarketAnswer.of(market) for market in told.starts],
            stops=[MarketAnswer.of(market) for market in told.stops],
        )


class ModesAnswer(Answer):
    """Every mode that there is."""

    modes: list[ModeAnswer]


class ClearingAnswer(Answer):
    """What `clear-cache` would touch."""

    keys: int = Field(description="How many names in Redis: those removed and those replaced.")
    removed: int = Field(description="Of these, kept for you alone: they go.")
    replaced: int = Field(description="Of these, candles: read anew and swapped, for all.")
    symbols: int = Field(description="Of how many markets the candles are.")
    refusal: str | None = Field(None, description="Why the runtime would refuse it now.")


@get(
    "/modes",
    **operation(
        "foreseeModes",
        "See what each mode would watch",
        tag="control",
        answer={200: ModesAnswer},
        refusals=(SETTINGS_TOO_NEW, SETTINGS_DAMAGED),
    ),
)
def foresee_modes(request: HttpRequest) -> HttpResponse:
    """By the settings, positions and approved scan as they are stored now: what starts and what
    stops, held against the mode that is wanted.
    """
    Query(request)
    with errors_of_the_row():
        told = [ModeAnswer.of(one) for one in foreseen.modes(user_of(request))]
    return _json(ModesAnswer(modes=told))


@get(
    "/cache",
    **operation(
        "foreseeClearing",
        "See what clearing the cache would touch",
        tag="control",
        answer={200: ClearingAnswer},
        parameters=(SCOPE, SYMBOL, EXCHANGE, TIMEFRAME),
        refusals=(RUNTIME_UNKNOWN,),
    ),
)
def foresee_clearing(request: HttpRequest) -> HttpResponse:
    """The parameters are the payload of `clear-cache`; what it would touch is counted by what the
    command itself would do.
    """
    known = (SCOPE, SYMBOL, EXCHANGE, TIMEFRAME)
    query, user = Query(request, *known), user_of(request)
    asked = {parameter.name: query.text(parameter) for parameter in known}
    try:
        payload = ClearCachePayload.model_validate(asked)
    except ValidationError as exc:
        raise Problem(MALFORMED_REQUEST, f"{field_errors(exc)}.") from None
    try:
        told = foreseen.clearing(user, payload)
    except RedisError as exc:
        raise problems.of_unknown(exc, sub=user.sub) from None
    return _json(
        ClearingAnswer(
            keys=told.keys,
            removed=told.removed,
            replaced=told.replaced,
            symbols=told.markets,
            refusal=told.refusal or None,
        )
    )


def _json(told: Answer) -> HttpResponse:
    text = told.model_dump_json(by_alias=True, exclude_none=True)
    return HttpResponse(text, content_type="application/json")
