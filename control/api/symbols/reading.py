"""What exchanges list, and what is on the watchlist, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.http import HttpRequest, HttpResponse

from control.api.alerts.routes import answer
from control.api.problems import EXCHANGE_UNAVAILABLE, of_exchange
from control.api.symbols.answers import FoundAnswer, MeasuredAnswer
from control.api.symbols.editing import router  # one address, one router
from control.api.symbols.figure_answers import FiguresAnswer
from control.symbols.figures import asked_figures, own_markets
from control.symbols.listings import ListingUnknown
from control.symbols.metrics import (
    MOST,
    USUAL,
    FiguresUnknown,
    MarketUnknown,
    market_of,
    search_markets,
)
from settings_app.api.access import user_of
from settings_app.api.description import operation
from settings_app.api.reading import reader
from settings_app.api.requests import Parameter, Query
from settings_app.problems import (
    NOT_FOUND,
    SETTINGS_DAMAGED,
    SETTINGS_TOO_NEW,
    Problem,
    errors_of_the_row,
)

QUERY: Final = Parameter(
    "q", "Part of a symbol, a base or a name, in any case; without it, everything that is listed."
)
EXCHANGE: Final = Parameter("exchange", "Where; without it, on your primary exchange.")
QUOTE: Final = Parameter("quote", "Only those quoted in this: `USD`.")
LIMIT: Final = Parameter("limit", f"How many at most; {USUAL} without it.", bounds=(1, MOST))
SEARCHING: Final = (QUERY, EXCHANGE, QUOTE, LIMIT)
REFUSALS: Final = (NOT_FOUND, SETTINGS_TOO_NEW, EXCHANGE_UNAVAILABLE)

__all__ = ["router"]

get = reader(router)


@get(
    "/symbols/search",
    **operation(
        "searchSymbols",
        "Find a market to watch",
        tag="symbols",
        answer={200: FoundAnswer},
        parameters=SEARCHING,
        refusals=REFUSALS,
    ),
)
def search_symbols(request: HttpRequest) -> HttpResponse:
    """What fits best comes first; of what fits alike, what can be watched, and of that what is
    traded most. Futures, aliases and what is closed are among them, marked. While the exchange does
    not answer, `note` says how old this is.
    """
    query, user = Query(request, *SEARCHING), user_of(request)
    limit = int(query.number(LIMIT) or USUAL)
    with _told_as_problems():
        found = search_markets(
            user,
            query.text(QUERY) or "",
            exchange=query.text(EXCHANGE) or None,
            quote=query.text(QUOTE) or None,
            limit=limit,
        )
    return answer(FoundAnswer.of(found))


@get(
    "/symbols/figures",
    **operation(
        "readFigures",
        "See what your symbols did in 24 hours",
        tag="symbols",
        answer={200: FiguresAnswer},
        refusals=(SETTINGS_DAMAGED, SETTINGS_TOO_NEW),
    ),
)
def read_figures(request: HttpRequest) -> HttpResponse:
    """Price, change and volume, no older than a minute where the exchange answers. Where one does
    not, its `note` says so, and the others are there all the same.
    """
    Query(request)
    with errors_of_the_row():
        markets = own_markets(user_of(request))
    return answer(FiguresAnswer.of(asked_figures(markets)))


@get(
    "/symbols/{exchange}/{symbol}",
    **operation(
        "measureSymbol",
        "See what a market does now",
        tag="symbols",
        answer={200: MeasuredAnswer},
        refusals=REFUSALS,
    ),
)
def measure_symbol(request: HttpRequest, exchange: str, symbol: str) -> HttpResponse:
    """Asks the exchange at once: its figures are of now. Where there is no such market, `nearest`
    has the names most like it.
    """
    Query(request)
    with _told_as_problems():
        measured = market_of(user_of(request), exchange, symbol)
    return answer(MeasuredAnswer.of_now(measured))


@contextmanager
def _told_as_problems() -> Iterator[None]:
    try:
        yield
    except MarketUnknown as exc:
        raise Problem(NOT_FOUND, str(exc), members={"nearest": list(exc.near)}) from exc
    except (ListingUnknown, FiguresUnknown) as exc:
        raise of_exchange(exc) from exc
