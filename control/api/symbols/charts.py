"""The status of symbols, candles and indicators over HTTP.

Rule 1: nothing is changed here, and no exchange is asked for market data.
Rule 2: whose symbols and whose map it is, the session says; candles are the same for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from control.api import problems
from control.api.problems import EXCHANGE_UNAVAILABLE, RUNTIME_OFFLINE, RUNTIME_UNKNOWN
from control.api.symbols.chart_answers import (
    CandlesAnswer,
    HeardAnswer,
    IndicatorsAnswer,
    MapAnswer,
    SymbolAnswer,
    SymbolsAnswer,
)
from control.api.symbols.editing import router  # one address, one router
from control.api.symbols.equivalent_answers import sources_of
from control.symbols.charts import Chart, MarketUnlisted, candles, indicators
from control.symbols.equivalents import related
from control.symbols.listings import ListingUnknown
from control.symbols.statuses import SymbolState, heard, reports_of
from settings_app import services
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import Parameter, Query
from settings_app.models import User
from settings_app.problems import (
    MALFORMED_REQUEST,
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)
from trading.core.market import Market, Timeframe
from trading.exchanges.registry import EXCHANGES

MOST: Final = 500
USUAL: Final = 300

STATE: Final = Parameter("state", "In this state.", choices=tuple(map(str, SymbolState)))
CATEGORY: Final = Parameter("category", "With this category in the watchlist.")
ON: Final = Parameter("exchange", "On this exchange.", choices=tuple(EXCHANGES))
EXCHANGE: Final = Parameter(
    "exchange", "The market's exchange; it must be there.", choices=tuple(EXCHANGES)
)
SYMBOL: Final = Parameter("symbol", "Its canonical name, `BTC-USD`; it must be there.")
TIMEFRAME: Final = Parameter(
    "timeframe", "The length of a candle; it must be there.", choices=tuple(map(str, Timeframe))
)
LIMIT: Final = Parameter(
    "limit", f"How many at most, the newest; {USUAL} without it.", bounds=(1, MOST)
)
BEFORE: Final = Parameter("before", "Only what opened before this time.", is_moment=True)
OF_A_MARKET: Final = (EXCHANGE, SYMBOL, TIMEFRAME, LIMIT, BEFORE)
REFUSALS: Final = (NOT_FOUND, EXCHANGE_UNAVAILABLE, RUNTIME_UNKNOWN)

__all__ = ["router"]


class Reading(Protocol):
    """A chart read from what is kept."""

    def __call__(
        self, market: Market, timeframe: Timeframe, /, *, limit: int, before: int | None
    ) -> Chart: ...


get = reader(router)


@get(
    "/symbols",
    **operation(
        "listSymbols",
        "See how your symbols are doing",
        tag="symbols",
        answer={200: SymbolsAnswer},
        parameters=(STATE, CATEGORY, ON),
        refusals=(SETTINGS_TOO_NEW, SETTINGS_DAMAGED, RUNTIME_UNKNOWN),
    ),
)
def list_symbols(request: HttpRequest) -> HttpResponse:
    """The watchlist in its order, then what is watched or held beside it. Without a runtime they
    are `offline`.
    """
    query, user = Query(request, STATE, CATEGORY, ON), user_of(request)
    state, category, exchange = query.text(STATE), query.text(CATEGORY), query.text(ON)
    with _unknown_where_redis_is_away(user), errors_of_the_row():
        told = reports_of(user)
        document = services.read(user.pk).document
    reports = [
        one
        for one in told.symbols
        if state in {None, one.state}
        and (category is None or category in one.categories)
        and exchange in {None, one.market.exchange}
    ]
    linked = related(document, [one.market for one in reports])
    shown = [SymbolAnswer.of(one, linked) for one in reports]
    runtime = None if told.runtime is None else HeardAnswer.of(told.runtime)
    answer = SymbolsAnswer(symbols=shown, sources=sources_of(linked), runtime=runtime)
    return _json(answer, exclude_none=True)


@get(
    "/candles",
    **operation(
        "listCandles",
        "Read the candles of a market",
        tag="symbols",
        answer={200: CandlesAnswer},
        parameters=OF_A_MARKET,
        refusals=REFUSALS,
    ),
)
def list_candles(request: HttpRequest) -> HttpResponse:
    """Closed ones, oldest first, as far as they are kept: about 300 of each timeframe, of markets
    that somebody watches. Of another market that is listed there is nothing, and `note` says why.
    """
    query = Query(request, *OF_A_MARKET)
    return _json(CandlesAnswer.of(_chart(user_of(request), query, candles)))


@get(
    "/indicators",
    **operation(
        "listIndicators",
        "Read the indicators of a market",
        tag="symbols",
        answer={200: IndicatorsAnswer},
        parameters=OF_A_MARKET,
        refusals=REFUSALS,
    ),
)
def list_indicators(request: HttpRequest) -> HttpResponse:
    """Of each kept candle, oldest first; null where there is no value yet. All of them, whichever
    your mode shows.
    """
    query = Query(request, *OF_A_MARKET)
    return _json(IndicatorsAnswer.of(_chart(user_of(request), query, indicators)))


@get(
    "/indicators/map",
    **operation(
        "getIndicatorMap",
        "Read the heat map of your runtime",
        tag="symbols",
        answer={200: MapAnswer},
        refusals=(RUNTIME_OFFLINE, RUNTIME_UNKNOWN),
    ),
)
def read_map(request: HttpRequest) -> HttpResponse:
    """Every watched symbol by every timeframe, of the indicators that your mode shows."""
    Query(request)
    user = user_of(request)
    with _unknown_where_redis_is_away(user):
        status = heard(user)
    if status is None:
        raise problems.of_silence(user)
    return _json(MapAnswer.of(status), exclude_none=True)


def _chart(user: User, query: Query, read: Reading) -> Chart:
    market = Market(_needed(query, EXCHANGE), _needed(query, SYMBOL))
    timeframe = Timeframe(_needed(query, TIMEFRAME))
    limit, moment = int(query.number(LIMIT) or USUAL), query.moment(BEFORE)
    before = None if moment is None else math.ceil(moment.timestamp())
    with _unknown_where_redis_is_away(user):
        try:
            return read(market, timeframe, limit=limit, before=before)
        except MarketUnlisted as exc:
            raise Problem(NOT_FOUND, str(exc)) from exc
        except ListingUnknown as exc:
            raise problems.of_exchange(exc) from exc


def _needed(query: Query, parameter: Parameter) -> str:
    value = query.text(parameter)
    if not value:
        raise Problem(MALFORMED_REQUEST, f"The parameter {parameter.name} must be there.")
    return value


@contextmanager
def _unknown_where_redis_is_away(user: User) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, ValidationError) as exc:
        raise problems.of_unknown(exc, sub=user.sub) from exc


def _json(answer: BaseModel, *, exclude_none: bool = False) -> HttpResponse:
    text = answer.model_dump_json(by_alias=True, exclude_none=exclude_none)
    return HttpResponse(text, content_type="application/json")
