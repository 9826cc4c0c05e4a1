"""KuCoin's REST interface as the simulator plays it, read by the program's own code too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.trading.simulator.kucoin import EXCHANGE, SESSIONS, answered, world
from tests.trading.simulator.worlds import NOW, NOW_US, fold_bars, moment
from trading.core.errors import KeyRefused, RateLimited, Rejected, Unreachable
from trading.core.market import Timeframe
from trading.exchanges.kucoin.accounts import KucoinAccounts
from trading.exchanges.kucoin.refusals import refusal
from trading.exchanges.permissions import warnings
from trading.exchanges.ports import Request, Response
from trading.simulator.catalog import Product
from trading.simulator.venues.kucoin import listing
from trading.simulator.venues.kucoin.accounts import SimulatedKey, key_of_file, new_key
from trading.simulator.venues.kucoin.limits import WEIGHT_A_WINDOW
from trading.simulator.venues.kucoin.rest import TROUBLES
from trading.simulator.venues.kucoin.venue import Kucoin
from trading.simulator.world import World

ACCOUNTS = KucoinAccounts()
KEY = SimulatedKey(name="N" * 24, secret="S" * 36, passphrase="opensesame")
MINUTE = NOW - NOW % 60


def venue(**changes: Any) -> Kucoin:
    return Kucoin(world(), keys=[replace(KEY, **changes)])


def asked(request: Request) -> Response:
    return answered(venue(), request)


def get(path: str, **query: str) -> Response:
    return asked(Request(method="GET", path=path, query=query))


def test_list_tells_which_id_is_which_market() -> None:
    listed = EXCHANGE.instruments(asked(EXCHANGE.instruments_request()))
    assert {one.market.symbol for one in listed} == set(world().products)
    assert any(one.streamable for one in listed)


def test_coin_of_another_name_is_listed_under_it() -> None:
    product = replace(world().products["BTC-USDT"], product_id="BSV-USDT", base="BSV")
    other = Kucoin(World(1, {"BSV-USDT": product}))
    found = EXCHANGE.instruments(answered(other, EXCHANGE.instruments_request()))
    assert [(one.market.symbol, one.native_id) for one in found] == [("BSV-USDT", "BCHSV-USDT")]


def test_listed_symbol_has_the_fields_of_the_venue() -> None:
    symbol = json.loads(get("/api/v2/symbols").body)["data"][0]
    assert len(symbol) == 28
    assert symbol["callauctionIsEnabled"] is False
    assert symbol["tradingStartTime"] is None


def test_figures_of_one_market_are_those_of_all() -> None:
    of_all = EXCHANGE.tickers(asked(EXCHANGE.tickers_request()))
    assert {one.symbol for one in of_all} == {
        listing.native(product) for product in world().products.values()
    }
    one = EXCHANGE.ticker(asked(EXCHANGE.ticker_request("BTC-USDT")))
    assert one.price == pytest.approx(
        next(row.price for row in of_all if row.symbol == "BTC-USDT"), rel=0.05
    )
    assert one.quote_volume_24h


def test_market_that_never_traded_has_no_price() -> None:
    product: Product = replace(world().products["BTC-USDT"], first_day=NOW // 86_400 + 1)
    young = Kucoin(World(1, {"BTC-USDT": product}))
    told = EXCHANGE.ticker(answered(young, EXCHANGE.ticker_request("BTC-USDT")))
    assert told.price is None
    assert told.change_24h is None


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_candles_are_those_of_the_world(timeframe: Timeframe) -> None:
    last = NOW - NOW % timeframe.seconds
    first = last - 3 * timeframe.seconds
    request = EXCHANGE.candles_request("BTC-USDT", timeframe, first, last)

    told = EXCHANGE.candles(asked(request), "BTC-USDT", timeframe)

    minutes = world().candles("BTC-USDT", 60, first, NOW, NOW_US)
    made = fold_bars(minutes, timeframe.seconds)
    step = world().products["BTC-USDT"].price_step
    assert [one.opened_at for one in told] == [bar.opened_at for bar in made]
    assert [one.close for one in told] == [float(step.write(bar.close)) for bar in made]


def test_candles_come_newest_first_without_the_end_and_at_most_fifteen_hundred() -> None:
    path, query = "/api/v1/market/candles", {"symbol": "BTC-USDT", "type": "1min"}
    rows = json.loads(get(path, **query, startAt=str(MINUTE - 600), endAt=str(MINUTE - 60)).body)[
        "data"
    ]
    made = world().candles("BTC-USDT", 60, MINUTE - 600, MINUTE - 61, NOW_US)
    assert [int(row[0]) for row in rows] == [bar.opened_at for bar in reversed(made)]
    many = json.loads(get(path, **query, startAt=str(MINUTE - 200_000), endAt=str(MINUTE)).body)
    assert len(many["data"]) == 1_500
    assert int(many["data"][0][0]) < MINUTE
    assert len(json.loads(get(path, **query, startAt="0", endAt="0").body)["data"]) <= 101


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "'symbol' is missing"),
        ({"symbol": "NO-USDT", "type": "1min"}, "Unsupported trading pair"),
        ({"symbol": "BTC-USDT"}, "'type' is missing"),
        ({"symbol": "BTC-USDT", "type": "1m"}, "Incorrect candlestick type"),
        ({"symbol": "BTC-USDT", "type": "1min", "endAt": "soon"}, "must be unix seconds"),
    ],
)
def test_question_that_is_none_is_refused_behind_a_200(query: dict[str, str], words: str) -> None:
    response = get("/api/v1/market/candles", **query)
    assert response.status == 200
    with pytest.raises(Rejected, match=f"400100: .*{words}"):
        EXCHANGE.candles(response, "BTC-USDT", Timeframe.M1)


def test_clock_is_the_venues() -> None:
    assert EXCHANGE.server_time(asked(EXCHANGE.server_time_request())) == NOW_US // 1_000 * 1_000
    assert json.loads(get("/api/v1/status").body)["data"]["status"] == "open"
    assert get("/api/v1/nothing").status == 404


def test_each_connection_is_told_an_address_of_its_own() -> None:
    one = venue()
    urls = [SESSIONS.address(answered(one, SESSIONS.request()), "00") for _ in range(2)]
    assert urls[0] != urls[1]
    assert urlsplit(urls[0])[:3] == ("ws", "127.0.0.1:1", "/endpoint")


def test_too_much_is_refused_until_the_window_is_over() -> None:
    one = venue()
    request = EXCHANGE.tickers_request()
    good = WEIGHT_A_WINDOW // request.weight
    at = moment(steady=1_005.0)  # 15 s into a window
    assert {answered(one, request, at).status for _ in range(good)} == {200}
    told = refusal(answered(one, request, at))
    assert isinstance(told, RateLimited)
    assert told.retry_after == 15.0
    assert answered(one, request, moment(steady=1_020.0)).status == 200


def test_what_proves_a_key_is_weighed_apart() -> None:
    one = venue()
    for _ in range(WEIGHT_A_WINDOW // 15 + 1):
        answered(one, EXCHANGE.tickers_request())
    assert ACCOUNTS.permissions(answered(one, proven(ACCOUNTS.permissions_request()))).can_view


@pytest.mark.parametrize("trouble", list(TROUBLES))
def test_trouble_is_what_the_client_takes_it_for(trouble: Any) -> None:
    answer = venue().troubled(trouble)
    response = Response(status=answer.status, headers=answer.headers, body=answer.body)
    with pytest.raises(Exception, match="kucoin: "):
        EXCHANGE.candles(response, "BTC-USDT", Timeframe.M1)


# ------------------------------------------------------------------ accounts


def proven(request: Request, at: int = NOW, /, **changes: str) -> Request:
    texts: dict[str, str] = {
        "name": KEY.name,
        "secret": KEY.secret,
        "passphrase": KEY.passphrase,
    } | changes
    key = ACCOUNTS.read_key(**texts)
    return ACCOUNTS.signed(request, key, base="http://x", at=at, nonce="")


def accounts_request() -> Request:
    request = ACCOUNTS.reading().request()
    assert request is not None
    return request


def test_accounts_are_read_by_who_has_the_key() -> None:
    reading = ACCOUNTS.reading()
    reading.receive(answered(venue(), proven(accounts_request())))
    held = {one.currency: one.total for one in reading.accounts}
    assert held["BTC"] > 0
    assert {one.kind for one in reading.accounts} == {"main", "trade"}


def test_accounts_may_be_asked_for_by_their_type() -> None:
    request = replace(accounts_request(), query={"type": "trade"})
    reading = ACCOUNTS.reading()
    reading.receive(answered(venue(), proven(request)))
    assert {one.kind for one in reading.accounts} == {"trade"}


@pytest.mark.parametrize(
    ("permission", "refused"),
    [("General", False), ("General,Withdraw", True), ("General,InnerTransfer", True)],
)
def test_key_that_may_move_money_is_told_and_refused(permission: str, refused: bool) -> None:
    request = proven(ACCOUNTS.permissions_request())
    told = ACCOUNTS.permissions(answered(venue(permission=permission), request))
    if refused:
        with pytest.raises(KeyRefused):
            warnings("kucoin", told)
    else:
        assert warnings("kucoin", told) == []


def test_key_of_version_2_is_taken_where_it_is_said() -> None:
    old = venue(version="2")
    said = proven(accounts_request(), name=KEY.name + ":v2")
    ACCOUNTS.reading().receive(answered(old, said))
    with pytest.raises(KeyRefused, match="400009"):
        ACCOUNTS.reading().receive(answered(old, proven(accounts_request())))


@pytest.mark.parametrize("seconds", [-6, 6])
def test_request_of_another_time_is_not_believed_and_may_be_signed_anew(seconds: int) -> None:
    request = proven(accounts_request(), NOW + seconds)
    with pytest.raises(Unreachable, match="400002"):
        ACCOUNTS.reading().receive(answered(venue(), request))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "M" * 24}, "400003"),
        ({"passphrase": "closesesame"}, "400004"),
        ({"secret": "T" * 36}, "400004"),
    ],
)
def test_key_that_nobody_has_is_refused(changes: dict[str, str], code: str) -> None:
    with pytest.raises(KeyRefused, match=code):
        ACCOUNTS.reading().receive(answered(venue(), proven(accounts_request(), NOW, **changes)))


def test_request_that_was_changed_on_its_way_is_not_believed() -> None:
    changed = replace(proven(accounts_request()), query={"type": "main"})
    with pytest.raises(KeyRefused, match="400005"):
        ACCOUNTS.reading().receive(answered(venue(), changed))


def test_request_without_a_key_and_a_key_without_permission_are_refused() -> None:
    with pytest.raises(KeyRefused, match="400001"):
        ACCOUNTS.reading().receive(asked(accounts_request()))
    with pytest.raises(KeyRefused, match="400007"):
        ACCOUNTS.reading().receive(answered(venue(permission="Spot"), proven(accounts_request())))


def test_key_is_written_down_and_read_again() -> None:
    key = new_key()
    assert key_of_file(json.dumps(key.portal_file()).encode()) == key
    assert key.secret not in repr(key)
    for text in (b"{}", b"[", b'{"name":"a","secret":"b"}'):
        with pytest.raises(ValueError, match="name, secret and passphrase"):
            key_of_file(text)
